package filter

import (
	"fmt"
	"strings"
)

// CheckType reports what is wrong with a glob of media types: nil, or a
// [*PatternError].
func CheckType(text string) error {
	_, err := compileType(text)
	return err
}

// ByType says that the type of an object decides whether it passes.
func (f *Filter) ByType() bool { return len(f.types) > 0 }

// MatchType says whether a content type passes, as a listing or the header of an
// answer has it. Upper and lower case are the same, and parameters such as charset
// do not count. An object without a type has the empty one, which nothing matches.
func (f *Filter) MatchType(contentType string) bool {
	if len(f.types) == 0 {
		return true
	}
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	for i := range f.types {
		if f.types[i].glob.Match(media) {
			return true
		}
	}
	return false
}

func compileTypes(texts []string) ([]pattern, error) {
	var ps []pattern
	for i, text := range texts {
		p, err := compileType(text)
		if err != nil {
			return nil, fmt.Errorf("content_types[%d]: %w", i, err)
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// compileType reads a glob of media types, which is written as a pattern of keys is:
// "*" stands for a whole type or subtype, or a part of it.
func compileType(text string) (pattern, error) {
	const remedy = "write one such as image/*, application/pdf or application/*+json"
	main, sub, slash := strings.Cut(text, "/")
	switch at := strings.IndexAny(text, "; \t"); {
	case text == "":
		return pattern{}, &PatternError{Problem: "the type is empty", Remedy: "remove it, or " + remedy}
	case at >= 0 && text[at] == ';':
		return pattern{}, &PatternError{
			Pattern: text, Offset: at, Problem: "parameters are not compared",
			Remedy: fmt.Sprintf("write %q", strings.TrimSpace(text[:at])),
		}
	case at >= 0:
		return pattern{}, &PatternError{Pattern: text, Offset: at, Problem: "a type has no space", Remedy: remedy}
	case !slash, main == "", sub == "":
		return pattern{}, &PatternError{Pattern: text, Problem: "this is no media type, which has two parts with a slash between them", Remedy: remedy}
	}
	return compile(strings.ToLower(text))
}
