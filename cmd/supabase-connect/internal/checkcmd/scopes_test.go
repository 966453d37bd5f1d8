package checkcmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/configfile"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// organization is the report on many buckets of several projects.
func organization(projects int) *input.CheckReport {
	r := &input.CheckReport{Steps: []input.CheckStep{{Name: input.CheckStepBuckets, Status: input.CheckFailed, Problems: []input.CheckProblem{{Problem: "some can't be read to the end"}}}}}
	for i := range projects {
		ref := fmt.Sprintf("%020d", i)
		if i%10 == 7 {
			r.Scopes = append(r.Scopes, input.CheckScope{Project: ref, ProjectName: "Shop\x1b[2J", Status: input.CheckFailed, Steps: []input.CheckStep{
				{Name: input.CheckStepCredentials, Status: input.CheckFailed, Problems: []input.CheckProblem{{Problem: "the project " + ref + " is paused", Remedy: "restore it in the Dashboard"}}},
			}})
			continue
		}
		for _, bucket := range []string{"avatars", "docs"} {
			s := input.CheckScope{
				Project: ref, ProjectName: fmt.Sprint("project-", i), Bucket: bucket, Status: input.CheckOK, Role: "service_role", Plane: "S3 protocol",
				Sample: &input.CheckSample{Listed: 1000, Complete: i != 1, Due: int64(i), DueBytes: int64(i) << 20},
			}
			if bucket == "docs" && i%5 == 4 {
				s.Status, s.Role = input.CheckWarning, "authenticated"
				s.Steps = []input.CheckStep{{Name: input.CheckStepBucket, Status: input.CheckWarning, Problems: []input.CheckProblem{
					{Field: "source_path", Problem: `no object of the bucket "docs" is visible`, Remedy: "allow SELECT in a policy on storage.objects"},
				}}}
			}
			r.Scopes = append(r.Scopes, s)
		}
	}
	return r
}

// printed is what is printed of a report; folds is what a terminal does.
func printed(r *input.CheckReport, folds bool) string {
	var out strings.Builder
	p := newPrinter(&out, false)
	p.folds = folds
	p.report(r, 10_000)
	return out.String()
}

func TestBucketsWithProblemsComeFirstAndEachProblemIsToldOnce(t *testing.T) {
	golden(t, "organization.txt", printed(organization(30), true))
	golden(t, "organization_all.txt", printed(organization(5), false))
	for _, folds := range []bool{true, false} {
		text := printed(organization(30), folds)
		require.NotContains(t, text, "\x1b")
		require.Equal(t, 1, strings.Count(text, "is paused"))
		require.Less(t, strings.Index(text, "is paused"), strings.Index(text, "without a problem"))
	}
}

func TestHundredsOfBucketsWithoutAProblemAreFoldedAtATerminalAlone(t *testing.T) {
	r := organization(300)
	require.Less(t, strings.Count(printed(r, true), "\n"), 40)
	require.Greater(t, strings.Count(printed(r, false), "\n"), 400)
}

func TestACheckOfSeveralBucketsPrintsEachAndFailsIfOneWould(t *testing.T) {
	wd, err := os.Getwd()
	require.NoError(t, err)
	several := strings.Replace(config, "user-uploads/photos/", `"{user-uploads,missing}/photos/"`, 1)
	got, err := check(t, several, Options{Limit: 100})
	require.EqualError(t, err, "a run would not deliver everything (uploads (input): 1 bucket can't be read to the end)")
	t.Chdir(wd)
	golden(t, "several.txt", got)

	got, err = check(t, several, Options{Limit: 100, Options: configfile.Options{JSON: true}})
	require.Error(t, err)
	var doc struct {
		OK     bool
		Inputs []struct {
			Scopes []struct{ Bucket, Status, Role, Plane string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(got), &doc))
	require.False(t, doc.OK)
	require.Len(t, doc.Inputs[0].Scopes, 2)
	require.Equal(t, "failed", doc.Inputs[0].Scopes[0].Status)
	require.Equal(t, "service_role", doc.Inputs[0].Scopes[1].Role)

	got, err = check(t, several, Options{Limit: 100, Bucket: "user-uploads"})
	require.NoError(t, err, "the one that was asked for can be read")
	one, err := check(t, config, Options{Limit: 100})
	require.NoError(t, err)
	require.Equal(t, one, got)
}

func TestTheVerdictCountsWhatEachBucketHas(t *testing.T) {
	step := func(name string, status input.CheckStatus) []input.CheckStep {
		return []input.CheckStep{{Name: name, Status: status}}
	}
	r := &input.CheckReport{OK: true, Steps: step(input.CheckStepBuckets, input.CheckOK), Scopes: []input.CheckScope{
		{Bucket: "a", Steps: step(input.CheckStepDownload, input.CheckOK)},
		{Bucket: "b", Steps: step(input.CheckStepDownload, input.CheckOK)},
		{Bucket: "c", Steps: step(input.CheckStepBucket, input.CheckOK)},
	}}
	verdict := func() string {
		var out strings.Builder
		newPrinter(&out, false).verdict(document{OK: true, Inputs: []result{{CheckReport: r}}})
		return out.String()
	}
	require.Equal(t, "\nA run should work: no step failed, and 2 objects were read.\n", verdict())
	r.Scopes[2].Steps[0].Status = input.CheckWarning
	require.Equal(t, "\nA run should work: no step failed, and 2 objects were read. Look at the warnings.\n", verdict())
}

func TestOtherStepsThatFailAreNamed(t *testing.T) {
	r := input.FailedCheck(errors.New("x"), nil)
	require.Empty(t, onlyBuckets(r))
}
