package config

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
)

// State says where the ledger is kept: in the file at Path, in the cache
// resource called Cache, or, if both are "", in memory.
type State struct {
	Path, Cache string
	// Namespace is "" where the label of the input is to be used.
	Namespace string
}

// Set reports whether the ledger is to outlive the process.
func (s State) Set() bool { return s.Path != "" || s.Cache != "" }

// Field is the one that says where the ledger is kept.
func (s State) Field() string {
	if s.Cache != "" {
		return FieldState + "." + fieldStateCache
	}
	return FieldState + "." + fieldStatePath
}

// readSync reads when to read, and what is remembered from one pass to the
// next.
func (c *Config) readSync(f *fields) {
	c.SyncMode = read(f, parseSyncMode, fieldSyncMode)
	c.Plan = readPlan(f, c.SyncMode)
	if f.err == nil && c.SyncMode == ModeOneTime && !f.namesTargets() && f.text(fieldPollingInterval) != defaultPollingInterval {
		// Not a lint, which would keep a run from starting.
		c.Project.Warnings = append(c.Project.Warnings, problemsAt(fieldPollingInterval, Wrong("has no effect with the sync_mode "+c.SyncMode,
			"remove it, or write sync_mode: "+ModeContinuous+" or "+ModeScheduled))...)
	}
	if f.parsed.Contains(FieldState) {
		c.State = State{
			Path:      f.text(FieldState, fieldStatePath),
			Cache:     f.text(FieldState, fieldStateCache),
			Namespace: f.text(FieldState, fieldStateNamespace),
		}
		f.check(checkPlaces(c.State.Path, c.State.Cache))
	}
	c.ChangeDetection = read(f, parseChangeDetection, fieldChangeDetection)
	c.FullSweepInterval = defaultSweepInterval
	if f.parsed.Contains(fieldFullSweepInterval) {
		c.FullSweepInterval = read(f, parseSweepInterval, fieldFullSweepInterval)
	}
	c.EmitDeletes = read(f, parseBool, fieldEmitDeletes)
	if f.parsed.Contains(fieldMaxDeleteRatio) {
		c.MaxDeleteRatio = read(f, parseOptionalRatio, fieldMaxDeleteRatio)
	}
	if !f.namesTargets() {
		f.check(checkEmitDeletes(c.EmitDeletes, c.SyncMode, c.State.Set()))
	}
}

func readPlan(f *fields, mode string) schedule.Plan {
	interval := read(f, parsePollingInterval, fieldPollingInterval)
	if f.text(fieldSchedule) != "" {
		if !f.namesTargets() {
			f.check(checkSchedule(mode))
		}
		return read(f, parseSchedule, fieldSchedule)
	}
	switch mode {
	case ModeContinuous:
		return schedule.After(interval)
	case ModeScheduled:
		return schedule.Every(interval)
	}
	return schedule.Once()
}

// checkPlaces checks that a state that is written has one place. Without one it
// is not left out in silence: the next start would deliver everything again.
func checkPlaces(path, cache string) error {
	switch {
	case path != "" && cache != "":
		return At("state.cache", Wrong("is set together with state.path", "keep one of them"))
	case path == "" && cache == "":
		return At("state.path", Wrong("is missing, and so is state.cache",
			"write the path of a file, or the name of a cache resource, or remove state"))
	}
	return nil
}

// CheckResources checks what a configuration cannot tell by itself: that the
// cache resource of the state exists.
func (c Config) CheckResources(res *service.Resources) error {
	if name := c.State.Cache; name != "" && !res.HasCache(name) {
		return At(c.State.Field(), Wrong(fmt.Sprintf("there is no cache resource %q", name),
			"add one with this label under cache_resources, or write the label of another"))
	}
	return nil
}

// checkSchedule checks that a schedule is in a mode that has use for it.
func checkSchedule(mode string) error {
	if mode == ModeScheduled {
		return nil
	}
	return At(fieldSchedule, Wrong("is not used by the sync_mode "+mode, "write sync_mode: "+ModeScheduled+", or remove it"))
}

// checkEmitDeletes checks that something is remembered that can be missed.
func checkEmitDeletes(emit bool, mode string, state bool) error {
	if !emit || state || mode != ModeOneTime {
		return nil
	}
	return At(fieldEmitDeletes, Wrong("a single pass that remembers nothing cannot tell what is gone",
		fmt.Sprintf("add %s, or write sync_mode: %s or %s", FieldState, ModeContinuous, ModeScheduled)))
}

var parseSyncMode = oneOf("a mode", ModeOneTime, ModeContinuous, ModeScheduled)

// minPollingInterval keeps a slip of the unit from asking the project's
// database without a pause.
const minPollingInterval = time.Second

const defaultPollingInterval = "5m"

// parsePollingInterval reads polling_interval.
func parsePollingInterval(v any) (time.Duration, error) {
	d, err := parseDuration(v)
	if err == nil && d < minPollingInterval {
		err = Wrong(fmt.Sprintf("%q is less than a second", valueText(v)), "write at least 1s")
	}
	return d, err
}

// parseSchedule reads a schedule that is not empty.
func parseSchedule(v any) (schedule.Plan, error) { return schedule.Cron(valueText(v)) }

var parseChange = oneOf("a way to detect changes", changesByETag, changesByModified)

// parseChangeDetection reads change_detection.
func parseChangeDetection(v any) (ledger.ChangeDetection, error) {
	way, err := parseChange(v)
	if way == changesByModified {
		return ledger.ByModified, err
	}
	return ledger.ByETag, err
}

// parseOptionalRatio is parseRatio where nothing is 0.
func parseOptionalRatio(v any) (float64, error) {
	if valueText(v) == "" {
		return 0, nil
	}
	return parseRatio(v)
}

// parseRatio reads a part of a whole: more than 0, at most 1.
func parseRatio(v any) (float64, error) {
	text := valueText(v)
	ratio, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(ratio) || ratio <= 0 || ratio > 1 {
		return 0, Wrong(fmt.Sprintf("%q is not a part between 0 and 1", text), "write a number such as 0.5, or 1 for no limit")
	}
	return ratio, nil
}

// parseListers reads concurrency.max_listers.
func parseListers(v any) (int, error) { return parseInt(v, 0, 64) }
