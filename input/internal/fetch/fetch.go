package fetch

import (
	"context"
	"iter"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// Source is where objects are read from.
type Source interface {
	// Open makes one request for the object from offset to its end.
	Open(ctx context.Context, key string, offset int64) (*object.Content, error)
	// OpenRange makes one request for at most length bytes from offset on.
	OpenRange(ctx context.Context, key string, offset, length int64) (*object.Content, error)
	// Listed asks the listing, once, which version of the object there is, and
	// whether there is one.
	Listed(ctx context.Context, key string) (object.Object, bool, error)
	// Probe makes the request that a run begins with, once: nil means that the
	// endpoint answers and accepts the keys.
	Probe(ctx context.Context) error
}

// Item is an object to download.
type Item struct {
	object.Object
	Claim Claim
	// Named says that only the key is known, and that Claim is a [Namer]: the listing is
	// asked first, and [Claim.Changed] told what it shows.
	Named bool
}

// Claim is who wants to know how an object ends: one call of Fail or Release, or
// one of Deliver that returned nil, is the last that it hears. Its methods are
// called from several goroutines, one at a time.
type Claim interface {
	// Deliver hands the download on. It returns nil once everything in it was
	// handed on, or the error that stopped it; the download is closed by its
	// caller. It may be called again after an error.
	Deliver(ctx context.Context, d *Download) error
	// Changed says that the listing shows another version by now, and reports
	// whether that one is to be downloaded. If not, the claim is settled.
	Changed(now object.Object) bool
	// Fail says that no further attempt is made.
	Fail(Failure)
	// Release says that the run ended before the object was done with.
	Release()
}

// Chooser is a claim that decides by what an answer tells of an object whether its
// content is wanted.
type Chooser interface {
	Claim
	// Wants is asked once an answer is known to be of the listed version, before its
	// body is read. If it returns false, the claim is settled.
	Wants(c *object.Content) bool
}

func chooses(c Claim) bool {
	_, ok := c.(Chooser)
	return ok
}

// wants asks a claim about an answer, if it chooses.
func wants(c Claim, version object.Object, answer *object.Content) bool {
	chooser, ok := c.(Chooser)
	if !ok {
		return true
	}
	told := *answer
	told.Object = version
	return chooser.Wants(&told)
}

// Failure is why an object could not be downloaded.
type Failure struct {
	Object object.Object
	// Err is what the last attempt failed with; object.ErrNotFound means that
	// the listing no longer shows the object.
	Err error
	// Attempts is how many there were.
	Attempts int
}

// Meter hears what goes on. Its methods are called from several goroutines and
// must not block.
type Meter interface {
	limiter.Meter
	// Retried hears of every failure that is followed by another attempt.
	Retried(err error)
	// Buffered hears each change of the bytes of the budget in use. A Room that is
	// given tells RoomOptions.Buffered in its place.
	Buffered(bytes int64)
	// Noticed hears once of a peculiarity of the endpoint.
	Noticed(Peculiarity)
}

// Options say how to download. All are required except Limiter, Room, MaxDownloads,
// CheapRanges, CheckUpTo and References.
type Options struct {
	Source Source
	// Limiter is that of the endpoint; nil makes one for the downloads alone.
	Limiter *limiter.Limiter
	// Room is what the runs of this Fetcher share with those of others; nil makes one
	// for it alone, from what follows. It has to be made for claims of the same kind:
	// with Whole where HoldsWhole or TakesWhole is set, and with None for References.
	Room *Room
	// MaxDownloads is how many requests may be under way at a time, those for
	// parts of large objects included; 0 adapts the number to what the endpoint
	// bears. It is that of the limiter.
	MaxDownloads int
	// CheapRanges says that the endpoint is known to serve a range of an object
	// without work for the rest of it.
	CheapRanges bool
	// BufferBytes bounds the bytes that downloads under way may hold. That of a Room
	// that is given counts in its place.
	BufferBytes int64
	// HoldsWhole says that the claims hold each download whole in memory, so that
	// its full size counts against BufferBytes.
	HoldsWhole bool
	// TakesWhole says that the claims prefer Download.Whole to a body, wherever it
	// fits. It implies HoldsWhole.
	TakesWhole bool
	// CheckUpTo is the size in bytes up to which the content of an object is
	// compared with an ETag that is an MD5.
	CheckUpTo int64
	// References has objects delivered without their content; nil reads it.
	References *References
	Retry      retry.Policy
	Meter      Meter
}

// Fetcher is what all runs over the objects of one source share. It lasts as long as
// its context, and leaves nothing behind in the Room or the limiter.
type Fetcher struct {
	opts    Options
	ctx     context.Context //nolint:containedctx // its end ends all runs
	room    *Room
	content contentChecks
	refusal refusals
	ranges  ranges
	runs    sync.WaitGroup
}

// New prepares runs, which end with ctx.
func New(ctx context.Context, opts Options) *Fetcher {
	if opts.Limiter == nil {
		opts.Limiter = limiter.New(ctx, limiter.Options{
			MaxDownloads: opts.MaxDownloads, Probe: opts.Source.Probe, Patience: opts.Retry.Patience(), Meter: opts.Meter,
		})
	}
	if opts.Room == nil {
		opts.Room = ownRoom(opts)
	}
	if p := opts.Room.pace; p != nil && opts.References == nil {
		opts.Source = pacedSource{opts.Source, p}
	}
	f := &Fetcher{opts: opts, ctx: ctx, room: opts.Room}
	f.content = newContentChecks(opts)
	f.ranges.cheap.Store(opts.CheapRanges)
	return f
}

// Begin downloads every object of a sequence and has each claim deliver it. It
// returns at once. Several runs may be under way; they share the limiter and the
// room.
func (f *Fetcher) Begin(items iter.Seq2[Item, error]) *Run {
	return f.begin(func(ctx context.Context, r *Run) iter.Seq2[Item, error] {
		if f.opts.References != nil {
			return r.deliverAtOnce(ctx, items)
		}
		return items
	})
}

// BeginNamed is Begin for objects of which only the keys are known, and which come
// when somebody names them: the context of the sequence ends with the run.
func (f *Fetcher) BeginNamed(items func(context.Context) iter.Seq2[Item, error]) *Run {
	return f.begin(func(ctx context.Context, _ *Run) iter.Seq2[Item, error] { return items(ctx) })
}

func (f *Fetcher) begin(items func(context.Context, *Run) iter.Seq2[Item, error]) *Run {
	ctx, stop := context.WithCancel(f.ctx)
	r := &Run{
		Fetcher: f, member: f.room.join(f.opts.Limiter), stop: stop, jobs: make(chan attempt), ended: make(chan attempt),
		listed: make(chan struct{}), done: make(chan struct{}),
	}
	f.runs.Go(func() {
		defer close(r.done)
		defer r.member.leave()
		defer r.workers.Wait()
		defer stop()
		r.err = r.loop(ctx, r.listAhead(ctx, items(ctx, r), 0))
	})
	return r
}

// Wait returns when no run is under way.
func (f *Fetcher) Wait() { f.runs.Wait() }
