package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// patternMarks are the characters that make a pattern of the first part of a
// source_path. Without any of them it is the name of one bucket.
const patternMarks = `*?[{\`

// BucketPattern says which buckets are read, where that is not one.
type BucketPattern struct {
	text string
	name *filter.Name
}

// Match reports whether the bucket is one of them.
func (p *BucketPattern) Match(bucket string) bool { return p.name.Match(bucket) }

// Names are the buckets, sorted, where the pattern lists them; ok is false where it has
// wildcards, so that the buckets of a project have to be listed.
func (p *BucketPattern) Names() (names []string, ok bool) { return p.name.Literals() }

// String is the pattern as it was written.
func (p *BucketPattern) String() string { return p.text }

// escapedWord finds a backslash before what needs none, as in a path of Windows.
var escapedWord = regexp.MustCompile(`^(?:[^\\]|\\[^A-Za-z0-9])*\\[A-Za-z0-9]`)

// parseBuckets reads the first part of a source_path that has patternMarks. The
// result is a pattern, or, where only one bucket can be meant, its name.
func parseBuckets(text, whole string) (*BucketPattern, string, error) {
	const remedy = `write a name, or a pattern such as "*", "tenant-*" or "{avatars,docs}", in quotes`
	switch {
	case strings.Contains(text, "**"):
		return nil, "", Wrong(fmt.Sprintf("%q has ** where the bucket stands", whole), `write "*" for every bucket: prefixes are read at any depth`)
	case escapedWord.MatchString(text):
		return nil, "", Wrong(fmt.Sprintf("%q has a backslash before a letter or digit", whole), `write "/" between bucket and prefix; a backslash makes one of the characters * ? [ ] { } literal`)
	}
	name, err := filter.NewName(text)
	if err != nil {
		problem := patternProblem(err)
		if opened := strings.LastIndexAny(text, "{["); opened >= 0 && len(whole) > len(text) && !strings.ContainsAny(text[opened:], "}]") {
			problem = Wrong(fmt.Sprintf("%q has braces or brackets that go on after the first \"/\", but only the bucket may be a pattern", whole),
				`close them before the "/"; for patterns of keys use `+FieldIncludePatterns)
		}
		return nil, "", problem
	}
	names, listed := name.Literals()
	for _, n := range names {
		if !bucketName.MatchString(n) {
			return nil, "", Wrong(fmt.Sprintf("%q stands for %q, which cannot be the name of a bucket", whole, n), remedy)
		}
	}
	if listed && len(names) == 1 {
		return nil, names[0], nil
	}
	return &BucketPattern{text: text, name: name}, "", nil
}

// unquoted is a source_path without the quotes around it or around its bucket, which
// a pattern has where somebody quoted it twice. A name may have single quotes.
func unquoted(text string) string {
	for _, quote := range []string{`"`, `'`} {
		if inner, ok := within(text, quote); ok && isPattern(inner, quote) {
			return inner
		}
		bucket, prefix, cut := strings.Cut(text, "/")
		if inner, ok := within(bucket, quote); ok && cut && isPattern(inner, quote) {
			return inner + "/" + prefix
		}
	}
	return text
}

func within(text, quote string) (string, bool) {
	if len(text) < 2 || !strings.HasPrefix(text, quote) || !strings.HasSuffix(text, quote) {
		return text, false
	}
	return text[1 : len(text)-1], true
}

// isPattern reports whether quotes around a text are none of its own.
func isPattern(text, quote string) bool {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(text, "s3://"), "/")
	return quote == `"` || strings.ContainsAny(bucket, patternMarks)
}

// notText is what YAML made of a pattern that was not quoted.
func notText(v any) error {
	const remedy = `write it in quotes, such as "{avatars,docs}/" or "[ab]*/"`
	switch v.(type) {
	case map[string]any, map[any]any:
		return Wrong("YAML reads this as an object, because it begins with a brace", remedy)
	case []any:
		return Wrong("YAML reads this as a list, because it begins with a bracket", remedy)
	}
	return nil
}

// checkSeveral checks what can't work for more than one bucket.
func checkSeveral(several, targets bool) supabase.Problems {
	if !several || !targets {
		return nil
	}
	return problemsAt(FieldTargetsInput, Wrong("can't be used together with several buckets or projects",
		"write the name of one bucket into "+FieldSourcePath+", and project_ref; run one worker for each bucket, or leave "+FieldTargetsInput+" out to list them all"))
}

// lintSeveral is checkSeveral, as far as the fields can be read.
func lintSeveral(conf map[string]any) supabase.Problems {
	source, err := parseSourcePath(conf[FieldSourcePath])
	several := err == nil && source.buckets != nil || namesProjects(conf[FieldProjects])
	return checkSeveral(several, isWritten(conf[FieldTargetsInput]))
}
