package config

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/rest"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/s3"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
)

// Plane is a client for the bucket that goes over the plane of the present keys:
// the S3 protocol where they sign requests, else the Storage REST API. Keys may
// change in the middle of a run, and the plane with them: the next request goes over
// the other one. This is the only place that chooses.
type Plane struct {
	s3   *s3.Client
	rest *rest.Client
	// info asks for metadata, also with the token of keys that sign.
	info *rest.Client
	// credentials are the present keys, whatever they are for.
	credentials func(context.Context) (object.Credentials, error)
	// overREST is the plane of the last keys that were seen.
	overREST atomic.Bool
}

var _ plane.Client = (*Plane)(nil)

// Plane makes the client; no request is made. The options are those of
// [Config.PlaneOptions].
func (c Config) Plane(source *keys.Source, o plane.Options) (*Plane, error) {
	p := &Plane{credentials: o.Credentials}
	p.overREST.Store(source.Project().OverREST())
	if o.Gate == nil {
		o.Gate = new(retry.Gate) // both planes go to the same host
	}
	var err error
	credentials := o.Credentials
	o.Credentials = only(credentials, true)
	if p.s3, err = s3.New(o); err != nil {
		return nil, err
	}
	o.Credentials = only(credentials, false)
	if p.rest, err = rest.New(o); err != nil {
		return nil, err
	}
	o.Credentials = withToken(credentials)
	if p.info, err = rest.New(o); err != nil {
		return nil, err
	}
	return p, nil
}

// errNoToken is what is in place of S3 access keys, which the REST API does not take.
var errNoToken = errors.New("S3 access keys are not accepted by the REST API")

// withToken hands on keys that the REST API accepts.
func withToken(credentials func(context.Context) (object.Credentials, error)) func(context.Context) (object.Credentials, error) {
	return func(ctx context.Context) (object.Credentials, error) {
		cred, err := credentials(ctx)
		if err == nil && cred.Signs() && cred.SessionToken == "" {
			return object.Credentials{}, errNoToken
		}
		return cred, err
	}
}

// errOtherPlane is what a client gets in place of keys that are not for it. It makes
// no request then.
var errOtherPlane = errors.New("the present keys are for the other plane")

// only hands on keys that sign, or keys that do not.
func only(credentials func(context.Context) (object.Credentials, error), signs bool) func(context.Context) (object.Credentials, error) {
	return func(ctx context.Context) (object.Credentials, error) {
		cred, err := credentials(ctx)
		if err == nil && cred.Signs() != signs {
			return object.Credentials{}, errOtherPlane
		}
		return cred, err
	}
}

// over calls f with the client of the present keys, and again with the other one
// where the keys have changed in the meantime.
func (p *Plane) over(f func(plane.Client) error) error {
	for {
		rest := p.overREST.Load()
		err := f(p.client(rest))
		if !errors.Is(err, errOtherPlane) {
			return err
		}
		p.overREST.CompareAndSwap(rest, !rest) // many requests may notice at once
	}
}

func (p *Plane) client(rest bool) plane.Client {
	if rest {
		return p.rest
	}
	return p.s3
}

// Page implements [plane.Client].
func (p *Plane) Page(ctx context.Context, prefix, after string) (objs []object.Object, more bool, err error) {
	err = p.over(func(c plane.Client) (err error) {
		objs, more, err = c.Page(ctx, prefix, after)
		return err
	})
	return objs, more, err
}

// Listed implements [plane.Client].
func (p *Plane) Listed(ctx context.Context, key string) (obj object.Object, listed bool, err error) {
	err = p.over(func(c plane.Client) (err error) {
		obj, listed, err = c.Listed(ctx, key)
		return err
	})
	return obj, listed, err
}

// Probe implements [plane.Client].
func (p *Plane) Probe(ctx context.Context, prefix string, policy retry.Policy) (obj object.Object, found bool, err error) {
	err = p.over(func(c plane.Client) (err error) {
		obj, found, err = c.Probe(ctx, prefix, policy)
		return err
	})
	return obj, found, err
}

// Open implements [plane.Client].
func (p *Plane) Open(ctx context.Context, key string, offset int64) (content *object.Content, err error) {
	err = p.over(func(c plane.Client) (err error) {
		content, err = c.Open(ctx, key, offset)
		return err
	})
	return content, err
}

// OpenRange implements [plane.Client].
func (p *Plane) OpenRange(ctx context.Context, key string, offset, length int64) (content *object.Content, err error) {
	err = p.over(func(c plane.Client) (err error) {
		content, err = c.OpenRange(ctx, key, offset, length)
		return err
	})
	return content, err
}

// Delete implements [plane.Client].
func (p *Plane) Delete(ctx context.Context, key string) error {
	return p.over(func(c plane.Client) error { return c.Delete(ctx, key) })
}

// Move makes one request that moves the version of an object to another key, over the
// REST API. S3 access keys do not open that: with those it makes a copy. It says nothing
// of what is there now: ask the listing.
func (p *Plane) Move(ctx context.Context, from object.Object, to string) (object.Moved, error) {
	moved, err := p.info.Move(ctx, from, to)
	if errors.Is(err, errNoToken) {
		return p.s3.Copy(ctx, from, to)
	}
	return moved, err
}

// Buckets implements [plane.Client].
func (p *Plane) Buckets(ctx context.Context) (names []string, err error) {
	err = p.over(func(c plane.Client) (err error) {
		names, err = c.Buckets(ctx)
		return err
	})
	return names, err
}

// Answers implements [plane.Client]. Until there are keys, what is written decides.
func (p *Plane) Answers(ctx context.Context) error {
	return p.client(p.overREST.Load()).Answers(ctx)
}

// UserMetadata asks for the object's own metadata, with one request over the REST
// API: see [rest.Client.UserMetadata].
func (p *Plane) UserMetadata(ctx context.Context, key string) (metadata map[string]string, etag string, err error) {
	return p.info.UserMetadata(ctx, key)
}

// Sign makes URLs that open single objects until they expire: see [s3.Client.Presign],
// which S3 access keys need no request for, and [rest.Client.Sign].
func (p *Plane) Sign(ctx context.Context, keys []string, expires time.Duration) ([]object.Signed, error) {
	signed, err := p.info.Sign(ctx, keys, expires)
	if !errors.Is(err, errNoToken) {
		return signed, err
	}
	cred, err := p.credentials(ctx)
	signed = make([]object.Signed, len(keys))
	for i := 0; err == nil && i < len(keys); i++ {
		signed[i], err = p.s3.Presign(ctx, cred, keys[i], expires)
	}
	return signed, err
}

// Region asks which region the server is in, "" over the plane that knows none.
func (p *Plane) Region(ctx context.Context) (region string, err error) {
	err = p.over(func(c plane.Client) (err error) {
		if signed, ok := c.(*s3.Client); ok {
			region, err = signed.Region(ctx)
		}
		return err
	})
	return region, err
}

// Close implements [plane.Client].
func (p *Plane) Close() {
	p.s3.Close()
	p.rest.Close()
	p.info.Close()
}
