package input

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// scopeOf is what a check found of a bucket.
func scopeOf(t *testing.T, r *CheckReport, project, bucket string) CheckScope {
	t.Helper()
	i := slices.IndexFunc(r.Scopes, func(s CheckScope) bool { return s.Project == project && s.Bucket == bucket })
	require.GreaterOrEqual(t, i, 0, "%s %s", project, bucket)
	return r.Scopes[i]
}

// severalRig reads every bucket of a project with objects in some of them.
func severalRig(t *testing.T, fields string) *rig {
	r := newRig(t, fields)
	for _, bucket := range []string{"avatars", "broken", "empty", "tenant-1"} {
		r.server.CreateBucket(bucket)
	}
	for bucket, n := range map[string]int{"docs": 3, "avatars": 2, "broken": 1, "tenant-1": 1} {
		for i := range n {
			r.server.Put(bucket, fmt.Sprintf("photos/%d.jpg", i), []byte("content"))
		}
	}
	return r
}

func TestEachOfSeveralBucketsIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := severalRig(t, `source_path: "*"`)
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Bucket == "broken" {
				return emulator.Fault{Status: 500}
			}
			return emulator.Fault{}
		})
		var steps []string
		var heard [][2]int
		report := r.check(CheckOptions{
			OnStep:  func(s CheckStep) { steps = append(steps, s.Name+" "+string(s.Status)) },
			OnScope: func(done, known int) { heard = append(heard, [2]int{done, known}) },
		})
		require.False(t, report.OK)
		require.Equal(t, []string{"config ok", "state ok", "buckets failed"}, steps)
		require.Equal(t, []string{"buckets"}, report.Failed())
		require.Equal(t, "1 bucket can't be read to the end", stepOf(t, report, CheckStepBuckets).Problems[0].Problem)
		require.Nil(t, report.Sample)
		require.Equal(t, [][2]int{{0, 5}, {1, 5}, {2, 5}, {3, 5}, {4, 5}, {5, 5}}, heard)

		var names []string
		for _, s := range report.Scopes {
			names = append(names, s.Bucket)
			require.Equal(t, "service_role", s.Role, s.Bucket)
			require.Equal(t, "S3 protocol", s.Plane, s.Bucket)
		}
		require.Equal(t, []string{"avatars", "broken", "docs", "empty", "tenant-1"}, names)
		docs := scopeOf(t, report, "", "docs")
		require.Equal(t, CheckOK, docs.Status)
		require.EqualValues(t, 3, docs.Sample.Due)
		require.True(t, docs.Sample.Complete)
		broken := scopeOf(t, report, "", "broken")
		require.Equal(t, CheckFailed, broken.Status)
		require.NotEmpty(t, broken.Problems())
		// A bucket without objects is no reason to look closer at one of many.
		require.Equal(t, CheckOK, scopeOf(t, report, "", "empty").Status)
	})
}

func TestHostAndKeysOfAProjectAreCheckedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := severalRig(t, `source_path: "{docs,avatars,tenant-1}/photos/"`)
		require.True(t, r.check(CheckOptions{}).OK)
		unsigned := 0
		for _, q := range r.server.Log() {
			if q.Header.Get("Authorization") == "" {
				unsigned++
			}
		}
		require.Equal(t, 1, unsigned)
	})
}

func TestACheckOfOneBucketOfSeveralIsThatOfAnInputWithOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := severalRig(t, `source_path: "*/photos/"`)
		report := r.check(CheckOptions{Bucket: "docs", Explain: []string{"photos/1.jpg"}})
		require.True(t, report.OK)
		require.Equal(t, "ooooooooo", marks(report))
		require.Nil(t, report.Scopes)
		require.Equal(t, `bucket "docs" prefix "photos/", sync_mode one_time`, report.Steps[0].Found)
		require.EqualValues(t, 3, report.Sample.Due)
		require.Equal(t, CheckDue, report.Explained[0].Verdict)
		r.fields = "source_path: docs/photos/\n"
		require.Equal(t, stripped(report), stripped(r.check(CheckOptions{Bucket: "docs", Explain: []string{"photos/1.jpg"}})))
	})
}

// stripped is a report without what may differ in time.
func stripped(r *CheckReport) *CheckReport {
	for i := range r.Steps {
		if r.Steps[i].Name == CheckStepHost {
			r.Steps[i].Found = ""
		}
	}
	return r
}

func TestWhatACheckIsRestrictedToMustBePartOfTheInput(t *testing.T) {
	for name, c := range map[string]struct {
		fields string
		o      CheckOptions
		says   string
	}{
		"a bucket that does not match":    {`source_path: "tenant-*"`, CheckOptions{Bucket: "docs"}, `source_path: it does not read the bucket "docs", which was asked for: it reads buckets "tenant-*"`},
		"a bucket that is not listed":     {`source_path: "{docs,avatars}/"`, CheckOptions{Bucket: "tenant-1"}, `does not read the bucket "tenant-1"`},
		"a bucket that is another":        {`source_path: docs`, CheckOptions{Bucket: "avatars"}, `it reads bucket "docs"`},
		"a project that is another":       {`source_path: docs`, CheckOptions{Project: "another"}, `project_ref: the project "another" was asked for, and this input reads`},
		"a key, of all buckets":           {`source_path: "*"`, CheckOptions{Explain: []string{"a"}}, "explained for one bucket, and this input reads several; add --bucket NAME"},
		"a target, of all buckets":        {`source_path: "*"`, CheckOptions{Target: []byte("{}")}, "add --bucket NAME"},
		"no bucket that the server knows": {`source_path: "nope-*"`, CheckOptions{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				report := severalRig(t, c.fields).check(c.o)
				if c.says == "" {
					require.True(t, report.OK, "a run would find nothing")
					require.Equal(t, CheckWarning, stepOf(t, report, CheckStepBuckets).Status)
					return
				}
				require.False(t, report.OK)
				require.Contains(t, stepOf(t, report, CheckStepConfig).Problems[0].String(), c.says)
			})
		})
	}
}

// A bucket that does not answer delays no other, and a check of many buckets ends.
func TestABucketThatHangsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := severalRig(t, `source_path: "*"`)
		for i := range 100 {
			bucket := fmt.Sprintf("more-%03d", i)
			r.server.CreateBucket(bucket)
			r.server.Put(bucket, "a", []byte("content"))
		}
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Bucket == "broken" || q.Bucket == "docs" {
				return emulator.Fault{Delay: time.Hour}
			}
			return emulator.Fault{Delay: 100 * time.Millisecond}
		})
		began := time.Now()
		report := r.check(CheckOptions{})
		require.Less(t, time.Since(began), 2*time.Minute)
		require.Len(t, report.Scopes, 105)
		failed := 0
		for _, s := range report.Scopes {
			if s.Status == CheckFailed {
				failed++
			}
		}
		require.Equal(t, 2, failed)
	})
}

func TestThePartOfTheListingIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, `source_path: "{docs,large}"`)
		r.server.CreateBucket("large")
		for i := range 2500 {
			r.server.Put("large", fmt.Sprintf("%04d", i), []byte("x"))
		}
		r.server.Put("docs", "a", []byte("x"))
		var listed int64
		report := r.check(CheckOptions{Limit: 3000, OnListed: func(n int64) { listed = n }})
		large := scopeOf(t, report, "", "large").Sample
		require.EqualValues(t, 1500, large.Listed)
		require.False(t, large.Complete)
		require.EqualValues(t, 1001, listed, "of whole pages")
		require.EqualValues(t, 1000, scopeOf(t, r.check(CheckOptions{Limit: 1200}), "", "large").Sample.Listed, "a page, which costs one request in any case")
		require.EqualValues(t, 7, scopeOf(t, r.check(CheckOptions{Limit: 7}), "", "large").Sample.Listed)
	})
}

func TestWhereRowLevelSecurityMayHideObjectsAnEmptyBucketIsAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := severalRig(t, "")
		r.fields = `source_path: "{docs,empty}"` + "\n" + sessionToken(r.server.Settings(), r.server.UserToken("u1", 48*time.Hour))
		report := r.check(CheckOptions{})
		require.True(t, report.OK)
		require.Equal(t, CheckWarning, scopeOf(t, report, "", "empty").Status)
		require.Contains(t, scopeOf(t, report, "", "empty").Problems()[0].Problem, "row level security hides its objects")
	})
}

func TestTheStateIsOpenedOnceForAllBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := severalRig(t, "source_path: \"*\"\nstate: {cache: shared}\n")
		for _, bucket := range []string{"docs", "avatars"} {
			one := newRig(t, "source_path: "+bucket+"\nstate: {cache: shared}\n")
			one.server, one.res = r.server, r.resources()
			require.NoError(t, one.run().Err)
		}
		report := r.check(CheckOptions{})
		require.True(t, report.OK)
		require.Zero(t, scopeOf(t, report, "", "docs").Sample.Due, "delivered before")
		require.EqualValues(t, 1, scopeOf(t, report, "", "tenant-1").Sample.Due)
		require.EqualValues(t, 3, scopeOf(t, report, "", "docs").Sample.LeftOut[0].Count)
	})
}
