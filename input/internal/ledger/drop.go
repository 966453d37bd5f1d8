package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
)

// Drop removes all that a store holds of a scope, which must not be open. It first
// writes an index that refers to nothing, so that wherever a kill or an error stops
// it, the scope has an empty ledger: used again or dropped again, it deletes the
// rest. Damage is no obstacle, wherever it is. Where the index is damaged or lost, nobody
// knows what there is: what is found is deleted, and the index stays, so that what is not
// found is never read.
func Drop(ctx context.Context, store Store, scope Scope) error {
	l := &Ledger{store: store, keys: scope.Keys(), limits: standard}
	if err := l.drop(ctx); err != nil {
		return fmt.Errorf("removing what is remembered of the bucket %q: %w", scope.Bucket, err)
	}
	return nil
}

func (l *Ledger) drop(ctx context.Context) error {
	err := l.loadIndex(ctx)
	if errors.Is(err, ErrDamaged) {
		return l.dropUnknown(ctx)
	}
	if err != nil {
		return err
	}
	end, err := l.absentFrom(ctx, l.keys.Record, l.firstRecord)
	if err != nil {
		return err
	}
	next, err := l.absentFrom(ctx, l.keys.Manifest, l.written.nextManifest)
	if err != nil {
		return err
	}
	manifests, oldest := l.manifests(next), l.written.oldestRecord
	if len(manifests) > 0 || end > oldest {
		if err := l.writeEmpty(ctx, manifests, next, oldest, end); err != nil {
			return err
		}
	}
	if err := l.deleteEach(ctx, l.keys.Manifest, manifests); err != nil {
		return err
	}
	if err := l.deleteEach(ctx, l.keys.Record, numbers(oldest, end)); err != nil {
		return err
	}
	if oldest >= anew {
		return l.delete(ctx, l.keys.Identity()) // the index must stay, see dropUnknown
	}
	// The index goes last: without it, the value "founded" would say that it was lost.
	if err := l.delete(ctx, l.keys.Identity(), l.keys.Founded()); err != nil {
		return err
	}
	return l.delete(ctx, l.keys.Index())
}

// anew is above all numbers of a ledger that counts from 1.
const anew = 1 << 60

// dropUnknown removes what is there of a ledger without an index. A store can't be asked
// for what it holds, and a record that is left would be replayed by a ledger that counts
// from 1 and comes to its number. So the next ledger counts from a number above, which no
// earlier one has used, and this is what its index says as long as it is there.
func (l *Ledger) dropUnknown(ctx context.Context) error {
	first := anew + rand.Uint64N(anew)
	if err := l.writeEmpty(ctx, nil, first, first, first); err != nil {
		return err
	}
	if err := l.delete(ctx, l.keys.Identity()); err != nil {
		return err
	}
	for _, name := range []func(uint64) string{l.keys.Manifest, l.keys.Record} {
		end, err := l.absentFrom(ctx, name, 1)
		if err != nil {
			return err
		}
		if err := l.deleteEach(ctx, name, numbers(1, end)); err != nil {
			return err
		}
	}
	return nil
}

// numbers are those from first up to end.
func numbers(first, end uint64) (all []uint64) {
	for n := first; n < end; n++ {
		all = append(all, n)
	}
	return all
}

func (l *Ledger) delete(ctx context.Context, keys ...string) error {
	if err := l.store.Delete(ctx, keys...); err != nil {
		return fmt.Errorf("deleting %q: %w", keys[len(keys)-1], err)
	}
	return nil
}

// strays is how many numbers in a row must be unused before no value is looked for
// above them. There may be values that no index has: of a fold that a kill stopped,
// or that failed in part and was tried again under other numbers.
const strays = 64

// absentFrom returns the first number from n on from which no value is found.
func (l *Ledger) absentFrom(ctx context.Context, name func(uint64) string, n uint64) (uint64, error) {
	for at := n; at < n+strays; at++ {
		_, there, err := l.get(ctx, name(at))
		if err != nil {
			return 0, err
		}
		if there {
			n = at + 1
		}
	}
	return n, nil
}

// manifests returns the numbers of all manifests below next that may be there.
func (l *Ledger) manifests(next uint64) []uint64 {
	all := l.written.garbage
	for _, s := range l.segments {
		if s.Manifest != 0 {
			all = append(all, s.Manifest)
		}
	}
	for n := l.written.nextManifest; n < next; n++ {
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all) // segments that were cut share one
}

func (l *Ledger) writeEmpty(ctx context.Context, garbage []uint64, nextManifest, oldest, end uint64) error {
	key := l.keys.Index()
	value := format.EncodeIndex(key, format.Index{
		// The record before the first one is read when a ledger is opened. There is none.
		NextManifest: nextManifest, OldestRecord: oldest, FirstRecord: end + 1, Garbage: garbage,
		Segments: []format.Segment{{}},
	})
	if err := l.store.Put(ctx, Entry{key, value}, l.foundedEntry(format.FoundedIndex)); err != nil {
		return fmt.Errorf("writing %q: %w", key, err)
	}
	return nil
}

// deleteEach deletes values by their numbers, some at a time.
func (l *Ledger) deleteEach(ctx context.Context, name func(uint64) string, numbers []uint64) error {
	const batch = 256
	for len(numbers) > 0 {
		var keys []string
		for _, n := range numbers[:min(batch, len(numbers))] {
			keys = append(keys, name(n))
		}
		if err := l.store.Delete(ctx, keys...); err != nil {
			return fmt.Errorf("deleting %q and others: %w", keys[0], err)
		}
		numbers = numbers[len(keys):]
	}
	return nil
}
