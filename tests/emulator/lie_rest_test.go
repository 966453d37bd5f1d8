package emulator

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The requests of REST that correspond to those of lieCases.
const (
	firstRESTPage  = `{"prefix":"a/","limit":2}`
	secondRESTPage = `{"prefix":"a/","limit":2,"cursor":"bDphL2s="}` // l:a/k
)

// askREST asks over REST what q asks over S3.
func (c *client) askREST(q question) answered {
	c.t.Helper()
	method, path, body := q.method, "authenticated/lies/"+q.key, ""
	switch {
	case q == firstPage:
		method, path, body = http.MethodPost, "list-v2/lies", firstRESTPage
	case q == secondPage:
		method, path, body = http.MethodPost, "list-v2/lies", secondRESTPage
	case q == deletion:
		path, body = "lies", `{"prefixes":["a/k"]}`
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.s.URL()+c.s.prefix+"/object/"+path, strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("Apikey", c.s.Settings().SecretKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.span != "" {
		r.Header.Set("Range", q.span)
	}
	return c.send(r)
}

// restForm are the checks of the lies whose answers look different over REST.
func restForm() map[Lie]func(t *testing.T, truth, got answered) {
	listsSizeOnce := func(size string) func(*testing.T, answered, answered) {
		return func(t *testing.T, truth, got answered) {
			require.Equal(t, 1, strings.Count(got.body, `"size":`+size+`,`))
			require.Equal(t, strings.Count(truth.body, `"size":`), strings.Count(got.body, `"size":`))
		}
	}
	return map[Lie]func(t *testing.T, truth, got answered){
		LieNoSuchKey:       isStatus(400, restNoKey),
		LieGone:            isStatus(400, ""),
		LieSignature:       isStatus(400, restNoToken),
		LieDeleteGone:      isStatus(400, restNoKey),
		LieTooMany:         isStatus(429, `"code":"SlowDown"`),
		LieBusy:            isStatus(503, `"code":"LockTimeout"`),
		LieDatabaseTimeout: isStatus(544, `"code":"DatabaseTimeout"`),
		LieListOtherPrefix: func(t *testing.T, _, got answered) {
			require.Contains(t, got.body, `"name":"b/other"`)
			require.NotContains(t, got.body, `"name":"a/`)
		},
		LieListSamePage: func(t *testing.T, truth, got answered) {
			require.NotContains(t, truth.body, `"name":"a/k"`)
			require.Contains(t, got.body, `"name":"a/k"`)
		},
		LieListNegativeSize: listsSizeOnce("-1"),
		LieListHuge:         listsSizeOnce("10995116277760"),
	}
}

func TestEachLieIsToldOverRESTToo(t *testing.T) {
	form := restForm()
	for _, c := range lieCases() {
		if c.lie == LieListTruncatedAs1 {
			continue // JSON has one way to write true
		}
		t.Run(c.lie.String(), func(t *testing.T) {
			bothWays(t, func(t *testing.T, s *Server, asker *client) {
				lieServer(s)
				check := c.check
				if f := form[c.lie]; f != nil {
					check = f
				}
				var truth answered
				if c.asks != deletion {
					truth = asker.askREST(c.asks)
					require.NoError(t, truth.err)
					require.Less(t, truth.status, 300, truth.body)
				}
				liar := NewLiar(1, 1, c.lie)
				liar.Trickle = time.Millisecond
				s.SetFaults(liar.Fault)
				check(t, truth, asker.askREST(c.asks))
				require.Equal(t, map[Lie]int{c.lie: 1}, liar.Told())
				_, body, there := s.Get("lies", "a/k")
				require.True(t, there, "no lie deletes")
				require.Equal(t, lieBody, string(body))
				s.SetFaults(nil)
				if c.asks != deletion {
					require.Equal(t, truth.body, asker.askREST(c.asks).body, "the truth is as it was")
				}
			})
		})
	}
}

// TestALiarTellsPagesOfRESTApart sees to it that the pages of a listing, which have
// the same path, are lied about one by one.
func TestALiarTellsPagesOfRESTApart(t *testing.T) {
	s := New(Options{})
	lieServer(s)
	liar := NewLiar(1, 1, LieTooMany)
	liar.AtMost = 1
	s.SetFaults(liar.Fault)
	c := newClient(t, s)
	var got []int
	for range 2 {
		for _, page := range []question{firstPage, secondPage} {
			got = append(got, c.askREST(page).status)
		}
	}
	require.Equal(t, []int{429, 429, 200, 200}, got)
	log := s.Log()
	require.True(t, slices.ContainsFunc(log, func(r Request) bool { return r.KeyN == 2 && string(r.Body) == secondRESTPage }))
}
