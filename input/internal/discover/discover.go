package discover

import (
	"context"
	"slices"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

type Options struct {
	Client     interface{ Buckets(context.Context) ([]string, error) }
	Pattern    interface{ Match(string) bool }
	Identity   supabase.Identity
	Management func(context.Context) ([]string, error)
}

func Buckets(ctx context.Context, o Options) ([]string, error) {
	all, err := o.Client.Buckets(ctx)
	return slices.DeleteFunc(all, func(n string) bool { return !o.Pattern.Match(n) }), err
}
