package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// References say how objects are delivered by what the listing tells of them, without
// their content. What takes no request of its own needs neither a place of the limiter
// nor bytes of the budget.
type References struct {
	// Asks reports whether the claim of an object has to know what only an answer
	// tells. It is asked for with a request for its first byte. Nil never is.
	Asks func(object.Object) bool
	// Slow says that claims make requests to deliver, so that many have to be under
	// way at a time.
	Slow bool
	// Sign makes URLs of the versions that there are now, in the order of the keys,
	// with one request at the most, and one that is not retried. Nil makes none.
	Sign func(ctx context.Context, keys []string) ([]object.Signed, error)
	// Fresh is how old a URL may become before it is handed on: then it is signed
	// again. Required with Sign.
	Fresh time.Duration
}

// signedAtOnce is how many URLs are signed by one request: the server accepts 1000,
// and a body of 1 MB, in which a thousand keys of 1024 bytes have no room.
const signedAtOnce = 500

// signsAhead is how many such requests are under way while the objects of an earlier
// one are handed on: a request takes about as long as handing on 500 objects.
const signsAhead = 4

// atOnce reports whether an object can be delivered without a request of its own.
func (o *References) atOnce(i Item) bool {
	return !o.Slow && (o.Asks == nil || !o.Asks(i.Object))
}

// deliverAtOnce delivers the objects of a sequence that need no request of their own
// as they come, and yields the others, and those for which that failed.
func (r *Run) deliverAtOnce(ctx context.Context, items iter.Seq2[Item, error]) iter.Seq2[Item, error] {
	if r.opts.References.Sign != nil {
		return r.deliverSigned(ctx, items)
	}
	return func(yield func(Item, error) bool) {
		for item, err := range items {
			if err == nil && r.opts.References.atOnce(item) && r.refers(ctx, item, "") {
				continue
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// refers delivers an object by what the listing tells of it, and reports whether that
// succeeded.
func (r *Run) refers(ctx context.Context, item Item, url string) bool {
	return item.Claim.Deliver(ctx, &Download{Content: listedContent(item.Object), URL: url}) == nil
}

// listedContent is what the listing tells of an object.
func listedContent(o object.Object) object.Content {
	return object.Content{Object: o, ContentType: o.ContentType, MissingMeta: object.NoMeta}
}

// signing are objects whose URLs are signed together.
type signing struct {
	items  []Item
	signed []object.Signed
	err    error
	at     time.Time
	done   chan struct{}
}

// deliverSigned is deliverAtOnce with a URL for each object.
func (r *Run) deliverSigned(ctx context.Context, items iter.Seq2[Item, error]) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		var last error
		groups := r.signAhead(ctx, r.listAhead(ctx, items, signedAtOnce), &last)
		defer func() {
			stop()
			for g := range groups {
				release(g.items)
			}
		}()
		for g := range groups {
			<-g.done
			for i := range g.items {
				r.keepFresh(ctx, g, i)
				if g.err == nil && g.signed[i].Err == nil && r.refers(ctx, g.items[i], g.signed[i].URL) {
					continue
				}
				if !yield(g.items[i], nil) {
					release(g.items[i+1:])
					return
				}
			}
		}
		if last != nil {
			yield(Item{}, last)
		}
	}
}

// signAhead gathers what has come, and signs it. What a group leaves to requests of
// their own is in it, unsigned. Last is the error of the sequence, once the groups
// are at their end.
func (r *Run) signAhead(ctx context.Context, in <-chan listed, last *error) <-chan *signing {
	out := make(chan *signing, signsAhead)
	r.workers.Go(func() {
		defer close(out)
		for more := true; more; {
			g := &signing{done: make(chan struct{})}
			g.items, more = gather(in, last)
			if len(g.items) == 0 {
				return
			}
			r.workers.Go(func() {
				defer close(g.done)
				r.sign(ctx, g, 0)
			})
			select {
			case out <- g:
			case <-ctx.Done():
				release(g.items)
				for l := range in {
					if l.err == nil {
						l.item.Claim.Release()
					}
				}
				return
			}
		}
	})
	return out
}

// gather waits for an object, and takes those that are there already with it.
func gather(in <-chan listed, last *error) (items []Item, more bool) {
	for l := range in {
		if l.err != nil {
			*last = l.err
			return items, false
		}
		items = append(items, l.item)
		if len(items) == signedAtOnce || len(in) == 0 {
			return items, true
		}
	}
	return items, false
}

// sign signs the URLs of the group from one of its objects on. Objects that need a
// request of their own get an error.
func (r *Run) sign(ctx context.Context, g *signing, from int) {
	refs := r.opts.References
	if g.signed == nil {
		g.signed = make([]object.Signed, len(g.items))
	}
	var keys []string
	var at []int
	for i := from; i < len(g.items); i++ {
		if refs.atOnce(g.items[i]) {
			keys, at = append(keys, g.items[i].Key), append(at, i)
		} else {
			g.signed[i].Err = errSlow
		}
	}
	g.at = time.Now()
	if len(keys) == 0 {
		return
	}
	signed, err := refs.Sign(ctx, keys)
	if g.err = err; err != nil {
		if ctx.Err() == nil { // each object is tried on its own
			r.opts.Meter.Retried(err)
			r.opts.Limiter.Heard(err)
		}
		return
	}
	for i, s := range signed {
		g.signed[at[i]] = s
	}
}

// errSlow is in place of the URL of an object that needs a request of its own.
var errSlow = errors.New("needs a request of its own")

// keepFresh signs again what has waited too long for the pipeline.
func (r *Run) keepFresh(ctx context.Context, g *signing, from int) {
	if g.err == nil && time.Since(g.at) > r.opts.References.Fresh {
		r.sign(ctx, g, from)
	}
}

func release(items []Item) {
	for _, item := range items {
		item.Claim.Release()
	}
}

// refer makes one attempt to deliver an object without its content.
func (r *Run) refer(ctx context.Context, a *attempt) error {
	refs, d := r.opts.References, &Download{}
	if refs.Asks != nil && refs.Asks(a.Object) {
		answer, err := r.ask(ctx, a)
		if err != nil {
			return err
		}
		if !wants(a.Claim, listedVersion(a.Object, answer), answer) {
			return errSettled
		}
		d.Content = *answer
		d.Object, d.Body = listedVersion(a.Object, answer), nil
	} else {
		d.Content = listedContent(a.Object)
	}
	if refs.Sign != nil {
		began := time.Now()
		signed, err := refs.Sign(ctx, []string{a.Key})
		if err != nil {
			return r.clarify(ctx, a, err)
		}
		a.place.Answered(time.Since(began))
		if err := signed[0].Err; err != nil {
			return r.unlessChanged(ctx, a, &object.Error{
				Op: "signing a URL", Key: a.Key, Kind: object.ErrDenied, Err: fmt.Errorf("it is listed, and refused: %w", err),
			})
		}
		d.URL = signed[0].URL
	}
	a.place.Read()
	return a.Claim.Deliver(ctx, d)
}

// ask makes a request for as little of an object as there is, to see what only an
// answer tells. One that names the version differently than the listing is good
// enough for that, if its size is the listed one.
func (r *Run) ask(ctx context.Context, a *attempt) (*object.Content, error) {
	began, length := time.Now(), int64(1)
	if a.doubt.had {
		length = a.Size
	}
	answer, _, err := r.open(ctx, a, length)
	if err != nil {
		return nil, r.clarify(ctx, a, err)
	}
	defer func() { _ = answer.Body.Close() }()
	a.place.Answered(time.Since(began))
	if _, err := r.accept(ctx, a, answer); err != nil {
		return nil, err
	}
	if answer.Partial {
		_, _ = io.Copy(io.Discard, answer.Body) // one byte, so that the connection is used again
	}
	return answer, nil
}
