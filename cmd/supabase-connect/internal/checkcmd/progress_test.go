package checkcmd

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input"
)

func TestProgressNamesTheStepAndWhatWasListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProgress()
		require.Equal(t, "0:00  checking: config", p.text(time.Now()))
		time.Sleep(time.Minute)
		p.begins("uploads (input)")
		for _, name := range steps[:6] {
			p.stepped(name)
		}
		p.listed.Store(12_000)
		time.Sleep(12 * time.Second)
		require.Equal(t, "0:12  checking uploads (input): patterns, 12,000 listed", p.text(time.Now()))
		for _, name := range steps[6:] {
			p.stepped(name)
		}
		p.begins("other (input)")
		require.Equal(t, "0:00  checking other (input): config", p.text(time.Now()))
		p.stepped(input.CheckStepConfig)
		p.stepped(input.CheckStepProjects)
		p.stepped(input.CheckStepState)
		require.Equal(t, "0:00  checking other (input): host", p.text(time.Now()), "of the projects: no bucket is known yet")
		p.scope(12, 600)
		p.listed.Store(34_000)
		require.Equal(t, "0:00  checking other (input): 12 of 600 buckets, 34,000 listed", p.text(time.Now()))
	})
}

func TestProgressKnowsTheStepsOfACheckInTheirOrder(t *testing.T) {
	var names []string
	for _, s := range input.FailedCheck(errors.New("x"), func(input.CheckStep) {}).Steps {
		names = append(names, s.Name)
	}
	require.Equal(t, names, steps)
}

func TestNobodyNeedsToLookAtAProgress(*testing.T) {
	var none *progress
	none.begins("x")
}
