package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

func contentTypesField() *service.ConfigField {
	return newListField(fieldContentTypes).
		Description("Read only the objects whose content type matches one of these, such as `image/*`, `application/pdf` or `application/*+json`; an empty list reads all. Upper and lower case are the same, and parameters such as `charset` do not count. Where the listing does not tell the type, which is so over S3, it is taken from the headers of the download, before the content is read: each object is asked for once, and with a `state`, or in a run that repeats, not again until its content changes, or this list in a way that lets its type in.").
		Example([]any{"image/*"}).Example([]any{"application/pdf", "text/*"})
}

func modifiedBeforeField() *service.ConfigField {
	return service.NewStringField(fieldModifiedBefore).
		Description("Read only the objects last modified before this time, written as in `modified_since`, which must be earlier. Empty reads all. For what is older than an hour or a day at any time, see `min_age`.").
		Example("2025-01-01").Example("2025-01-01T00:00:00Z").
		Default("").
		LintRule(lintRule(fieldModifiedBefore))
}

// parseModifiedBefore reads a time, as parseTime does. An age belongs elsewhere.
func parseModifiedBefore(v any) (time.Time, error) {
	t, err := parseTime(v)
	if text := valueText(v); err != nil {
		if _, isAge := time.ParseDuration(text); isAge == nil {
			return t, Wrong(fmt.Sprintf("%q is an age, not a date or timestamp", text),
				fmt.Sprintf("write %s: %s for what is at least that old", fieldMinAge, text))
		}
	}
	return t, err
}

// checkTimes checks that an object can be modified between two times.
func checkTimes(since, before time.Time) error {
	if since.IsZero() || before.IsZero() || since.Before(before) {
		return nil
	}
	return At(fieldModifiedBefore, Wrong(
		fmt.Sprintf("%s is not later than %s, which is %s, so that no object can match", before.Format(time.RFC3339Nano), fieldModifiedSince, since.Format(time.RFC3339Nano)),
		"write a later time, or remove one of the two"))
}

// lintTimes compares the two times, where both can be read.
func lintTimes(conf map[string]any) supabase.Problems {
	since, err1 := parseTime(conf[fieldModifiedSince])
	before, err2 := parseModifiedBefore(conf[fieldModifiedBefore])
	if err1 != nil || err2 != nil {
		return nil //nolint:nilerr // Their own rules say so.
	}
	return problemsAt("", checkTimes(since, before))
}

// parseContentTypes reads a list of globs. Its error names all that are wrong.
func parseContentTypes(v any) ([]string, error) {
	return parseList(v, "image/*", filter.CheckType)
}

// MetadataChoice says which of the metadata that is stored with an object its
// messages get.
type MetadataChoice int

const (
	// NoMetadata adds none.
	NoMetadata MetadataChoice = iota
	// SentMetadata adds what an answer brings along with the content.
	SentMetadata
	// FullMetadata asks for what an answer leaves out.
	FullMetadata
)

// fullMetadata is the word for [FullMetadata].
const fullMetadata = "full"

func userMetadataField() *service.ConfigField {
	return newBoolField(fieldUserMetadata, true).
		Description("Whether to add the metadata that was stored with an object to its messages, as `supabase_storage_meta_<name>`. `true` adds what the server sends along with the content: over S3, Supabase leaves out numbers, nested values and text that is not ASCII. `full` asks for all of it where something was left out, with one more request for each such object, which about halves how many objects a second arrive if they are small (measured at 1 KiB), and costs little from 1 MiB on. It takes credentials with a JWT or a secret key. `false` adds none.")
}

// parseUserMetadata reads true, false or full.
func parseUserMetadata(v any) (MetadataChoice, error) {
	if strings.EqualFold(valueText(v), fullMetadata) {
		return FullMetadata, nil
	}
	switch on, err := parseBool(v); {
	case err != nil:
		return NoMetadata, Wrong(fmt.Sprintf("%q is none of true, false and %s", valueText(v), fullMetadata), "write one of them")
	case on:
		return SentMetadata, nil
	}
	return NoMetadata, nil
}

// patternProblem is what is wrong with a pattern, as data.
func patternProblem(err error) error {
	if e, ok := errors.AsType[*filter.PatternError](err); ok {
		return Wrong(strings.TrimSuffix(e.Error(), "; "+e.Remedy), e.Remedy)
	}
	return err
}
