package emulator

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestCountingKeysIsBounded(t *testing.T) {
	var j journal
	for i := range maxCountedKeys + 10 {
		j.record(&Request{Op: OpGet, Bucket: "b", Key: strconv.Itoa(i)})
	}
	require.Len(t, j.keys, maxCountedKeys)
	old, young := Request{Op: OpGet, Bucket: "b", Key: "0"}, Request{Op: OpGet, Bucket: "b", Key: "new"}
	j.record(&old)
	j.record(&young)
	require.Equal(t, 2, old.KeyN)
	require.Zero(t, young.KeyN)
	require.Empty(t, j.ring)
}

func TestOperationsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for o := range numOps {
		require.NotEmpty(t, o.String())
		require.False(t, seen[o.String()], o.String())
		seen[o.String()] = true
	}
	require.Equal(t, "Invalid", numOps.String())
	require.Equal(t, "RESTInfo", OpRESTInfo.String())
}

func TestLogNumbersRequests(t *testing.T) {
	s := New(Options{LogLimit: 3})
	s.Put("b", "k", []byte("0123456789"))
	c := newClient(t, s)
	for range 2 {
		c.do(http.MethodGet, "b", "k", "", http.Header{"Range": {"bytes=4-"}}, nil)
	}
	c.get("b", "other")
	c.do(http.MethodGet, "b", "", "list-type=2", nil, nil)
	c.do(http.MethodGet, "b", "", "list-type=2&start-after=x", nil, nil)
	log := s.Log()
	require.Len(t, log, 3)
	require.Equal(t, []Op{OpGet, OpList, OpList}, []Op{log[0].Op, log[1].Op, log[2].Op})
	require.Equal(t, []int{3, 1, 2}, []int{log[0].N, log[1].N, log[2].N})
	require.Equal(t, []int{1, 1, 1}, []int{log[0].KeyN, log[1].KeyN, log[2].KeyN})
	require.Equal(t, "x", log[2].Query.Get("start-after"))
	require.Equal(t, 3, s.Count(OpGet))

	s.ResetLog()
	require.Empty(t, s.Log())
	require.Zero(t, s.Count(OpGet))
	c.do(http.MethodGet, "b", "k", "", http.Header{"Range": {"bytes=4-"}}, nil)
	require.EqualValues(t, 4, s.Log()[0].Offset)
	require.Equal(t, 1, s.Log()[0].KeyN)
	require.Equal(t, "k", s.Log()[0].Key)
}

func TestMaxInFlightCountsBodiesOnTheirWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		s.Put("b", "k", []byte("content"))
		s.SetFaults(func(Request) Fault { return Fault{BytesPerSecond: 7} })
		c := newClient(t, s)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { c.get("b", "k") })
		}
		wg.Wait()
		require.Equal(t, 5, s.MaxInFlight(OpGet))
		c.get("b", "k")
		require.Equal(t, 5, s.MaxInFlight(OpGet))
	})
}

func TestMalformedListV2BodiesAreRefused(t *testing.T) {
	s := New(Options{})
	c := newClient(t, s)
	for body, message := range map[string]string{
		`{"limit":0}`:                  "body/limit must be >= 1",
		`[]`:                           "body must be object",
		`{"sortBy":{"column":"size"}}`: "body/sortBy/column must be equal to one of the allowed values",
		`{"sortBy":{"column":"name","order":"down"}}`: "body/sortBy/order must be equal to one of the allowed values",
		`{"cursor":"Yzpuby1zdWNoLWNvbHVtbg=="}`:       "Invalid Parameter continuation token",
		`{"cursor":"Yzp1cGRhdGVkX2F0CmE6bm93"}`:       "Invalid Parameter continuation token",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			"http://emulator.invalid/storage/v1/object/list-v2/b", strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+s.Settings().ServiceRoleKey)
		got := c.send(r)
		require.Equal(t, http.StatusBadRequest, got.status, body)
		require.Contains(t, got.body, message)
	}
}
