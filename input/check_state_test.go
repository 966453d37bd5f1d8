package input

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// filesIn maps the files in a folder to what is in them.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[path] = string(content)
		return err
	}))
	return files
}

func TestAStateThatIsNotThereYetIsNotCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		r := newRig(t, fmt.Sprintf("state: {path: %q}\n", filepath.Join(dir, "a", "b", "s.db")))
		r.server.Put("docs", "a", []byte("1"))
		report := r.check(CheckOptions{Explain: []string{"a"}})
		require.True(t, report.OK)
		require.Contains(t, stepOf(t, report, CheckStepState).Found, "s.db is not there yet: the first run creates it")
		require.EqualValues(t, 1, report.Sample.Due)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

func TestWhatTheStateKnowsIsLeftOut(t *testing.T) {
	for name, state := range map[string]func(t *testing.T, dir string) (fields string, res *service.Resources){
		"file": func(_ *testing.T, dir string) (string, *service.Resources) {
			return fmt.Sprintf("state: {path: %q}\n", filepath.Join(dir, "s.db")), nil
		},
		"cache": func(t *testing.T, dir string) (string, *service.Resources) {
			b := service.NewResourceBuilder()
			require.NoError(t, b.AddCacheYAML(fmt.Sprintf("label: kept\nfile: {directory: %q}\n", dir)))
			res, closeAll, err := b.Build()
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, closeAll(context.Background())) })
			return "state: {cache: kept}\n", res
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("TMPDIR", t.TempDir())
			fields, res := state(t, dir)
			r := newRig(t, fields+"exclude_patterns: ['*.tmp']\nretry: {max_attempts: 1}\n")
			r.res = res
			for _, key := range []string{"a", "b", "broken", "c.tmp"} {
				r.server.Put("docs", key, []byte("1"))
			}
			broken := func(q emulator.Request) emulator.Fault {
				if q.Key == "broken" && q.Op == emulator.OpGet {
					return emulator.Fault{Status: 403}
				}
				return emulator.Fault{}
			}
			r.server.SetFaults(broken)
			require.ErrorContains(t, r.run().Err, "broken")
			r.server.Put("docs", "b", []byte("22"))
			r.server.Put("docs", "d", []byte("1"))
			before := filesIn(t, dir)
			require.NotEmpty(t, before)

			report := r.check(CheckOptions{Explain: []string{"a", "b", "broken", "c.tmp", "d", "gone"}})
			require.True(t, report.OK, "%+v", report.Steps)
			require.Contains(t, stepOf(t, report, CheckStepState).Found, "2 objects delivered, 1 parked, last complete pass ")
			require.EqualValues(t, 5, report.Sample.Listed)
			require.EqualValues(t, 3, report.Sample.Due)
			require.Equal(t, []string{"b updated", "broken created", "d created"}, dueOf(report))
			require.Equal(t, []CheckLeftOut{
				{Rule: "delivered", Count: 1},
				{Rule: "exclude", Pattern: `exclude_patterns[0] "*.tmp"`, Count: 1, FirstKey: "c.tmp"},
			}, report.Sample.LeftOut)
			require.Equal(t, "a delivered this version, b due another version, broken unreadable no, c.tmp filtered no, d due no, gone missing no", explained(report))
			require.Equal(t, before, filesIn(t, dir), "nothing was written")
			left, err := os.ReadDir(os.TempDir())
			require.NoError(t, err)
			require.Empty(t, left)

			r.server.SetFaults(nil)
			r.messages = nil
			require.Equal(t, "", errOf(r.run().Err))
			require.Equal(t, []string{"created broken", "created d", "updated b"}, r.arrived(), "the run does what the check said")
		})
	}
}

func dueOf(r *CheckReport) []string {
	var keys []string
	for _, o := range r.Sample.First {
		keys = append(keys, o.Key+" "+o.Event)
	}
	return keys
}

func explained(r *CheckReport) string {
	var all []string
	for _, e := range r.Explained {
		all = append(all, strings.TrimSpace(e.Key+" "+e.Verdict+" "+e.Delivered))
	}
	return strings.Join(all, ", ")
}

func TestTheStateOfARunningPipelineIsLookedAtWithoutDisturbingIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely+withState(t))
		r.server.Put("docs", "a", []byte("1"))
		r.server.Put("docs", "bad", []byte("1"))
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Key == "bad" && q.Op == emulator.OpGet {
				return emulator.Fault{Status: 403}
			}
			return emulator.Fault{}
		})
		stop := r.live()
		time.Sleep(10 * time.Second)
		report := r.check(CheckOptions{Explain: []string{"a", "bad"}})
		require.Equal(t, []string{CheckStepState}, report.Failed())
		p := stepOf(t, report, CheckStepState).Problems[0]
		require.Equal(t, "state.path", p.Field)
		require.Contains(t, p.Problem, "in use by another process")
		require.Contains(t, p.Remedy, "if that is this pipeline, all is well")
		require.Equal(t, "a delivered this version, bad parked no", explained(report))
		require.Contains(t, report.Explained[1].Why, "is tried again after 2000-01-01T00:01:")
		require.Equal(t, 1, report.Explained[1].Parked.Attempts)
		require.Equal(t, "parked", report.Sample.LeftOut[1].Rule)
		require.Equal(t, "bad", report.Sample.LeftOut[1].FirstKey)
		require.Contains(t, report.Sample.LeftOut[1].Reason, "denied")
		r.server.Put("docs", "b", []byte("1"))
		time.Sleep(aPass)
		stop()
		require.Equal(t, []string{"created a", "created b"}, r.arrived())
	})
}

func TestAStateThatCannotBeUsedFailsAndHidesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "file")
		require.NoError(t, os.WriteFile(file, []byte("this was never a database"), 0o600))
		for name, c := range map[string]struct {
			fields string
			others map[string]string
			field  string
			says   string
		}{
			"foreign":               {fields: fmt.Sprintf("state: {path: %q}\n", file), field: "state.path", says: "move it away"},
			"a folder":              {fields: fmt.Sprintf("state: {path: %q}\n", dir), field: "state.path", says: "it is a folder"},
			"in what is no folder":  {fields: fmt.Sprintf("state: {path: %q}\n", filepath.Join(file, "s.db")), field: "state.path", says: "not a directory"},
			"of another input":      {fields: fmt.Sprintf("state: {path: %q}\n", dir+"/./s.db"), others: map[string]string{filepath.Join(dir, "s.db"): "photos"}, field: "state.path", says: "the input photos too"},
			"a cache that is not":   {fields: "state: {cache: nope}\n", field: "state.cache", says: `no cache resource "nope"`},
			"none where it matters": {fields: minutely, field: "state", says: "a restart delivers everything again"},
		} {
			r := newRig(t, c.fields)
			r.server.Put("docs", "a", []byte("1"))
			report := r.check(CheckOptions{StatesOfOthers: c.others, Explain: []string{"a"}})
			require.Equal(t, "ooooooo", marks(report)[:7], name)
			s := stepOf(t, report, CheckStepState)
			require.Equal(t, c.field, s.Problems[0].Field, name)
			require.Contains(t, s.Problems[0].String(), c.says, name)
			require.Equal(t, CheckOK, stepOf(t, report, CheckStepDownload).Status, name)
			require.EqualValues(t, 1, report.Sample.Due, name)
			if name == "none where it matters" {
				require.Equal(t, CheckWarning, s.Status)
				require.Equal(t, CheckDue, report.Explained[0].Verdict)
				continue
			}
			require.Equal(t, CheckFailed, s.Status, name)
			require.True(t, report.Sample.StateUnread, name)
			require.Equal(t, CheckUnknown, report.Explained[0].Verdict, name)
		}
	})
}

func TestAFileThatMayNotBeWrittenToIsFound(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write to everything")
	}
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		r := newRig(t, fmt.Sprintf("state: {path: %q}\n", filepath.Join(dir, "s.db")))
		r.server.Put("docs", "a", []byte("1"))
		require.NoError(t, os.Chmod(dir, 0o500))
		defer func() { require.NoError(t, os.Chmod(dir, 0o700)) }()
		require.Contains(t, stepOf(t, r.check(CheckOptions{}), CheckStepState).Problems[0].Problem, "may not write to "+dir)
	})
}

// The index is read when a state is opened, its other parts when they are needed.
func TestAStateOfWhichAPartIsMissingFails(t *testing.T) {
	dir := t.TempDir()
	b := service.NewResourceBuilder()
	require.NoError(t, b.AddCacheYAML(fmt.Sprintf("label: kept\nfile: {directory: %q}\n", dir)))
	res, closeAll, err := b.Build()
	require.NoError(t, err)
	defer func() { require.NoError(t, closeAll(context.Background())) }()
	r := newRig(t, "state: {cache: kept}\n")
	r.res = res
	for i := range 20 {
		r.server.Put("docs", fmt.Sprintf("%02d", i), []byte("1"))
	}
	require.Equal(t, "", errOf(r.run().Err))
	parsed, err := r.parse()
	require.NoError(t, err)
	state, err := OpenState(t.Context(), parsed, res)
	require.NoError(t, err)
	_, err = state.Forget(t.Context(), "01") // writes the parts
	require.NoError(t, err)
	require.NoError(t, state.Close(t.Context()))
	require.Equal(t, []string{"01 created"}, dueOf(r.check(CheckOptions{})))
	manifests, err := filepath.Glob(filepath.Join(dir, "*-m[0-9]*"))
	require.NoError(t, err)
	require.NotEmpty(t, manifests)
	for _, name := range manifests {
		require.NoError(t, os.Remove(name))
	}
	report := r.check(CheckOptions{Explain: []string{"01"}})
	require.Equal(t, []string{CheckStepState}, report.Failed())
	require.Contains(t, stepOf(t, report, CheckStepState).Problems[0].String(), "is gone although")
	require.True(t, report.Sample.StateUnread)
	require.EqualValues(t, 20, report.Sample.Listed)
	require.EqualValues(t, 20, report.Sample.Due)
	require.Equal(t, CheckUnknown, report.Explained[0].Verdict)
}
