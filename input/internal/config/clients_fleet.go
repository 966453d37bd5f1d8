package config

import (
	"context"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/directory"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// Management makes the client of the Management API that all projects share, for
// access_token; nil for other types of credentials. No request is made.
func (c Config) Management() *management.Client {
	if c.Project.APIURL == "" {
		return nil
	}
	return keys.NewManagement(c.keysOptions())
}

// Token gives the personal access token, for access_token.
func (c Config) Token() func(context.Context) (string, error) { return keys.AccessToken(c.settings) }

// Directory makes the list of Projects, which must be written. No request is made.
func (c Config) Directory(client *management.Client) *directory.Directory {
	return directory.New(directory.Options{
		Client: client, Token: c.Token(), Account: c.Project,
		Organization: c.Projects.Organization, Refs: c.Projects.Refs, Wanted: c.Projects.Wanted,
	})
}

// KeysOf is [Config.Keys] for one of many projects, with the shared client, and with
// facts in place of requests for the status and the region: see [keys.Options].
func (c Config) KeysOf(client *management.Client, facts func(context.Context) (management.Project, error), patience time.Duration, watcher keys.Watcher) *keys.Source {
	o := c.keysOptions()
	o.Management, o.Facts, o.Patience, o.Watcher = client, facts, patience, watcher
	return keys.New(o)
}

// ManagedBuckets asks the Management API for the buckets of the project, for
// discover.Options.Management; nil where there is no client.
func (c Config) ManagedBuckets(client *management.Client) func(context.Context) ([]string, error) {
	if client == nil {
		return nil
	}
	token := c.Token()
	return func(ctx context.Context) ([]string, error) {
		secret, err := token(ctx)
		if err != nil {
			return nil, err
		}
		names, err := client.Buckets(ctx, secret, c.Project.Ref)
		if err != nil {
			err = c.Project.ExplainAPI(err)
		}
		return names, err
	}
}
