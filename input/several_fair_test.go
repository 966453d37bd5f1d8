package input

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// hugeObjects are more than a page of a listing.
const hugeObjects = 1_500

// fairly reads so many huge buckets and ten tiny ones. It fails unless, within the given
// time, everything of the tiny ones has arrived and something of each huge one.
func fairly(t *testing.T, huge int, within time.Duration, fields string, hinder func(r *rig)) {
	t.Helper()
	r := newRig(t, "source_path: \"*/\"\n"+fields)
	for b := range huge {
		name := fmt.Sprintf("huge-%02d", b)
		r.server.CreateBucket(name)
		for i := range hugeObjects {
			r.server.Put(name, fmt.Sprintf("%06d", i), []byte("x"))
		}
	}
	for b := range 10 {
		r.bucketsOf(5, fmt.Sprintf("tiny-%d", b))
	}
	var mu sync.Mutex
	counts, tiny := map[string]int{}, 0
	began := time.Now()
	var tinyAfter time.Duration
	hinder(r)
	slow := r.onBatch
	r.onBatch = func(batch service.MessageBatch) {
		mu.Lock()
		bucket := meta(batch[0], emit.MetaBucket)
		counts[bucket]++
		if strings.HasPrefix(bucket, "tiny") {
			if tiny++; tiny == 50 {
				tinyAfter = time.Since(began)
			}
		}
		mu.Unlock()
		if slow != nil {
			slow(batch)
		}
	}
	stop := r.live()
	time.Sleep(within)
	mu.Lock()
	defer stop()
	defer mu.Unlock()
	total := 0
	for _, n := range counts {
		total += n
	}
	t.Logf("%d objects in %s, the last tiny one after %s", total, within, tinyAfter)
	require.Equal(t, 50, tiny, "all of the tiny buckets")
	require.Len(t, counts, huge+10, "each of the huge ones goes on")
}

// slowOutput has an output take so many messages at a time, each for so long.
func slowOutput(atATime int, each time.Duration) func(r *rig) {
	return func(r *rig) {
		places := make(chan struct{}, atATime)
		r.onBatch = func(service.MessageBatch) { places <- struct{}{} }
		r.ack = func(service.MessageBatch) error {
			time.Sleep(each)
			<-places
			return nil
		}
	}
}

func TestManyHugeBucketsLeaveRoomForTinyOnes(t *testing.T) {
	for name, one := range map[string]struct {
		within time.Duration
		fields string
		hinder func(r *rig)
	}{
		"slow downloads": {within: time.Minute, hinder: func(r *rig) {
			r.server.SetFaults(func(q emulator.Request) emulator.Fault {
				if q.Op == emulator.OpGet {
					return emulator.Fault{Delay: 2 * time.Second}
				}
				return emulator.Fault{Delay: 50 * time.Millisecond}
			})
		}},
		"an output that acks late":      {within: time.Minute, hinder: slowOutput(16, time.Second)},
		"an output that takes one":      {within: time.Minute, hinder: slowOutput(1, 100*time.Millisecond)},
		"references, and a late output": {within: time.Minute, fields: "emit: reference\n", hinder: slowOutput(16, time.Second)},
		"with a state":                  {within: time.Minute, fields: minutely + "state: {cache: shared}\n", hinder: slowOutput(16, time.Second)},
		"pages that time out for a minute": {within: 3 * time.Minute, hinder: func(r *rig) {
			began := time.Now()
			r.server.SetFaults(func(q emulator.Request) emulator.Fault {
				switch {
				case q.Op == emulator.OpGet:
					return emulator.Fault{Delay: 10 * time.Second}
				case strings.HasPrefix(q.Bucket, "huge") && time.Since(began) < time.Minute:
					return emulator.Fault{Delay: 20 * time.Second, Status: 544}
				}
				return emulator.Fault{}
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { fairly(t, 20, one.within, one.fields, one.hinder) })
		})
	}
}

func TestManyHugeProjectsLeaveRoomForTinyOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 0, "projects: {organization: acme, max_active: 4}\n")
		tiny := map[string]bool{}
		for i := range 12 {
			s := r.org.AddProject(emulator.Options{})
			s.CreateBucket("docs")
			n := 5
			if tiny[s.Settings().ProjectRef] = i >= 8; i < 8 {
				n = hugeObjects
			}
			for i := range n {
				s.Put("docs", fmt.Sprintf("%06d", i), []byte("x"))
			}
			s.SetFaults(func(q emulator.Request) emulator.Fault {
				if q.Op == emulator.OpGet {
					return emulator.Fault{Delay: 5 * time.Second}
				}
				return emulator.Fault{Delay: 100 * time.Millisecond}
			})
		}
		stop := r.live()
		time.Sleep(30 * time.Second)
		stop()
		arrived := r.arrived()
		require.Len(t, arrived, 12, "each goes on")
		for ref, n := range arrived {
			if tiny[ref] {
				require.Equal(t, 5, n)
			} else {
				require.Less(t, n, hugeObjects)
			}
		}
	})
}
