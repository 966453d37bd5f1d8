package config

import (
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
)

// Keys makes the source of the credentials. It waits for them for as long as
// patience, zero for as long as it takes; watcher may be nil. It makes no request.
func (c Config) Keys(patience time.Duration, watcher keys.Watcher) *keys.Source {
	o := c.keysOptions()
	o.Patience, o.Watcher = patience, watcher
	return keys.New(o)
}

func (c Config) keysOptions() keys.Options {
	return keys.Options{
		Settings: c.settings, Project: c.Project,
		TLS: c.TLS, Transport: c.Transport,
		ConnectTimeout: c.ConnectTimeout, Timeout: c.ResponseTimeout,
	}
}

// PlaneOptions say where the bucket is, where the keys come from, and how patient
// to be. They are for [Config.Plane]. With Buckets the client is for the list of buckets
// alone; that of each bucket is made with the options of [Config.ForBucket].
func (c Config) PlaneOptions(source *keys.Source) plane.Options {
	return plane.Options{
		Endpoint: c.Project.Endpoint, Region: c.Project.Region, Bucket: c.Project.Bucket, AllBuckets: c.Buckets != nil,
		Credentials: source.Credentials, Renew: source.Renew, RenewalHelps: source.RenewalHelps,
		TLS: c.TLS, Transport: c.Transport,
		ConnectTimeout: c.ConnectTimeout, ResponseTimeout: c.ResponseTimeout, IdleTimeout: c.IdleTimeout,
		Retry: c.Retry,
	}
}
