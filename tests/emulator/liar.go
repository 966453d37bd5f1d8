package emulator

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// liesInARow is the default of [Liar.AtMost]: fewer than the attempts that a client
// makes before it parks an object.
const liesInARow = 3

// Liar draws lies for the requests of a server:
//
//	liar := emulator.NewLiar(seed, 0.15)
//	server.SetFaults(liar.Fault)
//
// Whether a request is lied to, and how, follows from the seed, its Op, bucket,
// key or page, its Range and the number of the attempt, not from the order in
// which requests arrive.
type Liar struct {
	// AtMost bounds the lies in a row about one key, or one page of a listing, in
	// one operation; a negative number is no bound. Default: 3.
	AtMost int
	// Trickle is the pause between two bytes of [LieTrickle]; 0 is
	// [DefaultTrickle].
	Trickle time.Duration

	seed  uint64
	share float64
	kinds []Lie

	mu sync.Mutex
	// inARow counts the lies since the last honest answer.
	inARow map[opKey]int
	// gone are the keys whose last GET was told that they do not exist: HEAD says
	// the same.
	gone map[opKey]bool
	told map[Lie]int
}

// NewLiar lies to a share of the requests, between 0 and 1, in one of the kinds
// that fit the request. Without kinds it uses all kinds that an ETag or a size
// gives away (see [Lie.Hidden]). Set its fields before its first use.
func NewLiar(seed uint64, share float64, kinds ...Lie) *Liar {
	if len(kinds) == 0 {
		kinds = slices.DeleteFunc(Lies(), Lie.Hidden)
	}
	return &Liar{
		AtMost: liesInARow, seed: seed, share: share, kinds: kinds,
		inARow: map[opKey]int{}, gone: map[opKey]bool{}, told: map[Lie]int{},
	}
}

// Fault is for [Server.SetFaults].
func (l *Liar) Fault(r Request) Fault {
	lie := l.choose(r)
	if lie == LieNone {
		return Fault{}
	}
	return Fault{Lie: lie, Trickle: l.Trickle, onLie: l.count}
}

// Told returns how many lies of each kind were told: lies that did not fit the
// answer, such as a cut of an empty body, are not among them.
func (l *Liar) Told() map[Lie]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.told)
}

func (l *Liar) count(lie Lie) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told[lie]++
}

func (l *Liar) choose(r Request) Lie {
	chance := rand.New(rand.NewPCG(l.seed, identity(r)))
	wanted := chance.Float64() < l.share
	about := opKey{r.Op, r.Bucket, r.Key}
	if r.Key == "" {
		about.key = r.page()
	}
	object := opKey{OpGet, r.Bucket, r.Key}
	l.mu.Lock()
	defer l.mu.Unlock()
	lie := LieNone
	switch fitting := l.fitting(r); {
	case l.AtMost >= 0 && l.inARow[about] >= l.AtMost:
	case slices.Contains(toHeads, r.Op) && l.gone[object]:
		lie = LieGone
	case wanted && len(fitting) > 0:
		lie = fitting[chance.IntN(len(fitting))]
	}
	switch {
	case slices.Contains(toGets, r.Op) && lie == LieGone:
		l.gone[object] = true
	case slices.Contains(toGets, r.Op):
		delete(l.gone, object)
	}
	if lie == LieNone {
		delete(l.inARow, about)
	} else {
		l.inARow[about]++
	}
	return lie
}

// fitting are the kinds of lies that fit a request.
func (l *Liar) fitting(r Request) []Lie {
	var out []Lie
	ranged := r.Header.Get("Range") != ""
	for _, lie := range l.kinds {
		if k := &lieKinds[lie]; slices.Contains(k.ops, r.Op) && (ranged || !k.ranged) {
			out = append(out, lie)
		}
	}
	return out
}
