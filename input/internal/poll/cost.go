package poll

import (
	"sync/atomic"
	"time"
)

// cost is what the pages of a pass took, summed up: they are queries of the
// project's database, whether side by side or one after the other.
type cost struct {
	pages int64
	took  time.Duration
}

// meter sums up a cost. It is safe for concurrent use.
type meter struct{ pages, took atomic.Int64 }

func (m *meter) add(took time.Duration) {
	m.pages.Add(1)
	m.took.Add(int64(took))
}

// sum is the cost so far.
func (m *meter) sum() cost { return cost{m.pages.Load(), time.Duration(m.took.Load())} }

// reset returns the cost so far, and starts again from zero.
func (m *meter) reset() cost { return cost{m.pages.Swap(0), time.Duration(m.took.Swap(0))} }
