package input

import (
	"context"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
)

// freshPart is the part of its time after which a signed URL is not handed on any
// more: one in ten.
const freshPart = 10

// references are how objects are delivered without their content, nil where their
// content is.
func (r *reader) references() *fetch.References {
	if !r.conf.References {
		return nil
	}
	refs := &fetch.References{
		Asks: func(o object.Object) bool { return o.ContentType == "" && !r.conf.Filter.MatchType("") },
		Slow: r.conf.UserMetadata == config.FullMetadata && r.metadata != nil,
	}
	if expiry := r.conf.URLExpiry; expiry > 0 {
		refs.Fresh = expiry / freshPart
		refs.Sign = func(ctx context.Context, keys []string) ([]object.Signed, error) {
			return r.client.Sign(ctx, keys, expiry)
		}
	}
	return refs
}

// place is where the objects of the scope are.
func (r *reader) place() target.Place {
	p := r.conf.Project
	return target.Place{Bucket: p.Bucket, Prefix: r.conf.Prefix, ProjectRef: p.Ref, Endpoint: p.Endpoint}
}
