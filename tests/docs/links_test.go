package docs_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	link     = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	codeSpan = regexp.MustCompile("`([^`\n]+)`")
	// fileName is a name that can only be a file's.
	fileName = regexp.MustCompile(`^[\w./-]+\.(go|md|sh|txtar|svg|tmpl|yaml)$`)
	// treePath is a path that begins with a folder of this repository.
	treePath = regexp.MustCompile(`^(\./)?(config|input|cmd|tests|\.ci)/[\w./*-]*$`)
)

func TestEveryRelativeLinkLeadsSomewhere(t *testing.T) {
	docs := documents(t)
	anchors := map[string][]string{}
	for _, d := range docs {
		anchors[d.path] = d.anchors
	}
	links := 0
	for _, d := range docs {
		for _, m := range link.FindAllStringSubmatch(d.prose, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			target, anchor, hasAnchor := strings.Cut(m[1], "#")
			file := d.path
			if target != "" {
				file = d.resolve(target)
			}
			_, err := os.Stat(filepath.Join(root, file))
			require.NoError(t, err, "%s links to %s", d.path, m[1])
			if hasAnchor {
				require.Contains(t, anchors[file], anchor, "%s links to %s, and %s has no such heading", d.path, m[1], file)
			}
		}
	}
	require.Greater(t, links, 50)
}

// A reader who follows the name of a file finds it.
func TestEveryFileThatADocumentNamesExists(t *testing.T) {
	files := tree(t)
	docs := documents(t)
	var made []string // by the reader, from a block or with a command
	for _, d := range docs {
		for _, b := range d.blocks {
			if name := fileOf(b); name != "" {
				made = append(made, name)
			}
			for _, m := range regexp.MustCompile(`> (\S+)`).FindAllStringSubmatch(b.text, -1) {
				made = append(made, m[1])
			}
		}
	}
	names := 0
	for _, d := range docs {
		for _, m := range codeSpan.FindAllStringSubmatch(d.prose, -1) {
			name := m[1]
			if !fileName.MatchString(name) && !treePath.MatchString(name) || slices.Contains(made, name) || path.IsAbs(name) {
				continue
			}
			names++
			name = strings.TrimSuffix(strings.TrimPrefix(name, "./"), "/")
			found := slices.ContainsFunc(files, func(file string) bool {
				below, err := path.Match(d.resolve(name), file)
				atRoot, _ := path.Match(name, file)
				return err == nil && below || atRoot || !strings.Contains(name, "*") && strings.HasSuffix(file, "/"+name)
			})
			require.True(t, found, "%s names %s", d.path, m[1])
		}
	}
	require.Greater(t, names, 50)
}

// tree is all files and folders below root.
func tree(t *testing.T) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		below, err := filepath.Rel(root, path)
		files = append(files, filepath.ToSlash(below))
		return err
	}))
	return files
}

// fileOf is the name that the first line of a YAML block gives it, as in
// "# to_webhook.yaml".
func fileOf(b block) string {
	first, _, _ := strings.Cut(b.text, "\n")
	name, ok := strings.CutPrefix(first, "# ")
	if b.language != "yaml" || !ok || !fileName.MatchString(name) {
		return ""
	}
	return name
}
