package config

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/s3"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// Values of emit.
const (
	emitContent   = "content"
	emitReference = "reference"
)

func emitField() *service.ConfigField {
	return service.NewStringAnnotatedEnumField(fieldEmit, map[string]string{
		emitContent: "Its content, as the `scanner` splits it.",
		emitReference: "One JSON document that names it, and nothing is downloaded: `bucket`, `key`, `path` (below the prefix of `source_path`), `etag`, `size`, `last_modified`, `event`, `object_id`, `project_ref` and `endpoint`. " +
			"So one process lists a bucket, and a broker hands the work on to many. Filters, `state`, acks, modes and the metadata of messages are the same. What the listing does not tell is missing: over S3 that is the content type, " +
			"which `content_types` has asked for with one request an object, and the metadata that was stored with the object, which takes `user_metadata: full` and one request an object. " +
			"With `emit_deletes`, a deletion is the document with `\"event\":\"deleted\"`, without `etag`, `size`, `last_modified` and `object_id`. It can't be combined with `after_delivery: delete` or `move`, or with a `scanner`.",
	}).
		Description("What is sent for each object.").
		Default(emitContent).
		LintRule(lintRule(fieldEmit))
}

func referenceURLExpiryField() *service.ConfigField {
	return service.NewStringField(fieldReferenceURLExpiry).
		Description("Adds `url` to each reference: a signed address under which anybody can read the object without keys, for this long. The time counts from when the message is made, so it includes what the message waits in the pipeline and in a broker. " +
			"The address opens whatever version the key has then. It is a secret. With S3 access keys it is signed here, costs no request, and holds for at most `168h` (7 days); with all other credentials the server signs it, in requests of up to 500 objects. " +
			"An object that this role may list but not read gets no address, and is parked. Needs `emit: reference`. A duration of at least `1s`, in whole seconds; a bare number is seconds. Empty adds none.").
		Example("1h").Example("24h").
		Default("").
		LintRule(lintRule(fieldReferenceURLExpiry))
}

func emitFailuresField() *service.ConfigField {
	return newBoolField(fieldEmitFailures, false).
		Description("Whether to send a message for each object that failed for good and is parked, for a dead-letter topic. The message has Benthos' error mark, so that `errored()` is true and `error()` is the cause; `supabase_storage_failure` is the reason in one word, and its body is the reference of the object, as with `emit: reference`. " +
			"It is sent once for each version and reason while the process runs. Whatever becomes of the message, the object stays parked: it is tried again later, and counts in the exit code of a one-time run, as without this field. " +
			"What the output refuses after a one-time run has handed everything on (`auto_replay_nacks: false`) is parked without a message.")
}

var parseEmit = oneOf("something to send", emitContent, emitReference)

// parseURLExpiry reads a duration of whole seconds; nothing is 0.
func parseURLExpiry(v any) (time.Duration, error) {
	text := valueText(v)
	if text == "" {
		return 0, nil
	}
	d, err := readDuration(text)
	switch {
	case err != nil:
		return 0, err
	case d < time.Second:
		return 0, Wrong(fmt.Sprintf("%q is less than a second", text), "write at least 1s, or remove it")
	}
	return time.Duration(math.Ceil(d.Seconds())) * time.Second, nil
}

// readEmit reads what is sent for each object. It comes after the project, the
// scanner and what is deleted.
func (c *Config) readEmit(f *fields) {
	c.References = read(f, parseEmit, fieldEmit) == emitReference
	c.URLExpiry = read(f, parseURLExpiry, fieldReferenceURLExpiry)
	c.EmitFailures = read(f, parseBool, fieldEmitFailures)
	if f.err != nil {
		return
	}
	if problems := checkEmit(c.References, c.removalField(), c.ToTheEnd, c.URLExpiry, c.settings.Credentials.Type); len(problems) > 0 {
		f.check(problems)
	}
}

// checkEmit checks what is set together with references, and without them. The
// default scanner has no effect on references. RemovedBy names the field that has
// objects deleted or moved, "" where none does.
func checkEmit(references bool, removedBy string, defaultScanner bool, expiry time.Duration, credentials string) (all supabase.Problems) {
	without := fmt.Sprintf("remove it, or write %s: %s", fieldEmit, emitContent)
	if references && removedBy != "" {
		all = append(all, problemsAt(removedBy, Wrong("an object that was only named would be lost", without))...)
	}
	if references && !defaultScanner {
		all = append(all, problemsAt(fieldScanner, Wrong(fmt.Sprintf("nothing is read with %s: %s", fieldEmit, emitReference), without))...)
	}
	if !references && expiry > 0 {
		all = append(all, problemsAt(fieldReferenceURLExpiry, Wrong("has no effect without references", fmt.Sprintf("write %s: %s, or remove it", fieldEmit, emitReference)))...)
	}
	if expiry > s3.MaxPresigned && credentials == supabase.TypeAccessKey {
		all = append(all, problemsAt(fieldReferenceURLExpiry, Wrong(fmt.Sprintf("%v is longer than 7 days, which is the most for an address that S3 access keys sign", expiry),
			"write at most 168h, or use credentials of another type"))...)
	}
	return all
}

// lintEmit is checkEmit for values that may be missing or wrong.
func lintEmit(conf map[string]any) supabase.Problems {
	emit, err1 := parseEmit(conf[fieldEmit])
	expiry, err2 := parseURLExpiry(conf[fieldReferenceURLExpiry])
	deletes, err3 := parseBool(cmp.Or(conf[fieldDeleteObjects], any(false)))
	after, err4 := parseAfterDelivery(conf[fieldAfterDelivery])
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		return nil //nolint:nilerr // Their own rules say so.
	}
	scanner, err := decoded(conf[fieldScanner])
	written, _ := scanner.(map[string]any)
	name, _ := scannerParts(written)
	creds, _ := conf[fieldCredentials].(map[string]any)
	return checkEmit(emit == emitReference, removalField(after, deletes), err != nil || name == "" || name == scannerToTheEnd, expiry, strings.ToLower(valueText(creds[fieldCredType])))
}
