package pass

import (
	"context"
	"errors"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

const (
	// missingKept bounds the missing keys that one pass deals with; more are
	// dealt with by the passes after it.
	missingKept = 100_000
	// confirmedNow is up to how many missing keys are confirmed by a request
	// each. More are confirmed by the next pass, which costs nothing.
	confirmedNow = 200
)

// Deletes says what to do about keys that were delivered and are no longer
// listed.
type Deletes struct {
	// Deliver hands the deletion of a key on. Nil tells nobody; the ledger then
	// forgets keys that two passes did not find.
	Deliver func(ctx context.Context, key string, ack Ack) error
	// Head confirms that a key is gone.
	Head func(ctx context.Context, key string) (bucket.Object, error)
	// MaxRatio is the largest part of the tracked keys that one pass may find
	// missing. More is rather a role, a policy or a token that changed, after
	// which Supabase shows a part of the bucket, or nothing, and no error.
	MaxRatio float64
}

// missing gathers the tracked keys that a pass did not find.
type missing struct {
	tracked int64
	total   int64
	keys    []missingKey
}

type missingKey struct {
	work *ledger.Work
	ledger.Tracked
}

func (m *missing) add(work *ledger.Work, d Deletes) {
	for _, key := range work.Vanished {
		m.total++
		if m.tooMany(d) || len(m.keys) >= missingKept {
			work.Release(key.Key)
			continue
		}
		m.keys = append(m.keys, missingKey{work, key})
	}
}

func (m *missing) tooMany(d Deletes) bool {
	return float64(m.total) > d.MaxRatio*float64(m.tracked)
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
// that two passes in a row did not find, or that a HEAD does not find either.
func (p *Pass) settleMissing(ctx context.Context) error {
	m, d := &p.missing, p.opts.Deletes
	if m.tooMany(d) {
		m.release()
		p.opts.Watcher.DeletesHeld(m.total, m.tracked)
		return nil
	}
	askNow := d.Deliver != nil && m.total <= confirmedNow
	for _, k := range m.keys {
		gone := k.AbsentBefore
		if !gone && askNow {
			_, err := d.Head(ctx, k.Key)
			gone = errors.Is(err, bucket.ErrNotFound)
			if err == nil {
				k.work.Release(k.Key) // it came back after its stretch was listed
				continue
			}
		}
		switch {
		case !gone:
			k.work.Absent(k.Key)
		case d.Deliver == nil:
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

func (p *Pass) deliverDeletion(ctx context.Context, k missingKey) error {
	return p.opts.Deletes.Deliver(ctx, k.Key, func(_ context.Context, refused error) error {
		if refused == nil {
			k.work.Forget(k.Key)
			p.opts.Watcher.Deleted(k.Key)
		} else {
			k.work.Release(k.Key) // a later pass finds it missing again
		}
		return nil
	})
}
