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
		for range 6 {
			p.stepped()
		}
		p.listed.Store(12_000)
		time.Sleep(12 * time.Second)
		require.Equal(t, "0:12  checking uploads (input): patterns, 12,000 listed", p.text(time.Now()))
		for range 3 {
			p.stepped()
		}
		p.begins("other (input)")
		require.Equal(t, "0:00  checking other (input): config", p.text(time.Now()))
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
