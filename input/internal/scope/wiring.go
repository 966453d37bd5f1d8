package scope

import (
	"context"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/changes"
	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
)

// passOptions say what the passes work on, and how a deletion is delivered.
func (s *Scope) passOptions() (opts pass.Options, deleted func(context.Context, string, pass.Ack) error) {
	e := &emit.Emitter{
		Scanner: s.Conf.Scanner,
		Labeller: emit.Labeller{
			Bucket: s.Conf.Project.Bucket, Prefix: s.Conf.Prefix,
			ProjectRef: s.Conf.Project.Ref, Folders: s.folders(), UserMetadata: s.Conf.UserMetadata != config.NoMetadata,
			OnMissingMeta: s.watcher.MissingMeta,
		},
		Metadata: s.metadataAsker(),
		Hold:     s.keeper.Wait,
		Out:      s.Out,
		Place:    s.place(), References: s.Conf.References,
	}
	listed := s.Listing(s.Conf.Filter.ListPrefix())
	if s.Conf.References && s.ledger == nil {
		// References wait for the pipeline alone, so that the listing is always ahead of
		// it. Without a ledger nothing gains from longer ranges.
		listed.RangeSize = plane.PageKeys
	}
	opts = pass.Options{
		Source: pass.Source{
			Listing: listed,
			Filter:  s.Conf.Filter,
		},
		Fetcher: s.fetcher,
		Deliver: e.Deliver,
		Ledger:  s.ledger,
		ParkFor: s.parkFor,
		Deletes: pass.Deletes{Listed: s.client.Listed, MaxRatio: s.Conf.MaxDeleteRatio},

		Removals: s.removals,
		Watcher:  s.watcher,

		ParkedNow: s.Meters.ParkedBy,
	}
	if s.changes != nil {
		opts.Source.Feed = s.changes
	}
	if s.Conf.EmitFailures {
		opts.Failed = e.Failure
	}
	deleted = func(ctx context.Context, key string, ack pass.Ack) error {
		return e.Deletion(ctx, key, func(ctx context.Context, refused error) error {
			if refused == nil {
				s.Meters.Deleted.Incr(1)
			}
			return ack(ctx, refused)
		})
	}
	if s.Conf.EmitDeletes {
		opts.Deletes.Deliver = deleted
	}
	return opts, deleted
}

// folders are in front of the keys in the names of files.
func (s *Scope) folders() []string {
	if s.Shared.Conf.Projects != nil {
		return []string{s.Conf.Project.Ref, s.Conf.Project.Bucket}
	}
	return []string{s.Conf.Project.Bucket}
}

// metadataAsker is who is asked for the metadata that answers leave out, nil where
// nobody is to be, or can be.
func (s *Scope) metadataAsker() emit.MetadataAsker {
	if s.Conf.UserMetadata != config.FullMetadata {
		return nil
	}
	if s.Metadata == nil {
		s.tells("no full metadata", s.Log.Warn, s.Log.Debug)("user_metadata is full, but with these credentials the server can't be asked for metadata that it does not send with the content: " +
			"that takes a JWT or a secret key. What it sends is added, and the rest is counted in " + emit.MetaMissingMeta)
	}
	return s.Metadata
}

// parkFor is how long an object waits that is parked for the n-th time. A
// one-time run has no later pass, so the next run tries it in any case.
func (s *Scope) parkFor(n int) time.Duration {
	if !s.Conf.Plan.Repeats() {
		return 0
	}
	return poll.Pause(n)
}

// newChanges makes the client that asks for changes, nil where no pass would ask or
// the server is another than Supabase's, which has no REST API.
func (s *Scope) newChanges() *changes.Client {
	if !s.Conf.Plan.Repeats() || s.Conf.Targets != nil {
		return nil
	}
	client, err := changes.New(changes.Options{
		Endpoint: s.Conf.Project.Endpoint, Bucket: s.Conf.Project.Bucket,
		Credentials: s.Keys.Credentials,
		TLS:         s.Conf.TLS, Transport: s.Conf.Transport,
		ConnectTimeout: s.Conf.ConnectTimeout, Timeout: s.Conf.ResponseTimeout + s.Conf.IdleTimeout,
		Retry: s.Conf.Retry, Gate: s.Gate, Turn: s.Endpoint.opts.Enter,
		OnRetry: func(err error) { s.retried("", err) },
		OnPage:  func(d time.Duration, _ int) { s.Choice.PageAsked(d) },
	})
	if err != nil {
		return nil
	}
	return client
}

// newFetcher prepares the downloads of all passes, which end with ctx.
func (s *Scope) newFetcher(ctx context.Context) *fetch.Fetcher {
	return fetch.New(ctx, fetch.Options{
		Source:       plane.NewProbing(s.client, s.Conf.Filter.ListPrefix()),
		Limiter:      s.Limiter,
		Room:         s.room,
		MaxDownloads: s.Conf.MaxDownloads, CheapRanges: s.Conf.Project.Hosted(),
		HoldsWhole: s.Conf.WholeScanner, TakesWhole: s.Conf.ToTheEnd,
		CheckUpTo: s.Conf.VerifyUpTo,
		Retry:     s.Conf.Retry, Meter: fetchMeter{endpointMeter{s.Meters, s.Endpoint}, s},
		References: s.references(),
	})
}

// freshPart is the part of its time after which a signed URL is not handed on any
// more: one in ten.
const freshPart = 10

// references are how objects are delivered without their content, nil where their
// content is.
func (s *Scope) references() *fetch.References {
	if !s.Conf.References {
		return nil
	}
	refs := &fetch.References{
		Asks: func(o object.Object) bool { return o.ContentType == "" && !s.Conf.Filter.MatchType("") },
		Slow: s.Conf.UserMetadata == config.FullMetadata && s.Metadata != nil,
	}
	if expiry := s.Conf.URLExpiry; expiry > 0 {
		refs.Fresh = expiry / freshPart
		refs.Sign = func(ctx context.Context, keys []string) ([]object.Signed, error) {
			return s.client.Sign(ctx, keys, expiry)
		}
	}
	return refs
}

// place is where the objects of the scope are.
func (s *Scope) place() target.Place {
	p := s.Conf.Project
	return target.Place{Bucket: p.Bucket, Prefix: s.Conf.Prefix, ProjectRef: p.Ref, Endpoint: p.Endpoint}
}

// newRemovals is what becomes of objects after their delivery.
func (s *Scope) newRemovals(client *config.Plane) *pass.Removals {
	switch {
	case s.Conf.MoveTo != "":
		return pass.NewMoves(client, s.Conf.MoveKey, s.Conf.Retry, s.Conf.AfterField, s.watcher.NotRemoved)
	case s.Conf.DeleteObjects:
		return pass.NewRemovals(client, s.Conf.Retry, s.Conf.AfterField, s.watcher.NotRemoved)
	}
	return pass.NewRemovals(nil, s.Conf.Retry, s.Conf.AfterField, s.watcher.NotRemoved)
}
