package conformance

import (
	"slices"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// allowed are all characters that the Storage API allows in a key.
const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/!.*'() &$=@;:+,?-"

// maxKeyLength is the longest key in S3, in bytes. Supabase itself has no limit; the
// store behind it may accept less, because the server adds the project, the bucket
// and a version to the key.
const maxKeyLength = 1024

// hostileKeys are keys below prefix that break a client which normalises paths,
// decodes twice, compares by locale or walks folders. None of them is a folder
// placeholder.
func (tg *target) hostileKeys(prefix string) []string {
	var keys []string
	for _, c := range allowed {
		if c == '/' {
			continue // has its own cases below
		}
		keys = append(keys, prefix+"char/x"+string(c)+"y")
	}
	for _, name := range []string{
		// one is the prefix of the other, and the next byte sorts before a slash
		"f", "f.txt", "f.txt.bak", "f.txt-1", "f.txt (copy)", "f.txt!", "f.txt/inside", "f.txt/", "f.txt0",
		// a file and a folder of one name
		"g", "g/", "g/h", "g-b", "g.txt", "g0",
		// slashes that a path library would remove
		"double//slash", "triple///slash", "double//", "a/b", "a//b", "trailing/slash/",
		// blanks at every end
		" leading space", "trailing space ", "trailing/ ", " ", "two  spaces",
		// characters that a decoder of URLs or forms changes
		"a+b", "a b", "query?x=1&y=2;z=3", "name=value", "user@host:80", "back..up", "...", "..name", ".hidden",
		// wildcards of SQL and of globs
		"a_c", "aXc", "a*c", "star*", "what?",
		// case matters, and bytes decide the order
		"Zebra", "apple", "APPLE", "Apple", "10", "9",
		"$dollar", "(paren)", "quote'", "comma,semi;colon:",
	} {
		keys = append(keys, prefix+"name/"+name)
	}
	keys = append(keys,
		longKey(prefix+"long/", "k", tg.maxKeyLength), longKey(prefix+"long/", " ", tg.maxKeyLength), longKey(prefix+"long/", "&", tg.maxKeyLength))
	if tg.gateway == emulator.GatewayEnvoy {
		// They arrive as other keys: a test of their own shows what the input does.
		keys = slices.DeleteFunc(keys, func(key string) bool { return strings.Contains(key, "//") })
	}
	slices.Sort(keys)
	return keys
}

// longKey is a key below prefix with the given length, in segments short enough for
// a file system.
func longKey(prefix, fill string, length int) string {
	var b strings.Builder
	b.WriteString(prefix)
	for b.Len() < length {
		if b.Len()%128 == 0 {
			b.WriteString("/")
			continue
		}
		b.WriteString(fill)
	}
	return b.String()[:length-1] + "z"
}
