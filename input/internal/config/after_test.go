package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const moveRemedy = "write a prefix of keys in the same bucket, such as done/"

func TestFieldsOfAfterDeliveryThatGoTogether(t *testing.T) {
	for fields, want := range map[string]string{
		"after_delivery: keep": "", "after_delivery: Delete": "", "after_delivery: move\nmove_to: done/": "", `after_delivery: ""`: "",
		"after_delivery: delete\ndelete_objects: true": "", "after_delivery: delete\ndelete_objects: false": "", "delete_objects: true": "",
		"source_path: uploads/in/\nafter_delivery: move\nmove_to: in/done/": "", "source_path: uploads/in/\nafter_delivery: move\nmove_to: inbox/": "",
		"after_delivery: move\nmove_to: done\nemit: content": "", `move_to: ""`: "",
		"after_delivery: moved\nmove_to: done/":                        `after_delivery: "moved" is not something to do after delivery; write keep, delete or move: did you mean move?`,
		"after_delivery: keep\ndelete_objects: true":                   "delete_objects: true contradicts after_delivery: keep; remove one of the two",
		"after_delivery: move\nmove_to: done/\ndelete_objects: true":   "delete_objects: true contradicts after_delivery: move; remove one of the two",
		"after_delivery: move":                                         "move_to: it is empty, so that nothing says where to move objects; " + moveRemedy,
		"move_to: done/":                                               "move_to: has no effect without a move; write after_delivery: move, or remove it",
		"after_delivery: delete\nmove_to: done/":                       "move_to: has no effect without a move; write after_delivery: move, or remove it",
		"source_path: uploads/in/\nafter_delivery: move\nmove_to: in/": `move_to: "in/" is the prefix of source_path, so that every object would stay where it is; write another prefix`,
		"source_path: uploads/in/\nafter_delivery: move\nmove_to: i":   `move_to: everything below source_path has the prefix "i", so that nothing would be read; write another prefix`,
		"after_delivery: move\nmove_to: s3://b/done/":                  `move_to: "s3://b/done/" is a URL; ` + moveRemedy,
		"after_delivery: move\nmove_to: 'dönе/'":                       `move_to: "dönе/" has characters that no key may have; ` + moveRemedy,
		"after_delivery: move\nmove_to: a/../b/":                       `move_to: "a/../b/" has a part that is . or .., which the server refuses; ` + moveRemedy,
		"emit: reference\nafter_delivery: delete":                      "after_delivery: an object that was only named would be lost; remove it, or write emit: content",
		"emit: reference\nafter_delivery: move\nmove_to: done/":        "after_delivery: an object that was only named would be lost; remove it, or write emit: content",
	} {
		var texts []string
		for _, l := range lintFields(t, withFields(fields), nil) {
			texts = append(texts, l.What)
		}
		parsed, err := Spec().ParseYAML(withFields(fields), nil)
		require.NoError(t, err)
		_, parseErr := Parse(parsed)
		if want == "" {
			require.Empty(t, texts, fields)
			require.NoError(t, parseErr, fields)
			continue
		}
		require.Equal(t, []string{want}, texts, fields)
		require.EqualError(t, parseErr, want, "the constructor says the same")
	}
}

func TestAnUnsetVariableIsNoContradiction(t *testing.T) {
	require.Empty(t, lintFields(t, withFields("after_delivery: move\nmove_to: ${TO:}"), noEnv))
}

func TestTheFieldThatHasObjectsTakenAwayIsNamed(t *testing.T) {
	for fields, want := range map[string]Config{
		"delete_objects: true":                 {DeleteObjects: true, AfterField: "delete_objects"},
		"after_delivery: delete":               {DeleteObjects: true, AfterField: "after_delivery"},
		"after_delivery: move\nmove_to: done/": {MoveTo: "done/", AfterField: "after_delivery"},
		"after_delivery: keep":                 {AfterField: "after_delivery"},
	} {
		parsed, err := Spec().ParseYAML(withFields(fields), nil)
		require.NoError(t, err)
		got, err := Parse(parsed)
		require.NoError(t, err)
		require.Equal(t, want, Config{DeleteObjects: got.DeleteObjects, MoveTo: got.MoveTo, AfterField: got.AfterField})
	}
}

// A run begins even so: somebody may want such names.
func TestAMoveThatNamesNoFolderIsAWarning(t *testing.T) {
	for fields, want := range map[string]string{
		"source_path: uploads\nmove_to: done":       `move_to: "done" is a prefix of keys and no folder: a.txt becomes donea.txt; write done/`,
		"source_path: uploads/in/\nmove_to: in/old": `move_to: "in/old" is a prefix of keys and no folder: in/a.txt becomes in/olda.txt; write in/old/`,
		"source_path: \"*/\"\nmove_to: done":        `move_to: "done" is a prefix of keys and no folder: a.txt becomes donea.txt; write done/`,
		"source_path: uploads\nmove_to: done/":      "",
		"source_path: uploads\nmove_to: done-":      "",
		"source_path: uploads/in\nmove_to: done":    "", // in/a.txt becomes done/a.txt
		"source_path: uploads/in\nmove_to: done/":   "",
	} {
		parsed, err := Spec().ParseYAML(withFields("after_delivery: move\n"+fields), nil)
		require.NoError(t, err)
		got, err := Parse(parsed)
		require.NoError(t, err)
		text := ""
		for _, w := range got.Project.Warnings {
			text += w.Error()
		}
		require.Equal(t, want, text, fields)
		require.Empty(t, lintFields(t, withFields("after_delivery: move\n"+fields), noEnv), fields)
	}
}

func TestTheKeyThatAnObjectIsMovedTo(t *testing.T) {
	for _, tc := range []struct{ prefix, to, key, want string }{
		{"", "done/", "a/b", "done/a/b"},
		{"in/", "done/", "in/a//b ", "done/a//b "},
		{"in/", "done-", "in/a", "done-a"},
		{"in", "done", "in/a", "done/a"},
		{"in", "done", "in-old/a", "done-old/a"},
		{"in", "done/", "in/a", "done/a"},
		{"in", "done/", "in-old/a", ""},
		{"in/", "done/", "in/" + strings.Repeat("k", 1019), "done/" + strings.Repeat("k", 1019)},
		{"in/", "done/", "in/" + strings.Repeat("k", 1020), ""},
	} {
		got, kept := Config{Prefix: tc.prefix, MoveTo: tc.to}.MoveKey(tc.key)
		require.Equal(t, tc.want, got, tc.key)
		require.Equal(t, tc.want == "", kept != "", tc.key)
	}
}
