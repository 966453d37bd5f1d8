package main

import "slices"

// order notes, of many workers, in which order the messages of each key arrived. The
// book calls it; its methods that the drill calls lock the book.
type order struct {
	book *book
	keys map[string]*arrivals
	// arrived counts the messages, alive has the runs that go on.
	arrived int
	alive   map[int]bool
	// before are the runs that went on when partitions last moved between workers that run.
	before map[int]bool
	// overtaken counts old versions after new ones that such a move explains.
	overtaken int
	hazards   []*hazard
}

// arrivals are those of a key.
type arrivals struct {
	// newest is the rank of the newest version that arrived, and run the run of it.
	newest, run int
	count, told int
	byRun       map[int]int
}

// deletedRank is newer than all versions: a deleted key never comes back.
const deletedRank = int(^uint(0) >> 1)

// anyRun stands for all runs.
const anyRun = -1

// What a hazard may be.
const (
	aKill       = "a kill"
	aKillAtRest = "a kill at rest"
	aStop       = "a stop" // asked for with a signal
	aMove       = "a partition that moved"
)

// hazard is a moment after which the broker may hand out references again: a kill, or
// a partition that moves.
type hazard struct {
	what string
	run  int
	// places are what the broker did not know to be done with.
	places []place
	// delivered are the keys of the run's messages until then. A partition that moves
	// needs none: what its old owner has in hand, it delivers afterwards.
	delivered map[string]bool
	// repeatable is how many of the places may be repeated.
	repeatable int
}

func newOrder(b *book) *order {
	return &order{book: b, keys: map[string]*arrivals{}, alive: map[int]bool{}, before: map[int]bool{}}
}

// note notes a message of a key in the order of arrival. The book is locked.
func (o *order) note(key string, rank, run int) {
	a := o.keys[key]
	if a == nil {
		a = &arrivals{byRun: map[int]int{}}
		o.keys[key] = a
	}
	o.arrived++
	a.count++
	a.byRun[run]++
	if rank == deletedRank {
		a.told++
	}
	switch {
	case rank >= a.newest:
		a.newest, a.run = rank, run
	case run != a.run && o.before[run] && o.alive[run]:
		// The run got the reference before the partition moved, and can't know that.
		o.overtaken++
	default:
		o.book.wrong.add("run %d delivered an old version of %q after run %d had delivered a newer one", run, key, a.run)
	}
}

// began and ended note that a run goes on, or has ended with all that it sent.
func (o *order) began(run int) {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	o.alive[run] = true
}

func (o *order) ended(run int) {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	delete(o.alive, run)
}

// partitionsMove notes that the broker is about to move partitions between running workers.
func (o *order) partitionsMove() {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	for run := range o.alive {
		o.before[run] = true
	}
}

// hazard notes what may be repeated, and why.
func (o *order) hazard(what string, run int, places []place) {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	h := &hazard{what: what, run: run, places: places, delivered: map[string]bool{}}
	for key, a := range o.keys {
		if a.byRun[run] > 0 {
			h.delivered[key] = true
		}
	}
	o.hazards = append(o.hazards, h)
}

// count is how many messages arrived so far.
func (o *order) count() int {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	return o.arrived
}

// reached is how many of the places of a partition, in order, lie up to the last one whose
// key has arrived.
func (o *order) reached(log map[place]string, places []place) (n int) {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	for i, p := range places {
		if o.keys[log[p]] != nil {
			n = i + 1
		}
	}
	return n
}

// repeats compares the messages of each key with the references that name it. What a
// key has more must be explained by hazards. A kill repeats no more than what the run had
// delivered and the broker did not know, a move no more than what was in hand. The book
// is locked.
func (o *order) repeats(log map[place]string) (repeated, named int) {
	references, allowed := map[string]int{}, map[string]int{}
	for _, key := range log {
		references[key]++
	}
	for _, h := range o.hazards {
		for _, p := range h.places {
			if key := log[p]; h.run == anyRun || h.delivered[key] {
				h.repeatable++
				allowed[key]++
			}
		}
	}
	for key, a := range o.keys {
		more := a.count - references[key]
		if more > allowed[key] {
			o.book.wrong.add("%q has %d references and %d messages; kills explain %d of them", key, references[key], a.count, allowed[key])
		}
		repeated += max(0, more)
		named += references[key]
	}
	return repeated, named
}

// worst is the hazard that may repeat most.
func (o *order) worst(what string) (h *hazard, n int) {
	for _, other := range o.hazards {
		if other.what == what {
			n++
			if h == nil || other.repeatable > h.repeatable {
				h = other
			}
		}
	}
	return h, n
}

// untold are the keys that arrived, are gone, and of which no message said so. The book
// is locked.
func (o *order) untold() (keys []string) {
	for key, a := range o.keys {
		if o.book.visible[key] == nil && a.told == 0 {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
