package object

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
)

// ScopeName names one scope of several to people, everywhere in the same two forms:
//
//	String    in tables and lists      abcdefghijklmnopqrst/docs (Shop)
//	Sentence  in logs and errors       bucket "docs" of project "Shop" (abcdefghijklmnopqrst)
//
// Where there is one project, they are docs and bucket "docs". What is shown can be
// typed: see [ScopeName.BucketIn]. Neither form has anything in it that a terminal obeys,
// whatever the names are.
type ScopeName struct {
	// Ref is the reference of the project, "" where there is one project; Project is its
	// name, "" where that is not known.
	Ref, Project string
	// Bucket is "" for a project whose buckets are not known.
	Bucket string
}

// longestProject is how much of a project's name is shown, in characters.
const longestProject = 60

// Short is the list's form without the name of the project, for tables in which that has a
// column of its own. No other scope of the input has the same.
func (n ScopeName) Short() string {
	switch {
	case n.Ref == "" && n.Bucket == "":
		return cmp.Or(n.ProjectName(), "the project")
	case n.Ref == "":
		return bare(n.Bucket)
	case n.Bucket == "":
		return bare(n.Ref)
	}
	return bare(n.Ref) + "/" + bare(n.Bucket)
}

// String is the form for tables and lists.
func (n ScopeName) String() string {
	if name := n.ProjectName(); n.Ref != "" && name != "" {
		return n.Short() + " (" + name + ")"
	}
	return n.Short()
}

// ProjectName is the name of the project as it is shown.
func (n ScopeName) ProjectName() string { return foreign.Text(n.Project, longestProject) }

// Sentence is the form for sentences.
func (n ScopeName) Sentence() string {
	project := "the project"
	switch name := n.ProjectName(); {
	case n.Ref != "" && name != "":
		project = "project " + strconv.Quote(name) + " (" + bare(n.Ref) + ")"
	case n.Ref != "":
		project = "project " + bare(n.Ref)
	case name != "": // of a list that leaves out the reference
		project = "project " + strconv.Quote(name)
	}
	switch {
	case n.Bucket == "":
		return project
	case n.Ref == "":
		return "bucket " + foreign.Key(n.Bucket)
	}
	return "bucket " + foreign.Key(n.Bucket) + " of " + project
}

// bare leaves a name as it is, unless it has to be quoted.
func bare(name string) string {
	if quoted := foreign.Key(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// IsProject reports whether a text that somebody typed means the project: its reference,
// its name, or both as lists show them.
func (n ScopeName) IsProject(text string) bool {
	if text == "" {
		return false
	}
	n.Bucket = ""
	return text == n.Ref || text == n.Project || text == n.ProjectName() || n.Ref != "" && text == n.String()
}

// BucketIn returns which bucket of the project a text that somebody typed means: a bucket,
// or one with its project as lists show it. It reports false where the text is about
// another project. The bucket of n does not matter.
func (n ScopeName) BucketIn(text string) (bucket string, ok bool) {
	i := strings.LastIndexByte(text, '/') // no bucket has one
	if i < 0 {
		return unquoted(text), true
	}
	if name := n.ProjectName(); name != "" {
		text = strings.TrimSuffix(text, " ("+name+")")
		i = strings.LastIndexByte(text, '/') // the name of a project may have one, too
	}
	if i < 0 || !n.IsProject(text[:i]) {
		return "", false
	}
	return unquoted(text[i+1:]), true
}

func unquoted(text string) string {
	if name, err := strconv.Unquote(text); err == nil && text[0] == '"' { // Unquote also takes 'a', which may be a name
		return name
	}
	return text
}

// General is a text about the scope without the names in it, so that texts about several
// scopes are the same where what they say is.
func (n ScopeName) General(text string) string {
	var pairs []string
	if n.Bucket != "" {
		pairs = append(pairs, foreign.Key(n.Bucket), "of this name", strconv.Quote(n.Bucket), "of this name")
	}
	if n.Ref != "" {
		pairs = append(pairs, n.Ref, "<project_ref>")
	}
	if name := n.ProjectName(); name != "" {
		pairs = append(pairs, strconv.Quote(name), "of this name", strconv.Quote(n.Project), "of this name")
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
