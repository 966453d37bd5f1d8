package filter

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestPatternsMatchAsTheirUsersExpect(t *testing.T) {
	tests := map[string]struct {
		prefix, pattern string
		match, miss     []string
	}{
		"no slash: base name at any depth": {
			pattern: "*.mp4",
			match:   []string{"a.mp4", "x/a.mp4", "x/y/a.mp4", "/a.mp4", "x//a.mp4", ".mp4", "x/.mp4", "x/a b.mp4", "a.mp4/"},
			miss:    []string{"a.mp3", "a.mp4.bak", "a.mp4 ", "A.MP4", "a.mp4/b"},
		},
		"a slash: path below the source prefix": {
			prefix: "up/", pattern: "2024/*.jpg",
			match: []string{"up/2024/a.jpg"},
			miss:  []string{"up/a.jpg", "up/2024/x/a.jpg", "up/x/2024/a.jpg", "up//2024/a.jpg"},
		},
		"source prefix without its closing slash": {
			prefix: "up", pattern: "2024/*.jpg",
			match: []string{"up/2024/a.jpg", "up2024/a.jpg"},
			miss:  []string{"up-old/2024/a.jpg", "up/x/2024/a.jpg"},
		},
		"leading slash: the source prefix itself": {
			prefix: "up/", pattern: "/*.txt",
			match: []string{"up/a.txt"},
			miss:  []string{"up/x/a.txt", "up//a.txt"},
		},
		"leading slash: keys that begin with one": {
			pattern: "//*.txt",
			match:   []string{"/a.txt"},
			miss:    []string{"a.txt", "//a.txt"},
		},
		"double star crosses folders": {
			pattern: "x/**",
			match:   []string{"x/a", "x/y/a", "x//a", "x/"},
			miss:    []string{"x", "y/x/a"},
		},
		"double star slash matches no folder too": {
			pattern: "**/*.json",
			match:   []string{"a.json", "x/a.json", "x/y/a.json", "/a.json"},
			miss:    []string{"a.jsonl", "x/a.json/b"},
		},
		"double star in the middle": {
			pattern: "x/**/a",
			match:   []string{"x/a", "x/y/a", "x/y/z/a"},
			miss:    []string{"xa", "x/ya", "y/x/a"},
		},
		"double star inside of a name": {
			pattern: "x/a**b",
			match:   []string{"x/ab", "x/a/y/b", "x/axb"},
			miss:    []string{"x/a/y", "ab"},
		},
		"double star alone": {
			pattern: "**",
			match:   []string{"a", "x/a", "/", ""},
		},
		"star stays in its folder": {
			pattern: "*/a",
			match:   []string{"x/a", "/a"},
			miss:    []string{"a", "x/y/a"},
		},
		"alternatives": {
			pattern: "*.{jpg,jpe{g,},p?g}",
			match:   []string{"a.jpg", "a.jpeg", "a.jpe", "a.png", "x/a.p g"},
			miss:    []string{"a.gif", "a.{jpg", "a.p/g"},
		},
		"alternatives with folders": {
			pattern: "{a,b/}**/c",
			match:   []string{"b/c", "b/x/c", "a/c", "ax/y/c"},
			miss:    []string{"c", "ac", "bc"},
		},
		"alternatives are expanded before wildcards": {
			pattern: "x/*{*,-}/c",
			match:   []string{"x/y/z/c", "x/c", "x/y-/c"},
			miss:    []string{"x", "y/c"},
		},
		"comma outside of braces": {
			pattern: "a,b*",
			match:   []string{"a,b", "x/a,bc"},
			miss:    []string{"a", "b"},
		},
		"class of ranges and characters": {
			pattern: "[a-c0-9_-]x",
			match:   []string{"ax", "cx", "5x", "_x", "-x"},
			miss:    []string{"dx", "Ax", "x", ".x", "aax"},
		},
		"character before a range": {
			pattern: "[_a-z]",
			match:   []string{"_", "a", "m", "z"},
			miss:    []string{"-", "A"},
		},
		"dash first and last": {
			pattern: "[-a][b-]",
			match:   []string{"-b", "a-", "--"},
			miss:    []string{"bb", "ac"},
		},
		"negated class": {
			pattern: "[!a-c_]x",
			match:   []string{"dx", "!x", "-x"},
			miss:    []string{"ax", "_x", "x"},
		},
		"classes do not match a slash": {
			pattern: "x/[!a][+-9]",
			match:   []string{"x/b0", "x/b."},
			miss:    []string{"x//0", "x/b/", "x/a0"},
		},
		"exclamation mark in a class": {
			pattern: "[a!]",
			match:   []string{"a", "!"},
			miss:    []string{"b"},
		},
		"escapes": {
			pattern: `\*\?\[a\]\{b\,c\}\\\!`,
			match:   []string{`*?[a]{b,c}\!`},
			miss:    []string{"xx[a]{b,c}!"},
		},
		"escapes in a class": {
			pattern: `[\]\-\\\!x]`,
			match:   []string{"]", "-", `\`, "!", "x"},
			miss:    []string{"a", "["},
		},
		"characters of keys that mean nothing here": {
			pattern: "a (1)'$&@=;:+.!b",
			match:   []string{"a (1)'$&@=;:+.!b", "x/a (1)'$&@=;:+.!b"},
			miss:    []string{"a (1)'$&@=;:+.!", "a 1'$&@=;:+.!b"},
		},
		"question mark matches a key's own": {
			pattern: "what?.txt",
			match:   []string{"what?.txt", "what!.txt", "what*.txt"},
			miss:    []string{"what.txt", "what/.txt"},
		},
		"a key with wildcards is no pattern": {
			pattern: "a*c",
			match:   []string{"a*c", "a?c", "abc"},
			miss:    []string{"*"},
		},
		"trailing space": {
			pattern: "* ",
			match:   []string{"a ", "x/a "},
			miss:    []string{"a", "a /b"},
		},
		"beyond ASCII": {
			pattern: "?[à-ü]*",
			match:   []string{"né", "éé.txt"},
			miss:    []string{"ne", "é"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := New(Options{Prefix: test.prefix, Include: []string{test.pattern}})
			require.NoError(t, err)
			for _, key := range test.match {
				require.Equal(t, Pass, f.matchPatterns(key).Rule, "%q should match %q", test.pattern, key)
				require.True(t, refMatch(test.prefix, test.pattern, key), "reference: %q, %q", test.pattern, key)
			}
			for _, key := range test.miss {
				require.Equal(t, Include, f.matchPatterns(key).Rule, "%q should not match %q", test.pattern, key)
				require.False(t, refMatch(test.prefix, test.pattern, key), "reference: %q, %q", test.pattern, key)
			}
		})
	}
}

func TestMalformedPatternIsRefusedWithPositionAndRemedy(t *testing.T) {
	tests := map[string]string{
		"":               `the pattern is empty; remove it, or write "*" to match every object`,
		"/":              `pattern "/": a lone "/" matches no object at character 1; write "**" to match every object`,
		"tmp/":           `pattern "tmp/": the closing "/" matches no object at character 4; write "tmp/**" for everything in the folder, "**/tmp/**" for a folder of this name at any depth`,
		"a[bc":           `pattern "a[bc": "[" has no closing "]" at character 2; close it, or write \[ for the character itself`,
		"a]":             `pattern "a]": "]" has no opening "[" at character 2; open it, or write \] for the character itself`,
		"é{a,b":          `pattern "é{a,b": "{" has no closing "}" at character 2; close it, or write \{ for the character itself`,
		"{a,{b,c}":       `pattern "{a,{b,c}": "{" has no closing "}" at character 1; close it, or write \{ for the character itself`,
		"a}":             `pattern "a}": "}" has no opening "{" at character 2; open it, or write \} for the character itself`,
		"[^a]*":          `pattern "[^a]*": "^" does not negate a class at character 2; write [! in place of [^`,
		"x[]":            `pattern "x[]": the class is empty at character 2; list its characters, or write \[ for the character itself`,
		"[!]":            `pattern "[!]": the class is empty at character 1; list its characters, or write \[ for the character itself`,
		"[z-a]":          `pattern "[z-a]": the range runs backwards at character 2; write its smaller character first, as in [a-z]`,
		"[ -\U0001F600]": "pattern \"[ -\U0001F600]\": the range spans too many characters at character 2; write \"?\" for any character",
		"x[a/b]":         `pattern "x[a/b]": a class cannot match "/" at character 4; write "/" outside of the class`,
		`x[\/]`:          `pattern "x[\\/]": a class cannot match "/" at character 3; write "/" outside of the class`,
		`a\/b`:           `pattern "a\\/b": "/" cannot be escaped at character 2; write "/" alone`,
		`a\`:             `pattern "a\\": nothing follows the backslash at character 2; write \\ for a backslash`,
		`[\`:             `pattern "[\\": nothing follows the backslash at character 2; write \\ for a backslash`,
		"a\xff":          `pattern "a\xff": a byte is not UTF-8 at character 2; save the file as UTF-8`,
		strings.Repeat("{a,b}", 10): `pattern "` + strings.Repeat("{a,b}", 10) +
			`": the braces stand for more than 1000 patterns at character 1; write several patterns`,
	}
	for text, message := range tests {
		err := Check(text)
		require.EqualError(t, err, message)
		var pe *PatternError
		require.ErrorAs(t, err, &pe)
	}
}

func TestErrorNamesTheListAndThePosition(t *testing.T) {
	_, err := New(Options{Include: []string{"*", "[a"}})
	require.ErrorContains(t, err, `include_patterns[1]: pattern "[a": `)
	_, err = New(Options{Exclude: []string{""}})
	require.ErrorContains(t, err, `exclude_patterns[0]: the pattern is empty`)
}

func FuzzPatternAgreesWithReference(f *testing.F) {
	for _, seed := range [][2]string{
		{"*.mp4", "x/a.mp4"},
		{"x/**/a", "x/a"},
		{"**/*.json", "a.json"},
		{"{a,b/}**/c", "b/c"},
		{"[!a-c_]?", "dé"},
		{`\*[\]-]`, "*-"},
		{"/a/{b,c{d,}}*", "a/cdx"},
		{"***/x", "x"},
		{"a**/**/b*c*", "a/b/bccc"},
		{"*a*b*a*", "abababa"},
		{"**/a/**/b/**", "a/b/a/b/c"},
		{"{*a,**/b}{c*,}", "x/bcc"},
		{"{,/}*[,]{a,b}", ",a"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, key string) {
		// Longer strings only take the reference longer, and keys are UTF-8.
		if len(text) <= 24 && len(key) <= 24 && utf8.ValidString(key) {
			requireAgreement(t, text, key)
		}
	})
}

// TestRandomPatternsAgreeWithReference reaches the corners that a fuzzer takes
// long to find: everything is drawn from the few characters that interact.
func TestRandomPatternsAgreeWithReference(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	draw := func(from []string, most int) string {
		var b strings.Builder
		for range rnd.IntN(most + 1) {
			b.WriteString(from[rnd.IntN(len(from))])
		}
		return b.String()
	}
	tokens := []string{"a", "b", "/", "*", "**", "**/", "/**/", "?", "{", "}", ",", "[a-b]", "[!a]", "[b,]", "[-a]", "[_+-b]", "[!+-9]", "{a,", "{,", "\\*", "\\,", "-"}
	chars := []string{"a", "b", "/", ",", "*", "-", "é"}
	for range 30_000 {
		text := draw(tokens, 8)
		for range 4 {
			requireAgreement(t, text, draw(chars, 8))
		}
	}
}

// requireAgreement compares a pattern that compiles with the reference, and
// its matches with the prefix that is listed.
func requireAgreement(t *testing.T, text, key string) {
	t.Helper()
	f, err := New(Options{Include: []string{text}})
	if err != nil {
		return
	}
	matches := f.matchPatterns(key).Rule == Pass
	if want := refMatch("", text, key); want != matches {
		t.Fatalf("pattern %q, key %q: got %v, the reference says %v", text, key, matches, want)
	}
	if matches && !strings.HasPrefix(key, f.ListPrefix()) {
		t.Fatalf("pattern %q matches %q, which is not below %q", text, key, f.ListPrefix())
	}
}
