package input

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
)

// documented is a name of the public contract and what the README says of it.
type documented struct{ name, text string }

// metadataDocs describes the metadata values, in the order of the README.
var metadataDocs = []documented{
	{emit.MetaBucket, "The bucket"},
	{emit.MetaKey, "The full key, byte for byte"},
	{emit.MetaPath, "The key below the prefix of `source_path`. Two keys may share a path unless the prefix ends with `/`"},
	{emit.MetaFilename, "The last part of the key"},
	{emit.MetaSafePath, "A relative path for a file, with the bucket in front: it stays below the folder that it is joined to, and no two keys of any buckets share one. Ordinary keys stay as they are: `uploads/photos/a.jpg`"},
	{emit.MetaETag, "The ETag, without quotes"},
	{emit.MetaSize, "The size in bytes, a number"},
	{emit.MetaLastModified, "The time of the last change, in RFC 3339"},
	{emit.MetaLastModifiedUnix, "The same in Unix seconds, a number"},
	{emit.MetaContentType, "The content type, as uploaded"},
	{emit.MetaCacheControl, "The cache control, as uploaded"},
	{emit.MetaProjectRef, "The project reference, where it is known"},
	{emit.MetaEvent, "`created`, `updated` or `deleted`: see [Change kinds](#change-kinds)"},
	{emit.MetaObjectID, "The same for the same bucket, key and ETag: an idempotency key"},
	{emit.MetaUserPrefix + "<name>", "The object's own metadata (switch: `user_metadata`). Values in the encoding of RFC 2047 are decoded; " +
		"bytes that are not UTF-8 are read as ISO-8859-1"},
	{emit.MetaMissingMeta, "How many values of the object's own metadata the server could not send, a number; not set for none. " +
		"Over S3, Supabase leaves out numbers, nested values and text that is not ASCII. `user_metadata: full` asks for them"},
	{emit.MetaFailure, "Of a message that `emit_failures` sends: why the object is parked, in one word. The error is `error()`"},
}

// metricDocs describes the metrics, in the order of the README. Their types and
// labels come from the code.
var metricDocs = []documented{
	{"supabase_storage_listed", "Objects seen in a listing, or as changed since the last pass"},
	{"supabase_storage_unchanged", "Objects delivered before in the version that is listed"},
	{"supabase_storage_filtered", "Objects left out. Rules: include, exclude, modified_since, modified_before, min_age, size, empty, placeholder, content_types, moved (it lies below `move_to`), and outside for targets of another bucket, project or prefix"},
	{"supabase_storage_delivered", "Objects acknowledged by the output"},
	{"supabase_storage_vanished", "Objects deleted between listing and download"},
	{"supabase_storage_parked", "Objects parked; an object that is tried again and fails again counts again"},
	{"supabase_storage_deleted_events", "Deletions acknowledged by the output"},
	{"supabase_storage_retries", "Requests made again"},
	{"supabase_storage_bytes", "Bytes of delivered objects"},
	{"supabase_storage_changes_polls", "Passes that asked only for changes"},
	{"supabase_storage_targets_received", "Objects named by messages of `targets_input`"},
	{"supabase_storage_targets_joined", "Of these, those whose object was about to be read anyway, for another one"},
	{"supabase_storage_targets_filtered", "Of these, those that a pattern or limit left out, or that are in another bucket, project or prefix"},
	{"supabase_storage_targets_delivered", "Of these, those whose object or deletion the output acknowledged"},
	{"supabase_storage_targets_missing", "Of these, those whose object is not listed (`on_missing`)"},
	{"supabase_storage_targets_failed", "Attempts at the object of a target that failed for good, or whose messages the output rejected"},
	{"supabase_storage_targets_malformed", "Messages of `targets_input` that name no object, or not only objects"},

	{"supabase_storage_in_flight", "Downloads under way"},
	{"supabase_storage_buffered_bytes", "Bytes that downloads hold in memory"},
	{"supabase_storage_download_window", "How many downloads may be under way, pages of the listing included where the number adapts"},
	{"supabase_storage_list_window", "How many pages of the listing may be under way at most; fewer once the server pushes back"},
	{"supabase_storage_tracked", "Objects with a delivered version, by the state"},
	{"supabase_storage_parked_now", "Objects that wait for another attempt, by the state"},
	{"supabase_storage_oldest_undelivered_seconds", "How long the oldest messages in the pipeline have waited for an ack; 0 if there are none"},
	{"supabase_storage_oldest_target_seconds", "How long the oldest target has waited that is not done with; 0 if there are none"},
	{"supabase_storage_last_complete_pass_unix", "When a listing last completed, Unix seconds, by the state also in an earlier process; 0 for never"},
	{"supabase_storage_credentials_expire_unix", "When the token in use ends, Unix seconds; 0 for keys without an end"},
	{"supabase_storage_pass_under_way", "1 while a pass is under way. Kinds: full (lists everything), changes (asks only for changes), parked (tries parked objects again)"},
	{"supabase_storage_pass_due_unix", "When the next pass is due, Unix seconds; while one is under way, when that was due. 0 for one-time runs, and before the run begins"},
	{"supabase_storage_pass_listed", "Objects that the full pass under way has listed so far, or the last one listed"},
	{"supabase_storage_pass_expected", "Objects that the full pass under way will probably list: as many as the last one, or as the state tracks; 0 if neither is known. " +
		"`pass_listed / pass_expected` is its progress"},
	{"supabase_storage_passes_failed", "Full passes in a row that ended early; 0 after one that did not"},
	{"supabase_storage_deletes_held", "Objects that are no longer listed and that the last full pass did not count as deleted (`max_delete_ratio`)"},
	{"supabase_storage_parked_objects", "Parked objects by reason, as far as the passes of this process have met them. `parked_now` counts all, by the state"},
	{"supabase_storage_undelivered_batches", "Batches of messages without an ack"},
	{"supabase_storage_endpoint_failing", "1 while the run waits for the endpoint, which is down or refuses requests; of several projects, how many"},
	{"supabase_storage_scopes", "Buckets by what they do now, where an input reads several: `active` are read, `waiting` wait for their time, their turn or a paused project, `failing` could not be read the last time, `done` are read to their end by a one-time run, `gone` are no longer there"},
	{"supabase_storage_projects", "Projects of which no bucket is known: `waiting` are still to be looked at, such as one that comes up, `failing` can't be read"},
	{"supabase_storage_state_failing", "1 while the state can't be written or read; nothing more is delivered then; of several buckets, how many"},
	{"supabase_storage_credentials_failing", "1 while new credentials can't be had; of several projects, how many"},

	{"supabase_storage_list_page_ns", "One page of the listing"},
	{"supabase_storage_first_byte_ns", "From a request to its first byte"},
	{"supabase_storage_pass_ns", "One pass with a full listing"},
}

// metadataTable is the metadata as a Markdown table. It fails where the code sets
// a value that is not described, or the other way round.
func metadataTable(t *testing.T) string {
	names := find(t, regexp.MustCompile(`(?m)^\tMeta\w+ += MetaPrefix \+ "(\w+)"`))
	var inCode []string
	for _, name := range names {
		if name[1] == "meta_" {
			name[1] += "<name>"
		}
		inCode = append(inCode, emit.MetaPrefix+name[1])
	}
	requireDocumented(t, inCode, metadataDocs)
	var b strings.Builder
	b.WriteString("| Name | Value |\n|---|---|\n")
	for _, d := range metadataDocs {
		fmt.Fprintf(&b, "| `%s` | %s |\n", d.name, d.text)
	}
	return b.String()
}

// metricInCode finds new<type>("name") and new<type>("name", "label"), or scope<type>.
var metricInCode = regexp.MustCompile(`\.(?:new|scope)(Counter|Gauge|Timer)\("(supabase_storage_\w+)"(?:, "(\w+)")?\)`)

// metricTables is the metrics as a Markdown table for each type.
func metricTables(t *testing.T) string {
	made := find(t, metricInCode)
	var inCode []string
	types, labels := map[string]string{}, map[string]string{}
	for _, m := range made {
		inCode = append(inCode, m[2])
		types[m[2]], labels[m[2]] = m[1], m[3]
	}
	requireDocumented(t, inCode, metricDocs)
	var b strings.Builder
	for _, kind := range []string{"Counter", "Gauge", "Timer"} {
		fmt.Fprintf(&b, "\n| %s | |\n|---|---|\n", kind)
		for _, d := range metricDocs {
			if types[d.name] != kind {
				continue
			}
			text := d.text
			if label := labels[d.name]; label != "" {
				text += fmt.Sprintf(" (label `%s`)", label)
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", d.name, text)
		}
	}
	return b.String() + "\n"
}

// find is what a pattern finds in the product code below this folder.
func find(t *testing.T, pattern *regexp.Regexp) (found [][]string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		found = append(found, pattern.FindAllStringSubmatch(string(code), -1)...)
		return err
	}))
	return found
}

func requireDocumented(t *testing.T, inCode []string, docs []documented) {
	t.Helper()
	var described []string
	for _, d := range docs {
		require.NotEmpty(t, d.text, d.name)
		described = append(described, d.name)
	}
	slices.Sort(inCode)
	slices.Sort(described)
	require.Equal(t, inCode, described, "the names in the code (expected) and the names that docs_tables_test.go describes")
}
