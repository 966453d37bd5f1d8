package pass

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const (
	// missingKept bounds the missing keys that one pass deals with; more are
	// dealt with by the passes after it.
	missingKept = 100_000
	// confirmedNow is up to how many missing keys are confirmed by a request
	// each, confirmersAtOnce at a time. More are confirmed by the next pass, which
	// costs nothing.
	confirmedNow     = 200
	confirmersAtOnce = 16
	// handful is up to how many missing keys the ratio does not count: of two
	// objects, one is half.
	handful = 5
	// ratioOfAll and ratioOfVisible are the ratios where none is set: for an
	// identity that sees all, and for one that may have lost sight of a part.
	ratioOfAll     = 0.5
	ratioOfVisible = 0.1
)

// Deletes says what to do about keys that were delivered and are no longer
// listed.
type Deletes struct {
	// Deliver hands the deletion of a key on. Where it is nil, the ledger forgets
	// keys that two passes did not find.
	Deliver func(ctx context.Context, key string, ack Ack) error
	// Listed asks the listing for one key, once, to confirm that it is gone, where
	// the identity sees all.
	Listed func(ctx context.Context, key string) (object.Object, bool, error)
	// MaxRatio is the largest part of the tracked keys that one pass may find
	// missing, if they are more than a handful. More is rather a role, a policy or
	// a token that changed, after which Supabase shows a part of the bucket, or
	// nothing, and no error. 1 is no limit; 0 is a half where the identity sees all,
	// else a tenth.
	//
	// Unless the identity sees all or MaxRatio is 1, it never counts as deleted that
	// everything is missing, not even a single key; and a listing of another identity
	// than those before it says nothing of what is gone, until one shows all that
	// they showed.
	MaxRatio float64
}

// Held says why none of the missing keys counts as deleted.
type Held struct {
	Missing, Tracked int64
	// Identity is the name of the identity that listed.
	Identity string
	// MaxRatio is the limit, 0 where it is not the reason.
	MaxRatio float64
	// Before is the identity of the listings before this one, where another identity
	// is the reason.
	Before string
}

// missing gathers the tracked keys that a pass did not find.
type missing struct {
	maxRatio float64
	seesAll  bool
	tracked  int64
	total    int64
	keys     []missingKey
}

func newMissing(maxRatio float64, seesAll bool) missing {
	switch {
	case maxRatio > 0:
	case seesAll:
		maxRatio = ratioOfAll
	default:
		maxRatio = ratioOfVisible
	}
	return missing{maxRatio: maxRatio, seesAll: seesAll}
}

// unlimited says that whatever is missing counts as gone.
func (m *missing) unlimited() bool { return m.maxRatio >= 1 }

type missingKey struct {
	work *ledger.Work
	ledger.Tracked
	// gone and back are what a listing of the key alone said, where there was one.
	gone, back bool
}

func (m *missing) add(work *ledger.Work) {
	for _, key := range work.Vanished {
		m.total++
		if m.tooMany() || len(m.keys) >= missingKept {
			work.Release(key.Key)
			continue
		}
		m.keys = append(m.keys, missingKey{work: work, Tracked: key})
	}
}

// tooMany is said of all missing keys at the end, and of those so far on the
// way: once it is true, it stays so.
func (m *missing) tooMany() bool {
	switch {
	case m.unlimited():
		return false
	case m.total > handful && float64(m.total) > m.maxRatio*float64(m.tracked):
		return true
	default:
		return !m.seesAll && m.total > 0 && m.total >= m.tracked
	}
}

// held returns why nothing counts as deleted, nil where there is no reason.
func (p *Pass) held() *Held {
	m, now, before := &p.missing, p.task.Identity.Name, p.scope.Ledger.Identity()
	h := &Held{Missing: m.total, Tracked: m.tracked, Identity: now}
	switch {
	case m.total == 0 || m.unlimited():
		return nil
	case !m.seesAll && before != "" && before != now:
		h.Before = before
	case m.tooMany():
		h.MaxRatio = m.maxRatio
	default:
		return nil
	}
	return h
}

// release gives all back: nothing is concluded from a listing that is not
// complete.
func (m *missing) release() {
	for _, k := range m.keys {
		k.work.Release(k.Key)
	}
	m.keys = nil
}

// settleMissing decides, after a complete listing, which keys are gone: those
// that two passes in a row did not show, or that a listing of the key alone does
// not show either.
func (p *Pass) settleMissing(ctx context.Context) error {
	m, deliver := &p.missing, p.scope.Deletes.Deliver
	if held := p.held(); held != nil {
		m.release()
		p.tally.count(func(r *Report) { r.Held = held })
		return nil
	}
	if now := p.task.Identity.Name; now != "" {
		if err := p.scope.Ledger.SetIdentity(ctx, now); err != nil {
			return err
		}
	}
	if deliver != nil && m.seesAll && m.total <= confirmedNow {
		p.confirm(ctx)
	}
	for _, k := range m.keys {
		switch {
		case k.back:
			k.work.Release(k.Key) // it came back after its stretch was listed
		case !k.AbsentBefore && !k.gone:
			k.work.Absent(k.Key)
		case deliver == nil:
			k.work.Forget(k.Key)
		default:
			if err := p.deliverDeletion(ctx, k); err != nil {
				m.release()
				return err
			}
		}
	}
	return nil
}

// confirm asks the listing for each missing key. Where that fails, the next pass
// tells.
func (p *Pass) confirm(ctx context.Context) {
	var group errgroup.Group
	group.SetLimit(confirmersAtOnce)
	for i := range p.missing.keys {
		group.Go(func() error {
			k := &p.missing.keys[i]
			_, listed, err := p.scope.Deletes.Listed(ctx, k.Key)
			k.gone, k.back = err == nil && !listed, err == nil && listed
			return nil
		})
	}
	_ = group.Wait()
}

func (p *Pass) deliverDeletion(ctx context.Context, k missingKey) error {
	return p.scope.Deletes.Deliver(ctx, k.Key, func(_ context.Context, refused error) error {
		if refused == nil {
			k.work.Forget(k.Key)
		} else {
			k.work.Release(k.Key) // a later pass finds it missing again
		}
		return nil
	})
}
