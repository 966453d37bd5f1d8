package management

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
)

// quota is an API that grants limit requests in each minute, and takes some time for
// each answer. A zero limit names none.
type quota struct {
	limit int
	takes time.Duration
	// odd changes an answer.
	odd func(status int, h http.Header) int

	mu             sync.Mutex
	window         time.Time
	count, total   int
	underWay, most int
	refused        int
}

func (q *quota) RoundTrip(r *http.Request) (*http.Response, error) {
	q.mu.Lock()
	q.underWay++
	q.most = max(q.most, q.underWay)
	now := time.Now()
	if now.Sub(q.window) >= time.Minute {
		q.window, q.count = now, 0
	}
	q.count++
	q.total++
	status, h := http.StatusOK, http.Header{"Content-Type": {"application/json"}}
	if q.limit > 0 {
		left := q.limit - q.count
		h.Set("X-RateLimit-Limit", strconv.Itoa(q.limit))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(max(left, 0)))
		h.Set("X-RateLimit-Reset", strconv.Itoa(int((q.window.Add(time.Minute).Sub(now)+time.Second-1)/time.Second)))
		if left < 0 {
			status = http.StatusTooManyRequests
			q.refused++
		}
	}
	if q.odd != nil {
		status = q.odd(status, h)
	}
	q.mu.Unlock()
	select {
	case <-time.After(q.takes):
	case <-r.Context().Done():
	}
	q.mu.Lock()
	q.underWay--
	q.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(`[]`)), Request: r}, nil
}

// askAll makes n requests at once, and returns how many failed.
func askAll(ctx context.Context, c *Client, n int) (failed int) {
	var mu sync.Mutex
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			if _, err := c.Projects(ctx, "sbp_x"); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed++
			}
		})
	}
	group.Wait()
	return failed
}

func client(rt http.RoundTripper) *Client {
	return New(api.Options{Base: "https://api.example.com", Transport: rt, Timeout: 20 * time.Second})
}

func TestRequestsKeepWithinTheQuotaOfTheAPI(t *testing.T) {
	for _, limit := range []int{1, 3, 10, 120} {
		synctest.Test(t, func(t *testing.T) {
			q := &quota{limit: limit, takes: 150 * time.Millisecond}
			began := time.Now()
			n := 3*limit - 1
			require.Zero(t, askAll(t.Context(), client(q), n), "limit %d", limit)
			require.Zero(t, q.refused, "limit %d: no request is made that the quota has no room for", limit)
			require.Equal(t, n, q.total)
			require.LessOrEqual(t, q.most, atOnce)
			least := time.Duration((n-1)/limit) * time.Minute
			require.GreaterOrEqual(t, time.Since(began), least)
			require.Less(t, time.Since(began), least+10*time.Second+time.Duration(n)*q.takes, "limit %d", limit)
		})
	}
}

func TestWithoutAQuotaFewRequestsAreUnderWayAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &quota{takes: time.Second}
		began := time.Now()
		require.Zero(t, askAll(t.Context(), client(q), 40))
		require.Equal(t, atOnce, q.most)
		require.Equal(t, (1+40/atOnce)*time.Second, time.Since(began), "the first one finds out whether there is a quota")
	})
}

func TestARefusalForTooManyRequestsHoldsAllOfThem(t *testing.T) {
	for name, header := range map[string]http.Header{
		"Retry-After":  {"Retry-After": {"90"}},
		"quota":        {"X-Ratelimit-Reset": {"90"}},
		"Unix time":    {"X-Ratelimit-Reset": {"+90s"}},
		"milliseconds": {"X-Ratelimit-Reset": {"+90000ms"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				q := &quota{takes: 10 * time.Millisecond}
				q.odd = func(status int, h http.Header) int {
					if q.total != 1 {
						return status
					}
					for name, values := range header {
						h[name] = values
						switch values[0] {
						case "+90s":
							h.Set(name, strconv.FormatInt(began.Add(90*time.Second).Unix(), 10))
						case "+90000ms":
							h.Set(name, strconv.FormatInt(began.Add(90*time.Second).UnixMilli(), 10))
						}
					}
					return http.StatusTooManyRequests
				}
				c := client(q)
				_, err := c.Projects(t.Context(), "sbp_x")
				require.ErrorIs(t, err, object.ErrThrottled)
				require.Zero(t, askAll(t.Context(), c, 8))
				require.GreaterOrEqual(t, time.Since(began), 90*time.Second)
				require.Less(t, time.Since(began), 92*time.Second)
			})
		})
	}
}

func TestARefusalThatDoesNotSayHowLongHoldsLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &quota{odd: func(int, http.Header) int { return http.StatusTooManyRequests }}
		c := client(q)
		began := time.Now()
		require.Equal(t, 12, askAll(t.Context(), c, 12))
		require.Greater(t, time.Since(began), 5*time.Second)
		require.Less(t, time.Since(began), 12*30*time.Second)
	})
}

func TestOddQuotasHoldNothingUpForLong(t *testing.T) {
	for name, set := range map[string]map[string]string{
		"no numbers":        {"X-RateLimit-Remaining": "many", "X-RateLimit-Reset": "soon"},
		"negative":          {"X-RateLimit-Remaining": "-5", "X-RateLimit-Reset": "-1"},
		"used up":           {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "0"},
		"without a reset":   {"X-RateLimit-Remaining": "0"},
		"in the past":       {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "900000000"},
		"far in the future": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9000000000000000000"},
		"a huge pause":      {"X-RateLimit-Remaining": "9", "Retry-After": "99999999999"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &quota{odd: func(status int, h http.Header) int {
					for name, value := range set {
						h.Set(name, value)
					}
					return status
				}}
				began := time.Now()
				require.Zero(t, askAll(t.Context(), client(q), 6))
				require.LessOrEqual(t, time.Since(began), 5*longestHold)
			})
		})
	}
}

func TestAProjectThatFailsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &quota{limit: 120, odd: func(status int, h http.Header) int {
			h.Set("X-RateLimit-Reset", "60")
			return http.StatusInternalServerError
		}}
		began := time.Now()
		require.Equal(t, 40, askAll(t.Context(), client(q), 40))
		require.Zero(t, time.Since(began))
	})
}

func TestWhoWaitsForTheQuotaStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &quota{limit: 2}
		c := client(q)
		require.Zero(t, askAll(t.Context(), c, 2))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.Equal(t, 20, askAll(ctx, c, 20))
		require.Equal(t, time.Second, time.Since(began))
		require.Equal(t, 2, q.total)
		require.Zero(t, askAll(t.Context(), c, 2), "their places are free again")
	})
}
