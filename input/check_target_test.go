package input

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// targetRig has a bucket with an object for each thing that can become of a target.
func targetRig(t *testing.T) *rig {
	r := newRig(t, `
source_path: docs/in/
include_patterns: ["*.jpg", "big", "broken"]
exclude_patterns: ["*_thumb.jpg"]
max_object_size: 10
retry: {max_attempts: 1}
`)
	for _, key := range []string{"in/a.jpg", "in/b.txt", "in/a_thumb.jpg", "in/broken", "out/a.jpg"} {
		r.server.Put("docs", key, []byte("x"))
	}
	r.server.Put("docs", "in/big", []byte(strings.Repeat("x", 11)))
	r.server.SetFaults(func(q emulator.Request) emulator.Fault {
		if q.Key == "in/broken" && q.Op == emulator.OpGet {
			return emulator.Fault{Status: 500}
		}
		return emulator.Fault{}
	})
	return r
}

func TestWhatWouldBecomeOfATargetIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := targetRig(t)
		for message, want := range map[string]struct{ verdict, event, why string }{
			`{"key":"in/a.jpg"}`: {CheckDue, "", "matches"},
			`{"bucket":"docs","name":"in/a.jpg","event":"updated"}`:                    {CheckDue, "updated", "matches"},
			`{"name":"in/a.jpg","event":"deleted"}`:                                    {CheckDue, "deleted", "matches"}, // it is there again
			`{"bucket":"other","key":"in/a.jpg"}`:                                      {CheckElsewhere, "", `in the bucket "other", and this input reads "docs"`},
			`{"bucket":"other","key":"in/a.jpg","event":"deleted"}`:                    {CheckElsewhere, "deleted", `left out, and acknowledged`},
			`{"project_ref":"localemulatorproject","key":"in/a.jpg"}`:                  {CheckDue, "", "matches"},
			`{"project_ref":"abcdefghijklmnopqrst","key":"in/a.jpg"}`:                  {CheckElsewhere, "", `in the project "abcdefghijklmnopqrst", and this input reads "localemulatorproject"`},
			`{"key":"out/a.jpg"}`:                                                      {CheckOutside, "", `prefix of source_path`},
			`{"key":"out/gone.jpg","event":"deleted"}`:                                 {CheckOutside, "deleted", `prefix of source_path`},
			`{"key":"in/b.txt"}`:                                                       {CheckFiltered, "", `none of include_patterns`},
			`{"key":"in/gone.txt"}`:                                                    {CheckFiltered, "", `none of include_patterns`},
			`{"key":"in/gone_thumb.jpg","event":"deleted"}`:                            {CheckFiltered, "deleted", `exclude_patterns[0] "*_thumb.jpg" takes it`},
			`{"key":"in/big"}`:                                                         {CheckFiltered, "", `max_object_size`},
			`{"key":"in/gone.jpg"}`:                                                    {CheckMissing, "", `the target is acknowledged (on_missing: ack)`},
			`{"key":"in/gone.jpg","event":"created"}`:                                  {CheckMissing, "created", `no object of this key is in the bucket`},
			`{"key":"in/gone.jpg","event":"deleted"}`:                                  {CheckGone, "deleted", `an empty message with the event deleted is sent`},
			`{"key":"in/broken"}`:                                                      {CheckUnreadable, "", `can't be read`},
			`{"type":"DELETE","old_record":{"bucket_id":"docs","name":"in/gone.jpg"}}`: {CheckGone, "deleted", ""},
		} {
			report := r.check(CheckOptions{Target: []byte(message)})
			require.True(t, report.OK, message)
			require.Empty(t, report.Targets.Problem, message)
			require.Len(t, report.Targets.Explained, 1, message)
			e := report.Targets.Explained[0]
			require.Equal(t, want.verdict, e.Verdict, "%s: %s", message, e.Why)
			require.Equal(t, want.event, e.Event, message)
			require.Contains(t, e.Why, want.why, message)
			require.Equal(t, want.verdict == CheckDue || e.Verdict == CheckUnreadable || strings.Contains(message, "in/b.txt") || strings.Contains(message, "in/big") ||
				message == `{"key":"out/a.jpg"}`, e.Listed, message)
			if e.Verdict == CheckDue {
				require.Equal(t, int64(1), e.Size)
				require.NotEmpty(t, e.ETag)
				require.False(t, e.LastModified.IsZero())
			}
		}
	})
}

func TestAMessageOfSeveralTargetsIsToldOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := targetRig(t)
		report := r.check(CheckOptions{Target: []byte(`[{"key":"in/a.jpg"},{"nme":"in/a.jpg"},{"key":"in/gone.jpg"}]`)})
		require.Equal(t, 2, report.Targets.Named)
		require.Equal(t, CheckDue, report.Targets.Explained[0].Verdict)
		require.Equal(t, CheckMissing, report.Targets.Explained[1].Verdict)
		require.Contains(t, report.Targets.Problem, "element 2: a JSON object with the fields nme names no object")
		require.Contains(t, report.Targets.Problem, "mapping below targets_input")

		var many []string
		for i := range 150 {
			many = append(many, fmt.Sprintf(`{"bucket":"other","key":"%d"}`, i))
		}
		report = r.check(CheckOptions{Target: []byte(strings.Join(many, "\n"))})
		require.Equal(t, 150, report.Targets.Named)
		require.Len(t, report.Targets.Explained, 100)

		report = r.check(CheckOptions{Target: []byte("")})
		require.Zero(t, report.Targets.Named)
		require.Contains(t, report.Targets.Problem, "the message is empty")

		require.Nil(t, r.check(CheckOptions{}).Targets)
		r.server.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 403} })
		require.Nil(t, r.check(CheckOptions{Target: []byte(`{"key":"in/a.jpg"}`)}).Targets, "the bucket could not be asked")
	})
}

func TestTheReportOnATargetIsOneJSONDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text, err := json.Marshal(targetRig(t).check(CheckOptions{Target: []byte(`{"bucket":"other","name":"a","event":"created"}`)}).Targets)
		require.NoError(t, err)
		require.JSONEq(t, `{"named":1,"explained":[{"bucket":"other","event":"created","key":"a","verdict":"elsewhere","listed":false,
			"why":"it is in the bucket \"other\", and this input reads \"docs\": such a target is left out, and acknowledged"}]}`, string(text))
	})
}

// An input begins to read as soon as it is made. This one can't be made.
func TestACheckNamesTheInputOfTargetsAndDoesNotOpenIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for fields, want := range map[string]string{
			"targets_input: {test_feed: {id: nobody}}": "targets come from a test_feed input, from which nothing is read here",
			"targets_input: {label: hooks, processors: [{mapping: root = this}], test_feed: {id: nobody}}\non_missing: nack":                             "targets come from a test_feed input",
			"targets_input: {broker: {inputs: [{test_feed: {id: nobody}}, {test_feed: {id: nobody}}]}}\nfull_sweep_interval: 1h\nstate: {cache: shared}": "targets come from a broker input, from which nothing is read here; everything is listed as well, every 1h0m0s",
		} {
			r := newRig(t, fields)
			r.server.Put("docs", "a", []byte("x"))
			report := r.check(CheckOptions{Target: []byte(`[{"key":"a"},{"key":"gone"}]`)})
			require.True(t, report.OK, fields)
			require.Contains(t, report.Steps[0].Found, want)
			require.Equal(t, !strings.Contains(fields, "full_sweep_interval"), report.Sample.IfNamed)
			require.Equal(t, int64(1), report.Sample.Due)
			require.Equal(t, CheckDue, report.Targets.Explained[0].Verdict)
			require.Equal(t, CheckMissing, report.Targets.Explained[1].Verdict)
			missing := "acknowledged (on_missing: ack)"
			if strings.Contains(fields, "nack") {
				missing = "after a few attempts the target is rejected (on_missing: nack)"
			}
			require.Contains(t, report.Targets.Explained[1].Why, missing)
		}
	})
}
