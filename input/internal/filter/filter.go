package filter

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// placeholderName is what Supabase Storage appends to the key of a folder that
// was made by hand, so that the folder has a row although it is empty.
const placeholderName = ".emptyFolderPlaceholder"

// Options say which objects pass. The zero value lets everything through but
// folder placeholders.
type Options struct {
	// Prefix is the source prefix as the user wrote it, "" for the whole
	// bucket. Patterns with a "/" are matched against the path below it.
	Prefix string
	// Include lets through only what matches one of its patterns; empty lets
	// everything through. Exclude takes what matches one of its patterns, and
	// wins over Include.
	Include, Exclude []string
	// ModifiedSince takes objects that were last modified before it. Zero takes
	// none.
	ModifiedSince time.Time
	// ModifiedBefore takes objects that were last modified at it or later. Zero takes
	// none.
	ModifiedBefore time.Time
	// MinAge drops objects that were modified less than this long ago. Zero drops
	// none.
	MinAge time.Duration
	// MaxSize drops objects of more bytes. Zero drops none.
	MaxSize int64
	// SkipEmpty drops objects without content.
	SkipEmpty bool
	// ContentTypes lets through only what has a media type that one of its globs
	// matches; empty lets everything through.
	ContentTypes []string
	// Moved drops what has this prefix: delivered objects are moved there. Empty drops
	// nothing.
	Moved string
}

// Filter is compiled [Options]. It is safe for concurrent use.
type Filter struct {
	opts       Options
	include    []pattern
	exclude    []pattern
	types      []pattern
	listPrefix string
}

// Verdict says whether an object passes, and what took it if not.
type Verdict struct {
	// Rule is [Pass], or the first rule that takes the object.
	Rule Rule
	// Pattern is the exclude pattern that took the object, as it was written
	// and where: `exclude_patterns[0] "*.tmp"`. It is empty for other rules.
	Pattern string
}

// New compiles o. The error is a [*PatternError] for a pattern that is not
// well-formed.
func New(o Options) (*Filter, error) {
	f := &Filter{opts: o}
	var err error
	if f.include, err = compileAll("include_patterns", o.Include); err != nil {
		return nil, err
	}
	if f.exclude, err = compileAll("exclude_patterns", o.Exclude); err != nil {
		return nil, err
	}
	if f.types, err = compileTypes(o.ContentTypes); err != nil {
		return nil, err
	}
	f.listPrefix = listPrefix(o.Prefix, f.include)
	return f, nil
}

// ListPrefix is the longest literal prefix that every object which can pass
// has: listing below it is listing enough.
func (f *Filter) ListPrefix() string { return f.listPrefix }

// MinAge is that of the options.
func (f *Filter) MinAge() time.Duration { return f.opts.MinAge }

// Match says whether obj passes at the time now. An object takes part in the
// first rule that takes it: moved, placeholder, exclude, include, empty, size,
// modified_since, modified_before, min_age, content_types.
//
// An object without a time of change passes the time rules: what is not known to
// be old or young is not held back. One whose type the listing does not tell passes
// content_types: see [Filter.MatchType].
func (f *Filter) Match(obj object.Object, now time.Time) Verdict {
	switch {
	case f.isMoved(obj.Key):
		return Verdict{Rule: Moved}
	case isPlaceholder(obj):
		return Verdict{Rule: Placeholder}
	case len(f.exclude) > 0 || len(f.include) > 0:
		if v := f.matchPatterns(obj.Key); v.Rule != Pass {
			return v
		}
	}
	return Verdict{Rule: f.matchFacts(obj, now)}
}

// MatchKey is Match for an object of which nothing is known except its key, such as
// one that was deleted.
func (f *Filter) MatchKey(key string) Verdict {
	if f.isMoved(key) {
		return Verdict{Rule: Moved}
	}
	return f.matchPatterns(key)
}

func (f *Filter) isMoved(key string) bool {
	return f.opts.Moved != "" && strings.HasPrefix(key, f.opts.Moved)
}

func (f *Filter) matchPatterns(key string) Verdict {
	name, path := BaseName(key), Path(f.opts.Prefix, key)
	for i := range f.exclude {
		if p := &f.exclude[i]; p.match(name, path) {
			return Verdict{Rule: Exclude, Pattern: p.label}
		}
	}
	if len(f.include) == 0 {
		return Verdict{}
	}
	for i := range f.include {
		if f.include[i].match(name, path) {
			return Verdict{}
		}
	}
	return Verdict{Rule: Include}
}

// IncludedBy is the include pattern that matches a key first, as it was written
// and where; "" where there are none, or none matches.
func (f *Filter) IncludedBy(key string) string {
	name, path := BaseName(key), Path(f.opts.Prefix, key)
	for i := range f.include {
		if p := &f.include[i]; p.match(name, path) {
			return p.label
		}
	}
	return ""
}

func (f *Filter) matchFacts(obj object.Object, now time.Time) Rule {
	o := &f.opts
	switch known := !obj.LastModified.IsZero(); {
	case o.SkipEmpty && obj.Size == 0:
		return Empty
	case o.MaxSize > 0 && obj.Size > o.MaxSize:
		return Size
	case known && obj.LastModified.Before(o.ModifiedSince):
		return ModifiedSince
	case known && !o.ModifiedBefore.IsZero() && !obj.LastModified.Before(o.ModifiedBefore):
		return ModifiedBefore
	case known && o.MinAge > 0 && now.Sub(obj.LastModified) < o.MinAge:
		return MinAge
	case obj.ContentType != "" && !f.MatchType(obj.ContentType):
		return ContentTypes
	}
	return Pass
}

// isPlaceholder reports whether obj only stands for an empty folder. The
// server refuses a placeholder with content, so an object with content
// never counts as one.
func isPlaceholder(obj object.Object) bool {
	return obj.Size == 0 &&
		(strings.HasSuffix(obj.Key, placeholderName) || strings.HasSuffix(obj.Key, "/"))
}

// BaseName is the last part of a key that is not empty, byte for byte: "b" for
// "a/b", "a//b" and "a/b/", and "b " for "a/b ". It is empty for a key of
// nothing but "/".
func BaseName(key string) string {
	key = strings.TrimRight(key, "/")
	return key[strings.LastIndexByte(key, '/')+1:]
}

// Path is key below the source prefix. Where the prefix names a folder without
// its closing "/" ("photos"), the "/" that follows is not part of the path
// either; any other "/" is kept, so that "a//b" below "a/" is "/b".
func Path(prefix, key string) string {
	path := strings.TrimPrefix(key, prefix)
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		path = strings.TrimPrefix(path, "/")
	}
	return path
}

func compileAll(field string, texts []string) ([]pattern, error) {
	var ps []pattern
	for i, text := range texts {
		p, err := compile(text)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", field, i, err)
		}
		p.label = fmt.Sprintf("%s[%d] %q", field, i, text)
		ps = append(ps, p)
	}
	return ps, nil
}
