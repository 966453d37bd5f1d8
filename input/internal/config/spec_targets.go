package config

import (
	"slices"
	"strings"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// Names of the fields of targets.
const (
	FieldTargetsInput = "targets_input"
	fieldOnMissing    = "on_missing"
)

// Values of on_missing.
const (
	missingAck  = "ack"
	missingNack = "nack"
)

// defaultSweepInterval is that of full_sweep_interval. The field has no default in the
// spec, because together with targets_input it counts whether it is written.
const defaultSweepInterval = time.Hour

// Targets say where the messages come from that name objects.
type Targets struct {
	// From is the type of the input, such as kafka_franz.
	From string
	// Open makes the input. It has to be closed.
	Open func() (*service.OwnedInput, error)
	// NackMissing refuses a target whose object is not there.
	NackMissing bool
	// Sweeps says that everything is listed as well, every FullSweepInterval.
	Sweeps bool
}

func targetsInputField() *service.ConfigField {
	return service.NewInputField(FieldTargetsInput).
		Description("An input whose messages name the objects to read: any input, with any processors below it. Nothing is listed then, except each object as it is named, and `sync_mode` has no effect: this input lives as long as its `targets_input`. " +
			"So any number of processes share the work of a bucket, as members of one consumer group, and an upload is read a moment after its webhook. " +
			"A message is one JSON document, an array of them, or one on each line: a reference (`emit: reference`), `{\"key\": …}` or `{\"name\": …}` with or without a `bucket`, a database webhook on `storage.objects`, the webhook of a Storage server, or a message of a queue around one of these. A mapping below `targets_input` can turn any other message into one of these. " +
			"What is delivered is the version that the listing shows when it is read, and a key is never read twice at a time, so that no old version comes after a new one; a target for a key that waits to be read joins the one before it. " +
			"A target that names another bucket or project, or a key that `source_path`, a pattern or a limit leaves out, delivers nothing and is acknowledged. A target that says that its object was deleted delivers an empty message with the event `deleted`, unless the object is there. " +
			"A message is acknowledged when the output has everything that it names, and rejected when the output rejects any of it (`auto_replay_nacks: false`) or the input stops. An object that can't be read is tried again, after a minute first and up to once an hour, or at once when another message names it, and its target waits. " +
			"At most 16384 targets are taken in at a time. With `full_sweep_interval`, the bucket is listed as well, at that interval, and what no target named is delivered.").
		Optional()
}

func onMissingField() *service.ConfigField {
	return service.NewStringAnnotatedEnumField(fieldOnMissing, map[string]string{
		missingAck:  "The target is acknowledged and counted.",
		missingNack: "The target is rejected after a few attempts within a few seconds. Its sender may send it again, or to a dead-letter topic.",
	}).
		Description("What becomes of a target of `targets_input` whose object is not listed, because it was deleted or row level security hides it.").
		Default(missingAck).
		LintRule(lintRule(fieldOnMissing))
}

var parseOnMissing = oneOf("what to do", missingAck, missingNack)

// parseSweepInterval reads full_sweep_interval, and whether it is written.
func parseSweepInterval(v any) (time.Duration, error) {
	if valueText(v) == "" {
		return defaultSweepInterval, nil
	}
	return parseDuration(v)
}

// namesTargets reports whether targets_input is written.
func (f *fields) namesTargets() bool {
	if f.err != nil || !f.parsed.Contains(FieldTargetsInput) {
		return false
	}
	v, err := f.parsed.FieldAny(FieldTargetsInput)
	return err == nil && isWritten(v)
}

// inputType is the type of an input, "" where that is not clear. The input itself is not
// made: it would begin to read.
func (f *fields) inputType(name string) string {
	v, err := f.parsed.FieldAny(name)
	if err != nil {
		return ""
	}
	v, _ = decoded(v)
	conf, _ := v.(map[string]any)
	if name, _ := conf["type"].(string); name != "" {
		return name
	}
	for name := range conf {
		if name != "label" && name != "processors" {
			return name
		}
	}
	return ""
}

// isWritten reports whether an input is there: templates have null in its place.
func isWritten(v any) bool {
	conf, err := decoded(v)
	return err != nil || conf != nil && conf != ""
}

// readTargets reads targets_input, and what it changes. It comes after all of
// readSync.
func (c *Config) readTargets(f *fields) {
	missing := read(f, parseOnMissing, fieldOnMissing)
	written := f.written
	if !f.namesTargets() {
		f.checkAll(checkNoTargets(written))
		return
	}
	parsed := f.parsed
	c.Targets = &Targets{
		From:        f.inputType(FieldTargetsInput),
		Open:        func() (*service.OwnedInput, error) { return parsed.FieldInput(FieldTargetsInput) },
		NackMissing: missing == missingNack, Sweeps: written(fieldFullSweepInterval) != "",
	}
	f.checkAll(checkTargets(written))
	c.SyncMode, c.Plan = "", schedule.Every(c.FullSweepInterval)
}

// written is the text of a field, "" where it is not written. What is no text, such as
// an object, has some.
func (f *fields) written(name string) string {
	if f.err != nil || !f.parsed.Contains(name) {
		return ""
	}
	v, err := f.parsed.FieldAny(name)
	if err != nil {
		return ""
	}
	return valueText(v)
}

// checkAll notes problems.
func (f *fields) checkAll(problems supabase.Problems) {
	if len(problems) > 0 {
		f.check(problems)
	}
}

// checkNoTargets checks what has an effect with targets_input alone.
func checkNoTargets(written func(string) string) supabase.Problems {
	if !strings.EqualFold(written(fieldOnMissing), missingNack) {
		return nil
	}
	return problemsAt(fieldOnMissing, Wrong("has no effect without "+FieldTargetsInput, "write "+FieldTargetsInput+", or remove it"))
}

// checkTargets checks that nothing is written together with targets_input that has no
// effect. Written gives the text of a field, which may be its default.
func checkTargets(written func(string) string) (all supabase.Problems) {
	none := func(field, problem, remedy string, defaults ...string) {
		text := written(field)
		if text == "" || slices.ContainsFunc(defaults, func(d string) bool { return strings.EqualFold(d, text) }) {
			return
		}
		all = append(all, problemsAt(field, Wrong(problem, remedy))...)
	}
	when := "has no effect with " + FieldTargetsInput + ", whose messages say what is read and when"
	remedy := "remove it; " + fieldFullSweepInterval + " says how often everything is listed as well"
	none(fieldSyncMode, when, remedy, ModeOneTime)
	none(fieldPollingInterval, when, remedy, defaultPollingInterval)
	none(fieldSchedule, when, remedy)
	if written(fieldFullSweepInterval) != "" {
		return all
	}
	remembers := "has no effect with " + FieldTargetsInput + " alone, which remembers nothing: what sends the messages does"
	remedy = "write " + fieldFullSweepInterval + " as well, to list everything now and then, or remove it"
	none(FieldState, remembers, remedy)
	none(fieldChangeDetection, remembers, remedy, changesByETag)
	none(fieldMaxDeleteRatio, remembers, remedy)
	if emit, err := parseBool(written(fieldEmitDeletes)); err == nil && emit {
		none(fieldEmitDeletes, "has no effect with "+FieldTargetsInput+" alone: a deletion that a message tells of is always sent, and no other is noticed", remedy)
	}
	return all
}

// lintTargets checks what is written together with targets_input.
func lintTargets(conf map[string]any) supabase.Problems {
	written := func(name string) string { return valueText(conf[name]) }
	if !isWritten(conf[FieldTargetsInput]) {
		return checkNoTargets(written)
	}
	return checkTargets(written)
}
