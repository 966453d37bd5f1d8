package pass

import (
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
)

// named is a key that targets name.
type named struct {
	key string
	// waiting are the targets that the next attempt answers, and says what they say.
	waiting []mention
	says    says
	// attempt is the one under way, nil where none is; answered are the targets that it
	// answers, and handed says that all of it is on its way to the output.
	attempt  *claim
	answered []mention
	handed   bool
	failures int // failed attempts in a row
	// due is when it is looked at again, and index its place among those that wait for
	// that; -1 where it does not.
	due   time.Time
	index int
}

// open reports whether there is more to do than to wait for an ack.
func (n *named) open() bool { return !n.handed || len(n.waiting) > 0 }

// mention is one target, and who wants to know how it ends.
type mention struct {
	since time.Time
	done  func(error)
}

// says is what targets say that happened to their object.
type says struct{ created, updated, deleted bool }

func (s *says) add(event string) {
	s.created = s.created || event == target.Created
	s.updated = s.updated || event == target.Updated
	s.deleted = s.deleted || event == target.Deleted
}

func (s says) and(o says) says {
	return says{s.created || o.created, s.updated || o.updated, s.deleted || o.deleted}
}

// event is that of an object that is there: updated only where nothing else was said
// of it.
func (s says) event() string {
	if s.updated && !s.created && !s.deleted {
		return target.Updated
	}
	return target.Created
}

// laterHeap orders keys by when they are due, for container/heap.
type laterHeap []*named

func (h laterHeap) Len() int           { return len(h) }
func (h laterHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h laterHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *laterHeap) Push(x any) {
	n := x.(*named) //nolint:forcetypeassert // nothing else is in it
	n.index = len(*h)
	*h = append(*h, n)
}

// Pop implements heap.Interface.
func (h *laterHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	last.index = -1
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
