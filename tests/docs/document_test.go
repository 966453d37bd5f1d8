// Package docs_test checks what the Markdown files of this repository say: links
// lead somewhere, files that are named exist, configs lint, and commands run.
//
//	document_test.go  what a document consists of
//	links_test.go     links, anchors, and names of files
//	commands_test.go  commands: the ones that are parsed, and the ones that run
//	sandbox_test.go   where commands run: the binary, an emulated project, a folder
//	words_test.go     length, figures, plain English
//
// A comment before a code block says how it runs:
//
//	<!-- not run: REASON -->   only its words are checked
//	<!-- until: PATTERN -->    it runs until its output matches, then gets Ctrl-C
package docs_test

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
)

// root is the folder of the repository, as seen from this package.
const root = "../.."

// document is a Markdown file.
type document struct {
	path    string // below root, with slashes
	text    string
	prose   string // the text without its code blocks, lines kept
	blocks  []block
	anchors []string
}

// block is a code block.
type block struct {
	language string
	text     string
	line     int // of the opening fence, from 1
	// directive is what the comment on the line before it says, without its
	// brackets.
	directive string
}

var (
	fence     = regexp.MustCompile("^```(\\w*)$")
	comment   = regexp.MustCompile(`^<!-- (.*) -->$`)
	heading   = regexp.MustCompile(`^#{1,6} (.+)$`)
	notInSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// documents reads all Markdown files of the repository.
func documents(t *testing.T) (docs []document) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if name := entry.Name(); name == "testdata" || strings.HasPrefix(name, ".") && path != root {
				return fs.SkipDir
			}
			return nil
		case filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, path)
		if err == nil {
			docs = append(docs, parse(filepath.ToSlash(below), string(text)))
		}
		return err
	}))
	require.Greater(t, len(docs), 5)
	return docs
}

func readDocument(t *testing.T, path string) document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return parse(path, string(text))
}

func parse(path, text string) document {
	d := document{path: path, text: text}
	var prose []string
	var open *block
	last := ""
	seen := map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open != nil && line == "```":
			d.blocks, open = append(d.blocks, *open), nil
			line = ""
		case open != nil:
			open.text += line + "\n"
			line = ""
		case m != nil:
			open = &block{language: m[1], line: i + 1}
			if c := comment.FindStringSubmatch(last); c != nil {
				open.directive = c[1]
			}
			line = ""
		}
		prose = append(prose, line)
		last = line
		if h := heading.FindStringSubmatch(line); h != nil {
			slug := slugOf(h[1])
			anchor := slug
			if n := seen[slug]; n > 0 {
				anchor = fmt.Sprintf("%s-%d", slug, n)
			}
			seen[slug]++
			d.anchors = append(d.anchors, anchor)
		}
	}
	d.prose = strings.Join(prose, "\n")
	return d
}

// slugOf is the anchor that GitHub gives a heading.
func slugOf(heading string) string {
	return strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

func (d document) at(b block) string { return fmt.Sprintf("%s:%d", d.path, b.line) }

// resolve is a relative path in the document, as a path below root.
func (d document) resolve(relative string) string {
	return filepath.ToSlash(filepath.Join(filepath.Dir(d.path), relative))
}

func TestADocumentIsParsed(t *testing.T) {
	d := parse("a/b.md", "# Why not the `aws_s3` input, or rclone?\n\n<!-- until: x -->\n```sh\n# no heading\nls\n```\n## A\n## A\n")
	require.Equal(t, []string{"why-not-the-aws_s3-input-or-rclone", "a", "a-1"}, d.anchors)
	require.Equal(t, []block{{language: "sh", text: "# no heading\nls\n", line: 4, directive: "until: x"}}, d.blocks)
	require.Len(t, strings.Split(d.prose, "\n"), len(strings.Split(d.text, "\n")))
	require.Equal(t, "a/c.go", d.resolve("c.go"))
	require.Equal(t, "c.go", d.resolve("../c.go"))
	require.False(t, slices.Contains(d.anchors, "no-heading"))
}
