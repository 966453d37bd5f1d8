package input

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestEachKindOfKeyIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, `
source_path: docs/in/
include_patterns: ["*.jpg", "2024/**", "empty", "big", "old", "unreadable", "f/*"]
exclude_patterns: ["*.bak", "*_thumb.*"]
skip_empty: true
max_object_size: 10
modified_since: 2000-01-01T01:00:00Z
min_age: 1m
retry: {max_attempts: 1}
`)
		put := func(key, content string) { r.server.Put("docs", key, []byte(content)) }
		put("in/old", "x")
		time.Sleep(2 * time.Hour)
		for _, key := range []string{"in/a.jpg", "in/2024/x", "in/b.txt", "in/a_thumb.jpg", "in/unreadable", "out/a.jpg", "root.jpg"} {
			put(key, "x")
		}
		put("in/empty", "")
		put("in/f/.emptyFolderPlaceholder", "")
		put("in/big", strings.Repeat("x", 11))
		time.Sleep(time.Hour)
		put("in/young.jpg", "x")
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Key == "in/unreadable" && q.Op == emulator.OpGet {
				return emulator.Fault{Status: 500}
			}
			return emulator.Fault{}
		})
		for key, want := range map[string]struct{ verdict, rule, pattern, why string }{
			"in/a.jpg":                       {CheckDue, "", `include_patterns[0] "*.jpg"`, "matches and was not delivered before"},
			"in/2024/x":                      {CheckDue, "", `include_patterns[1] "2024/**"`, ""},
			"in/b.txt":                       {CheckFiltered, "include", "", `matched against "b.txt"`},
			"in/a_thumb.jpg":                 {CheckFiltered, "exclude", `exclude_patterns[1] "*_thumb.*"`, "takes it"},
			"in/empty":                       {CheckFiltered, "empty", "", "skip_empty"},
			"in/big":                         {CheckFiltered, "size", "", "max_object_size is less than its 11 B"},
			"in/old":                         {CheckFiltered, "modified_since", "", "changed at 2000-01-01T00:00:00Z"},
			"in/young.jpg":                   {CheckFiltered, "min_age", "", "changed at 2000-01-01T03:00:00Z"},
			"in/f/.emptyFolderPlaceholder":   {CheckFiltered, "placeholder", "", "empty folder"},
			"in/unreadable":                  {CheckUnreadable, "", `include_patterns[5] "unreadable"`, "can't be read"},
			"out/a.jpg":                      {CheckOutside, "", "", `prefix of source_path, which is "in/"`},
			"a.jpg":                          {CheckOutside, "", "", `; there is "in/a.jpg"`},
			"docs/in/a.jpg":                  {CheckOutside, "", "", `; there is "in/a.jpg"`},
			"s3://docs/in/a.jpg":             {CheckOutside, "", "", `; there is "in/a.jpg"`},
			"/in/a.jpg":                      {CheckOutside, "", "", `; there is "in/a.jpg"`},
			"in/none.jpg":                    {CheckMissing, "", `include_patterns[0] "*.jpg"`, `no object of this key is in the bucket "docs"`},
			"in/none.bak":                    {CheckMissing, "exclude", `exclude_patterns[0] "*.bak"`, ""},
			"in/a.jp":                        {CheckMissing, "include", "", ""},
			"in/2024/":                       {CheckMissing, "", `include_patterns[1] "2024/**"`, ""},
			"in/a_thumb.jpg\x1b[2J\u202etxt": {CheckMissing, "exclude", `exclude_patterns[1] "*_thumb.*"`, ""},
		} {
			e := r.check(CheckOptions{Explain: []string{key}}).Explained[0]
			require.Equal(t, key, e.Key)
			require.Equal(t, want.verdict, e.Verdict, key)
			require.Equal(t, want.rule, e.Rule, key)
			require.Equal(t, want.pattern, e.Pattern, key)
			require.Contains(t, e.Why, want.why)
			require.NotContains(t, e.Why, "\x1b")
			listed := want.verdict != CheckOutside && want.verdict != CheckMissing || key == "out/a.jpg"
			require.Equal(t, listed, e.Listed, key)
			require.Equal(t, listed, e.ETag != "", key)
			switch want.verdict {
			case CheckDue:
				require.Equal(t, "yes", e.Readable)
			case CheckUnreadable:
				require.Equal(t, "no", e.Readable)
				require.Contains(t, e.Problem, "HTTP 500")
			default:
				require.Equal(t, "", e.Readable)
			}
		}
	})
}

func TestAKeyThatIsHiddenOrGoneIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = sessionToken(r.server.Settings(), r.server.UserToken("u1", time.Hour))
		r.server.AllowRead("docs", func(_ map[string]any, key string) bool { return key == "mine" })
		r.server.Put("docs", "mine", []byte("x"))
		r.server.Put("docs", "hidden", []byte("x"))
		report := r.check(CheckOptions{Explain: []string{"hidden"}})
		require.Equal(t, CheckMissing, report.Explained[0].Verdict)
		require.Contains(t, report.Explained[0].Why, "row level security hides it from the role authenticated")
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withState(t))
		r.server.Put("docs", "a", []byte("x"))
		r.server.Put("docs", "b", []byte("x"))
		require.Equal(t, "", errOf(r.run().Err))
		r.server.Delete("docs", "a")
		e := r.check(CheckOptions{Explain: []string{"a"}}).Explained[0]
		require.Equal(t, CheckMissing, e.Verdict)
		require.Equal(t, "another version", e.Delivered)
		require.Contains(t, e.Why, "some version of it was delivered before")
	})
}

// One-time runs try what is parked each time.
func TestAKeyThatIsTriedAgainIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withState(t)+"retry: {max_attempts: 1}\n")
		r.server.Put("docs", "a", []byte("x"))
		r.server.SetFaults(onSigned(emulator.OpGet, emulator.Fault{Status: 500}))
		require.Error(t, r.run().Err)
		e := r.check(CheckOptions{Explain: []string{"a"}}).Explained[0]
		require.Equal(t, CheckUnreadable, e.Verdict)
		require.Equal(t, 1, e.Parked.Attempts)
		require.Contains(t, e.Parked.Reason, "unavailable")
		r.server.SetFaults(nil)
		e = r.check(CheckOptions{Explain: []string{"a"}}).Explained[0]
		require.Equal(t, CheckDue, e.Verdict)
		require.Contains(t, e.Why, "it can be read now, and the next pass tries it again")
	})
}

func TestNothingIsExplainedThatCannotBeAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: nope\n")
		require.Empty(t, r.check(CheckOptions{Explain: []string{"a"}}).Explained)
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "a", []byte("x"))
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Query.Get("prefix") == "a" {
				return emulator.Fault{Status: 503}
			}
			return emulator.Fault{}
		})
		e := r.check(CheckOptions{Explain: []string{"a"}}).Explained[0]
		require.Equal(t, CheckUnknown, e.Verdict)
		require.Contains(t, e.Why, "HTTP 503")
	})
}
