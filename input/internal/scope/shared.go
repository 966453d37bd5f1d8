package scope

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/meter"
)

// Shared is what all scopes of an input share.
type Shared struct {
	Conf      config.Config // as it is written
	Resources *service.Resources
	Log       *service.Logger
	Meters    *meter.Set
	Voice     Voice
	// Store is where all scopes remember; nil where each opens its own, or nothing is
	// remembered. Its owner closes it.
	Store ledger.Store
	// Out has the messages. Who reads them hands them over through Undelivered, and who
	// has ended all runs closes it.
	Out         chan emit.Handover
	Undelivered *emit.Undelivered
	// Shown reports whether the progress of one-time runs is shown in another way than
	// by the log.
	Shown func() bool

	// closing ends when the input begins to close.
	closing context.Context //nolint:containedctx // the life of the input, which no call has
	// room is for the downloads of all scopes.
	room *fetch.Room
	// stalled is how many scopes wait for their state, and settled how many objects were
	// delivered or parked.
	stalled, settled atomic.Int64
	// told are the peculiarities of a server, which one line tells for all scopes.
	told sync.Map
}

// Settled is how many objects were delivered or parked so far.
func (s *Shared) Settled() int64 { return s.settled.Load() }

// tells is log where nothing was told of what so far, else again: thousands of scopes may
// have the same to tell.
func (s *Shared) tells(what string, log, again func(string)) func(string) {
	if _, told := s.told.LoadOrStore(what, true); told {
		return again
	}
	return log
}

// NewShared makes what the scopes of an input share. Closing ends when the input begins
// to close.
func NewShared(closing context.Context, conf config.Config, res *service.Resources, m *meter.Set, voice Voice, shown func() bool) *Shared {
	return &Shared{
		Conf: conf, Resources: res, Log: res.Logger(), Meters: m, Voice: voice, Shown: shown,
		Out: make(chan emit.Handover), Undelivered: emit.NewUndelivered(res.Logger(), m.Undelivered), closing: closing,
		room: fetch.NewRoom(fetch.RoomOptions{
			Bytes: conf.BufferBytes, Places: limiter.MaxDownloads(conf.MaxDownloads), BytesPerSecond: conf.MaxBytesPerSecond,
			Whole: conf.WholeScanner || conf.ToTheEnd, None: conf.References, Buffered: m.Buffered,
		}),
	}
}

// remembered is the store of the state as one scope has it, nil where each has its own.
func (s *Shared) remembered() ledger.Store {
	if s.Store == nil {
		return nil
	}
	return ledger.Shared(s.Store)
}
