package top

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheNumbersOfBucketsBecomeThoseOfTheirInput(t *testing.T) {
	in := organization(t).Inputs[0]
	require.EqualValues(t, 8*9_010, in.Delivered, "counts are added")
	require.InDelta(t, 8*5, in.PerSecond.Delivered, 1e-9)
	require.EqualValues(t, 8, in.Parked.Now)
	require.Equal(t, map[string]int64{"denied": 8}, in.Parked.ByReason)
	require.Equal(t, map[string]int64{"size": 8 * 498}, in.FilteredBy)
	require.Equal(t, noon.Add(12*time.Second), *in.Pass.Due, "the first that is due")
	require.Equal(t, noon.Add(-time.Hour), *in.Pass.LastComplete, "the oldest; a bucket without one says nothing")
}

func TestNumbersOfTwoBucketsAreCombinedByWhatTheyAre(t *testing.T) {
	for name, want := range map[string]float64{
		"listed": 7, "parked_objects": 7, "deletes_held": 7, "tracked": 7,
		"pass_due_unix": 3, "last_complete_pass_unix": 3,
		"oldest_undelivered_seconds": 4, "oldest_target_seconds": 4, "credentials_failing": 4, "passes_failed": 4, "pass_under_way": 4,
	} {
		require.InDelta(t, want, combine(name)(3, 4), 0, name)
		require.InDelta(t, want, combine(name)(4, 3), 0, name)
		require.InDelta(t, 4, combine(name)(0, 4), 0, name+" of a bucket without one")
	}
}

func TestBucketsWithMostLeftComeFirst(t *testing.T) {
	all := map[scope]numbers{}
	for i := range 30 {
		all[scope{bucket: fmt.Sprintf("b%02d", i)}] = numbers{"listed": 100, "delivered": float64(100 - i)}
	}
	all[scope{bucket: "overcounted"}] = numbers{"listed": 1, "delivered": 2}
	all[scope{bucket: "settled"}] = numbers{"listed": 10, "unchanged": 3, "filtered exclude": 2, "parked scanner": 1, "vanished": 2, "delivered": 2}
	all[scope{bucket: "with a state"}] = numbers{"parked_now": 7}
	most, left := mostLeft(all)
	require.EqualValues(t, 30, left, "b01 to b29, and the parked objects")
	require.Len(t, most, 20)
	require.Equal(t, Bucket{Bucket: "b29", Undelivered: 29, Delivered: 71}, most[0])
	require.Equal(t, Bucket{Bucket: "b10", Undelivered: 10, Delivered: 90}, most[19])
	most, left = mostLeft(nil)
	require.Empty(t, most)
	require.Zero(t, left)
}

func TestAnInputFailsThatReadsNoneOfItsBuckets(t *testing.T) {
	p := &pipeline{}
	p.set("/ready", http.StatusOK, ready("uploads@input", "@output"))
	s := series{"listed": 1, "scopes failing": 3, "scopes gone": 1, "pass_due_unix": unix(time.Minute)}
	r := seen(t, p, map[labels]series{uploads: s})
	require.Equal(t, Failing, r.Inputs[0].State)
	s["scopes active"] = 1
	r = seen(t, p, map[labels]series{uploads: s})
	require.Equal(t, Waiting, r.Inputs[0].State, "single buckets hold nothing else back")
}

func TestBucketsOfThePipelineCannotHarmATerminalOrAPage(t *testing.T) {
	r := organization(t)
	r.Inputs[0].Buckets[0] = Bucket{Project: "\x1b[2J", Bucket: "<b>\r\n\x1b]0;x\a", Undelivered: 1}
	text := strings.Join(draw(r, 100, 0, false), "")
	require.Contains(t, text, "<b>")
	for _, evil := range []string{"\x1b", "\a", "\r", "\n"} {
		require.NotContains(t, text, evil)
	}
	var page bytes.Buffer
	require.NoError(t, writePage(&page, r))
	require.NotContains(t, page.String(), "<b>\r")
}
