package input

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// organizationOf makes an organization of n projects with three buckets each, and
// returns its projects, too.
func organizationOf(n int) (*emulator.Organization, []*emulator.Server) {
	org := emulator.NewOrganization(emulator.OrganizationOptions{TokenRateLimit: 120})
	var projects []*emulator.Server
	for range n {
		s := org.AddProject(emulator.Options{})
		for _, bucket := range []string{"avatars", "docs", "invoices"} {
			s.CreateBucket(bucket)
			for i := range 2 {
				s.Put(bucket, fmt.Sprintf("%d.txt", i), []byte("content"))
			}
		}
		projects = append(projects, s)
	}
	return org, projects
}

// checkOrganization checks an input that reads an organization.
func checkOrganization(t *testing.T, org *emulator.Organization, source, projects string, o CheckOptions) *CheckReport {
	t.Helper()
	text := fmt.Sprintf("endpoint: %s\nprojects: {%s}\nsource_path: %q\ncredentials: {type: access_token, access_token: %s, api_url: %s}\n",
		org.EndpointTemplate(), projects, source, org.AccessToken(), org.APIURL())
	parsed, err := config.Spec().ParseYAML(text, nil)
	require.NoError(t, err)
	o.transport = org.Transport()
	r := &rig{t: t, logs: &logLines{}}
	return Check(t.Context(), parsed, r.resources(), o)
}

func TestAnOrganizationOf200ProjectsIsCheckedInTime(t *testing.T) {
	if underRace {
		t.Skip("measures the virtual time of 600 buckets, which the race detector makes slow; the other tests look for races")
	}
	synctest.Test(t, func(t *testing.T) {
		org, projects := organizationOf(200)
		paused, broken, hidden := projects[3], projects[50], projects[120]
		paused.SetStatus(emulator.StatusInactive)
		broken.SetFaults(func(q emulator.Request) emulator.Fault { return emulator.Fault{Status: 500} })
		hidden.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Bucket == "docs" {
				return emulator.Fault{Status: 403, Code: "AccessDenied", Message: "Access denied"}
			}
			return emulator.Fault{}
		})
		began := time.Now()
		report := checkOrganization(t, org, "*", "organization: acme", CheckOptions{})
		t.Logf("%d scopes in %v of virtual time", len(report.Scopes), time.Since(began))
		require.Less(t, time.Since(began), 10*time.Minute)
		require.False(t, report.OK)
		require.Contains(t, stepOf(t, report, CheckStepProjects).Found, "200 projects")
		require.Len(t, report.Scopes, 198*3+2)
		failed := 0
		for _, s := range report.Scopes {
			if s.Status == CheckFailed {
				failed++
				require.NotEmpty(t, s.Problems(), "%+v", s)
			}
		}
		require.Equal(t, 3, failed, "two projects and one bucket")
		require.Equal(t, CheckFailed, scopeOf(t, report, paused.Settings().ProjectRef, "").Status)
		require.Equal(t, CheckFailed, scopeOf(t, report, broken.Settings().ProjectRef, "").Status)
		require.Equal(t, CheckFailed, scopeOf(t, report, hidden.Settings().ProjectRef, "docs").Status)
		require.EqualValues(t, 2, scopeOf(t, report, projects[0].Settings().ProjectRef, "docs").Sample.Due)
	})
}

// What is wrong is said about the keys that were used, and not about those of another
// type.
func TestARefusedSecretKeyOfOneProjectIsExplainedAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, projects := organizationOf(2)
		s := projects[1]
		s.SetProject(func(p *emulator.Project) { p.LegacyKeys = emulator.LegacyDisabled })
		s.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpRESTListBuckets {
				return emulator.Fault{Status: 401, Message: "Unregistered API key"}
			}
			return emulator.Fault{}
		})
		report := checkOrganization(t, org, "*", "organization: acme", CheckOptions{})
		problems := scopeOf(t, report, s.Settings().ProjectRef, "").Problems()
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].String(), "knows no such secret key")
		require.NotContains(t, problems[0].String(), "signature")
	})
}

func TestOneProjectOfAnOrganizationIsChosenByReferenceOrName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, projects := organizationOf(3)
		ref := projects[1].Settings().ProjectRef
		for _, name := range []string{ref, "project-2"} {
			report := checkOrganization(t, org, "*", "organization: acme", CheckOptions{Project: name})
			require.True(t, report.OK)
			require.Len(t, report.Scopes, 3)
			require.Equal(t, ref, report.Scopes[0].Project)
			require.Equal(t, "project-2", report.Scopes[0].ProjectName)

			one := checkOrganization(t, org, "*", "organization: acme", CheckOptions{Project: name, Bucket: "docs", Explain: []string{"1.txt"}})
			require.True(t, one.OK)
			require.Nil(t, one.Scopes)
			require.Equal(t, "oooooooooo", marks(one), "projects, and all steps of a bucket")
			require.Equal(t, CheckDue, one.Explained[0].Verdict)
		}
		report := checkOrganization(t, org, "*", "organization: acme", CheckOptions{Project: "project-9"})
		require.Contains(t, stepOf(t, report, CheckStepProjects).Problems[0].Problem, `none of its 3 projects has the reference or the name "project-9"`)
		report = checkOrganization(t, org, "*", "organization: acme", CheckOptions{Explain: []string{"a"}})
		require.Contains(t, stepOf(t, report, CheckStepConfig).Problems[0].Remedy, "add --project REF and --bucket NAME")
		report = checkOrganization(t, org, "docs", "organization: nope", CheckOptions{})
		require.Contains(t, stepOf(t, report, CheckStepProjects).Problems[0].String(), "knows no organization nope")
		report = checkOrganization(t, org, "docs", `organization: acme, include: ["nope-*"]`, CheckOptions{})
		require.False(t, report.OK, "a one-time run fails")
		require.Equal(t, CheckFailed, stepOf(t, report, CheckStepProjects).Status)
	})
}

// A server that accepts requests and answers none is waited for for half a minute, and
// the check of the others ends meanwhile.
func TestProjectsThatNeverAnswerHoldUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, projects := organizationOf(40)
		hang := func(emulator.Request) emulator.Fault { return emulator.Fault{Delay: 24 * time.Hour} }
		for _, p := range projects[:20] { // more than there are places
			p.SetFaults(hang)
		}
		began := time.Now()
		ended := time.Duration(0)
		report := checkOrganization(t, org, "*", "organization: acme", CheckOptions{OnScope: func(done, _ int) {
			if done == 20*3 && ended == 0 {
				ended = time.Since(began) + 1
			}
		}})
		took := time.Since(began)
		t.Logf("60 buckets after %v, all after %v", ended, took)
		require.Positive(t, ended, "the others ended")
		require.Less(t, ended, 10*time.Second)
		require.Less(t, took, time.Minute)
		require.Len(t, report.Scopes, 20+20*3)
		for _, s := range report.Scopes {
			if s.Bucket == "" {
				require.Equal(t, CheckFailed, s.Status)
				require.NotContains(t, s.Problems()[0].Problem, "ran out of time", "each had its time")
			} else {
				require.Equal(t, CheckOK, s.Status, "%+v", s)
			}
		}
	})
}

func TestWhatACheckShowsOfABucketCanBeTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, projects := organizationOf(3)
		projects[1].SetProject(func(p *emulator.Project) { p.Name = "Shop (old)/new \x1b[2J\"x\"" })
		ref := projects[1].Settings().ProjectRef
		all := checkOrganization(t, org, "*", "organization: acme", CheckOptions{})
		name := scopeOf(t, all, ref, "docs").Name()
		require.Equal(t, ref+`/docs (Shop (old)/new "x")`, name.String())
		for _, o := range []CheckOptions{
			{Bucket: name.Short()},
			{Bucket: name.String()},
			{Project: name.ProjectName(), Bucket: "docs"},
			{Project: ref, Bucket: name.Short()},
			{Bucket: name.ProjectName() + "/docs"},
		} {
			report := checkOrganization(t, org, "*", "organization: acme", o)
			require.True(t, report.OK, "%+v", o)
			require.Nil(t, report.Scopes, "%+v: one bucket", o)
			require.EqualValues(t, 2, report.Sample.Due)
			report = checkOrganization(t, org, "{docs,avatars}", "organization: acme", o)
			require.Nil(t, report.Scopes, "%+v: one bucket", o)
		}
		report := checkOrganization(t, org, "docs", "organization: acme", CheckOptions{Bucket: ref + "/avatars"})
		require.False(t, report.OK, "it is not read")
	})
}
