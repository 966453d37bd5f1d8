package filter

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func compiled(t testing.TB, o Options) *Filter {
	t.Helper()
	f, err := New(o)
	require.NoError(t, err)
	return f
}

func TestEveryRuleTakesWhatItSays(t *testing.T) {
	old := now.Add(-24 * time.Hour)
	tests := map[string]struct {
		opts Options
		obj  object.Object
		want Verdict
	}{
		"no options":       {Options{}, object.Object{Key: "a", Size: 1}, Verdict{}},
		"empty is content": {Options{}, object.Object{Key: "a"}, Verdict{}},
		"include": {
			Options{Include: []string{"*.jpg", "*.mp4"}},
			object.Object{Key: "x/a.gif", Size: 1},
			Verdict{Rule: Include},
		},
		"any include": {Options{Include: []string{"*.jpg", "*.mp4"}}, object.Object{Key: "x/a.mp4", Size: 1}, Verdict{}},
		"exclude names its pattern": {
			Options{Exclude: []string{"*.bak", "*.tmp"}},
			object.Object{Key: "x/a.tmp", Size: 1},
			Verdict{Rule: Exclude, Pattern: `exclude_patterns[1] "*.tmp"`},
		},
		"exclude wins over include": {
			Options{Include: []string{"*.jpg"}, Exclude: []string{"*_thumbnail.*"}},
			object.Object{Key: "a_thumbnail.jpg", Size: 1},
			Verdict{Rule: Exclude, Pattern: `exclude_patterns[0] "*_thumbnail.*"`},
		},
		"exclude is named where include would take it too": {
			Options{Include: []string{"*.jpg"}, Exclude: []string{"*.tmp"}},
			object.Object{Key: "a.tmp", Size: 1},
			Verdict{Rule: Exclude, Pattern: `exclude_patterns[0] "*.tmp"`},
		},
		"modified before": {
			Options{ModifiedSince: now},
			object.Object{Key: "a", Size: 1, LastModified: now.Add(-time.Millisecond)},
			Verdict{Rule: ModifiedSince},
		},
		"modified at the very time": {
			Options{ModifiedSince: now}, object.Object{Key: "a", Size: 1, LastModified: now}, Verdict{},
		},
		"modified too late": {
			Options{ModifiedBefore: now}, object.Object{Key: "a", Size: 1, LastModified: now}, Verdict{Rule: ModifiedBefore},
		},
		"modified just in time": {
			Options{ModifiedSince: old, ModifiedBefore: now},
			object.Object{Key: "a", Size: 1, LastModified: now.Add(-time.Millisecond)},
			Verdict{},
		},
		"too late and too young": {
			Options{ModifiedBefore: now, MinAge: time.Hour}, object.Object{Key: "a", Size: 1, LastModified: now}, Verdict{Rule: ModifiedBefore},
		},
		"another type": {
			Options{ContentTypes: []string{"image/*"}}, object.Object{Key: "a", Size: 1, ContentType: "text/plain"}, Verdict{Rule: ContentTypes},
		},
		"a type that is asked for": {
			Options{ContentTypes: []string{"image/*"}}, object.Object{Key: "a", Size: 1, ContentType: "image/png"}, Verdict{},
		},
		"a type that the listing does not tell passes": {
			Options{ContentTypes: []string{"image/*"}}, object.Object{Key: "a", Size: 1}, Verdict{},
		},
		"the type is asked last": {
			Options{ContentTypes: []string{"image/*"}, MinAge: time.Hour},
			object.Object{Key: "a", Size: 1, ContentType: "text/plain", LastModified: now},
			Verdict{Rule: MinAge},
		},
		"too young": {
			Options{MinAge: time.Minute},
			object.Object{Key: "a", Size: 1, LastModified: now.Add(-59 * time.Second)},
			Verdict{Rule: MinAge},
		},
		"old enough": {
			Options{MinAge: time.Minute}, object.Object{Key: "a", Size: 1, LastModified: now.Add(-time.Minute)}, Verdict{},
		},
		"modified in the future": {
			Options{MinAge: time.Minute},
			object.Object{Key: "a", Size: 1, LastModified: now.Add(time.Hour)},
			Verdict{Rule: MinAge},
		},
		"the future is no matter without a minimum age": {
			Options{ModifiedSince: old}, object.Object{Key: "a", Size: 1, LastModified: now.Add(time.Hour)}, Verdict{},
		},
		"no time of change passes the time rules": {
			Options{ModifiedSince: old, ModifiedBefore: now, MinAge: time.Minute}, object.Object{Key: "a", Size: 1}, Verdict{},
		},
		"too large":     {Options{MaxSize: 10}, object.Object{Key: "a", Size: 11}, Verdict{Rule: Size}},
		"just as large": {Options{MaxSize: 10}, object.Object{Key: "a", Size: 10}, Verdict{}},
		"empty":         {Options{SkipEmpty: true}, object.Object{Key: "a"}, Verdict{Rule: Empty}},
		"placeholder": {
			Options{}, object.Object{Key: "x/.emptyFolderPlaceholder"}, Verdict{Rule: Placeholder},
		},
		"placeholder at the root": {
			Options{}, object.Object{Key: ".emptyFolderPlaceholder"}, Verdict{Rule: Placeholder},
		},
		"folder": {Options{}, object.Object{Key: "x/"}, Verdict{Rule: Placeholder}},
		"placeholder before every other rule": {
			Options{Include: []string{"*"}, Exclude: []string{"*"}, SkipEmpty: true},
			object.Object{Key: "x/"},
			Verdict{Rule: Placeholder},
		},
		"content is never a placeholder": {Options{}, object.Object{Key: "x/", Size: 1}, Verdict{}},
		"a name that only begins like one": {
			Options{}, object.Object{Key: "x/.emptyFolderPlaceholder.txt"}, Verdict{},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, compiled(t, test.opts).Match(test.obj, now))
		})
	}
}

func TestThePatternThatLetsAKeyInIsNamed(t *testing.T) {
	f := compiled(t, Options{Prefix: "x/", Include: []string{"*.jpg", "2024/**", "*.mp4"}})
	for key, want := range map[string]string{
		"x/a.jpg":      `include_patterns[0] "*.jpg"`,
		"x/2024/a.jpg": `include_patterns[0] "*.jpg"`,
		"x/2024/a.mp4": `include_patterns[1] "2024/**"`,
		"x/a.mp4":      `include_patterns[2] "*.mp4"`,
		"x/a.gif":      "",
	} {
		require.Equal(t, want, f.IncludedBy(key), key)
	}
	require.Equal(t, "", compiled(t, Options{Exclude: []string{"*.tmp"}}).IncludedBy("a.jpg"))
}

func TestRuleNamesAreTheMetricLabels(t *testing.T) {
	var names []string
	for r := Pass; r <= Moved; r++ {
		names = append(names, r.String())
	}
	require.Equal(t, []string{
		"", "include", "exclude", "modified_since", "modified_before", "min_age", "size", "empty", "placeholder", "content_types", "moved",
	}, names)
	require.Len(t, Rules(), len(names)-1)
}

func TestBaseNameAndPathOfOddKeys(t *testing.T) {
	for key, want := range map[string]string{
		"": "", "a": "a", "x/a": "a", "/a": "a", "x//a": "a", "x/a/": "a", "x/a//": "a", "/": "", "//": "",
		"x/a ": "a ", "x/ ": " ", "x/.a": ".a", "x/..": "..",
	} {
		require.Equal(t, want, BaseName(key), "key %q", key)
	}
	for _, test := range []struct{ prefix, key, want string }{
		{"", "x/a", "x/a"},
		{"", "/a", "/a"},
		{"x/", "x/a", "a"},
		{"x/", "x//a", "/a"},
		{"x/", "x/", ""},
		{"x", "x/a", "a"},
		{"x", "x//a", "/a"},
		{"x", "x-old/a", "-old/a"},
		{"x", "x", ""},
		{"x/IMG_", "x/IMG_1.jpg", "1.jpg"},
		{"/", "/a", "a"},
	} {
		require.Equal(t, test.want, Path(test.prefix, test.key), "prefix %q, key %q", test.prefix, test.key)
	}
}

func TestListPrefixIsTheLongestLiteralOfAllIncludePatterns(t *testing.T) {
	tests := map[string]struct {
		prefix  string
		include []string
		want    string
	}{
		"no pattern":                     {"up/", nil, "up/"},
		"no slash":                       {"up/", []string{"*.jpg"}, "up/"},
		"one folder":                     {"up/", []string{"2024/*.jpg"}, "up/2024/"},
		"the whole bucket":               {"", []string{"2024/a*.jpg"}, "2024/a"},
		"common to all":                  {"up/", []string{"2024/06/*", "2024/07/**"}, "up/2024/0"},
		"nothing in common":              {"up/", []string{"a/*", "b/*"}, "up/"},
		"one pattern without a slash":    {"up/", []string{"2024/*", "*.jpg"}, "up/"},
		"leading slash":                  {"up/", []string{"/2024/*"}, "up/2024/"},
		"leading slash, root only":       {"up/", []string{"/a*.txt"}, "up/a"},
		"double star first":              {"up/", []string{"**/2024/*"}, "up/"},
		"double star in the middle":      {"up/", []string{"a/**/b"}, "up/a/"},
		"alternatives":                   {"", []string{"a/{2023,2024}/*"}, "a/202"},
		"one of the alternatives is all": {"", []string{"a/{b,bc}"}, "a/b"},
		"class":                          {"", []string{"a/[bc]"}, "a/"},
		"escapes":                        {"", []string{`a\*b/\[c*`}, "a*b/[c"},
		"no wildcard at all":             {"", []string{"a/b.txt"}, "a/b.txt"},
		"inside of a character":          {"", []string{"x/é", "x/è"}, "x/\xc3"},
		"prefix without its slash":       {"up", []string{"2024/*"}, "up"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, compiled(t, Options{Prefix: test.prefix, Include: test.include}).ListPrefix())
		})
	}
}

func TestNoKeyThatPassesLiesOutsideOfTheListPrefix(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	pick := func(from ...string) string { return from[rnd.IntN(len(from))] }
	passed := 0
	for range 20_000 {
		prefix := pick("", "a", "a/", "a/b", "/", "a//")
		var include []string
		for range 1 + rnd.IntN(3) {
			include = append(include, pick("", "/", "**/")+pick("a", "b/", "{a,b}/", "[ab]", "*/")+pick("a", "*", "**", "/b", "?b"))
		}
		f, err := New(Options{Prefix: prefix, Include: include})
		if err != nil {
			continue
		}
		key := prefix + pick("", "/") + pick("a", "b", "a/", "b/") + pick("a", "b", "/b", "ab", "/")
		if f.Match(object.Object{Key: key, Size: 1}, now).Rule != Pass {
			continue
		}
		passed++
		require.True(t, strings.HasPrefix(key, f.ListPrefix()),
			"prefix %q, include %q: %q passes outside of %q", prefix, include, key, f.ListPrefix())
	}
	require.Greater(t, passed, 1000, "too few keys passed to tell anything")
}

func benchmarkFilter(t testing.TB) *Filter {
	return compiled(t, Options{
		Prefix:        "uploads/",
		Include:       []string{"*.{mp4,jpg,jpeg}", "2024/**/raw_*[0-9].dng"},
		Exclude:       []string{"*_thumbnail.*", "**/.trash/**", "*.tmp"},
		ModifiedSince: now.Add(-time.Hour), MinAge: time.Second, MaxSize: 1 << 30, SkipEmpty: true,
	})
}

func BenchmarkMatch(b *testing.B) {
	f := benchmarkFilter(b)
	obj := object.Object{Key: "uploads/2024/06/14/raw_1234.dng", Size: 1, LastModified: now.Add(-time.Minute)}
	require.Equal(b, Pass, f.Match(obj, now).Rule)
	b.ReportAllocs()
	for b.Loop() {
		f.Match(obj, now)
	}
}
