package input

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
)

var update = flag.Bool("update", false, "write the generated tables into README.md")

// TestREADMEFieldTableAndTheOthersAreCurrent compares the tables of README.md with
// the spec and with the code. Write them with:
// go test ./input -run READMEFieldTable -update.
func TestREADMEFieldTableAndTheOthersAreCurrent(t *testing.T) {
	const path = "README.md"
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	want := string(file)
	for name, table := range map[string]string{
		"fields":   fieldTable(specDocs(t)),
		"metadata": metadataTable(t),
		"metrics":  metricTables(t),
	} {
		start, end := "<!-- "+name+":start -->\n", "<!-- "+name+":end -->"
		before, rest, ok := strings.Cut(want, start)
		require.True(t, ok, "README.md has no line %s", start)
		_, after, ok := strings.Cut(rest, end)
		require.True(t, ok, "README.md has no line %s", end)
		want = before + start + table + end + after
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(file), "a table is stale; run: go test ./input -run READMEFieldTable -update")
}

// fieldTable is the fields as a Markdown table. Of the fields of tls, which are
// Benthos' own, only the object itself is listed.
func fieldTable(docs service.TemplateDataPlugin) string {
	var b strings.Builder
	b.WriteString("| Field | Type | Default | Description |\n|---|---|---|---|\n")
	for _, f := range docs.Fields {
		if strings.HasPrefix(f.FullName, "tls.") {
			continue
		}
		def := ""
		if f.DefaultMarshalled != "" {
			def = "`" + f.DefaultMarshalled + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.FullName, fieldType(f), def, fieldDescription(f))
	}
	return b.String()
}

// fieldType is the type that is meant; see newBoolField for those that Benthos
// is told nothing of.
func fieldType(f service.TemplateDataPluginField) string {
	switch def := f.DefaultMarshalled; {
	case f.Type != "unknown":
		return f.Type
	case def == "[]":
		return "array"
	case def == "true" || def == "false":
		return "bool"
	case f.FullName == "max_delete_ratio":
		return "float"
	case f.FullName == "source_path":
		return "string"
	}
	return "int"
}

func fieldDescription(f service.TemplateDataPluginField) string {
	text := f.Description
	for _, option := range f.AnnotatedOptions {
		text += fmt.Sprintf(" `%s`: %s", option[0], option[1])
	}
	return strings.NewReplacer("\n", " ", "|", `\|`).Replace(text)
}

func TestFieldTableNamesTypesThatAUserKnows(t *testing.T) {
	table := fieldTable(specDocs(t))
	require.Contains(t, table, "\n| `source_path` | string |  | ")
	require.Contains(t, table, "\n| `delete_objects` | bool | `false` | ")
	require.Contains(t, table, "\n| `retry.max_attempts` | int | `10` | ")
	require.Contains(t, table, "\n| `max_delete_ratio` | float |  | ")
	require.Contains(t, table, "`session_token`: ")
	require.NotContains(t, table, "unknown")
	require.NotContains(t, table, "tls.")
	for line := range strings.Lines(table) {
		require.Equal(t, 5, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"), line)
	}
}

// specDocs is the documentation that Benthos makes of the spec.
func specDocs(t *testing.T) (docs service.TemplateDataPlugin) {
	t.Helper()
	service.GlobalEnvironment().WalkInputs(func(name string, view *service.ConfigView) {
		if name != config.Name {
			return
		}
		var err error
		docs, err = view.TemplateData()
		require.NoError(t, err)
	})
	require.Equal(t, config.Name, docs.Name, "the input is not registered")
	return docs
}

func TestEveryMetadataValueIsDocumented(t *testing.T) {
	docs := specDocs(t)
	for _, name := range []string{
		emit.MetaBucket, emit.MetaKey, emit.MetaPath, emit.MetaFilename, emit.MetaSafePath, emit.MetaETag, emit.MetaSize, emit.MetaLastModified, emit.MetaLastModifiedUnix,
		emit.MetaContentType, emit.MetaCacheControl, emit.MetaProjectRef, emit.MetaEvent, emit.MetaObjectID, emit.MetaUserPrefix + "<name>",
	} {
		require.Regexp(t, `(?m)^- `+name+`( |$)`, docs.Description)
	}
}
