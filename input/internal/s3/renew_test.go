package s3

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// ring hands out keys and knows where to get newer ones.
type ring struct {
	fresh func() object.Credentials
	err   error

	mu       sync.Mutex
	now      object.Credentials
	renewals int
}

func (r *ring) Credentials(context.Context) (object.Credentials, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now, nil
}

func (r *ring) Renew(_ context.Context, rejected object.Credentials) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.now.SameKeys(rejected) {
		return true, nil
	}
	r.renewals++
	if r.err != nil {
		return false, r.err
	}
	r.now = r.fresh()
	return !r.now.SameKeys(rejected), nil
}

// renewing is a client whose keys are renewed from the emulator's settings.
func renewing(t *testing.T, s *emulator.Server) (*Client, *ring) {
	r := &ring{now: accessKey(s), fresh: func() object.Credentials { return accessKey(s) }}
	return inMemory(t, s, func(o *plane.Options) { o.Credentials, o.Renew = r.Credentials, r.Renew }), r
}

func TestARequestWithRefusedKeysIsMadeAgainWithNewOnes(t *testing.T) {
	for name, request := range map[string]func(ctx context.Context, c *Client) error{
		"list": func(ctx context.Context, c *Client) error { _, err := list(ctx, c, Range{}); return err },
		"get": func(ctx context.Context, c *Client) error {
			content, err := c.Open(ctx, "k", 0)
			if err == nil {
				err = content.Body.Close()
			}
			return err
		},
		"listed": func(ctx context.Context, c *Client) error { _, _, err := c.Listed(ctx, "k"); return err },
		"delete": func(ctx context.Context, c *Client) error { return c.Delete(ctx, "k") },
		"probe":  func(ctx context.Context, c *Client) error { _, _, err := c.Probe(ctx, "", patient); return err },
		"region": func(ctx context.Context, c *Client) error { _, err := c.Region(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			s := emulator.New(emulator.Options{})
			s.Put(testBucket, "k", []byte("x"))
			c, keys := renewing(t, s)
			require.NoError(t, request(t.Context(), c))
			require.Zero(t, keys.renewals)
			s.Put(testBucket, "k", []byte("x"))
			s.RotateAccessKey()
			require.NoError(t, request(t.Context(), c))
			require.Equal(t, 1, keys.renewals)
		})
	}
}

func TestOnlyRefusedKeysAreRenewed(t *testing.T) {
	for name, tc := range map[string]struct {
		fault emulator.Fault
		asked int
	}{
		"one object's permission": {emulator.Fault{Status: 403, Code: "AccessDenied", Message: "Access Denied"}, 0},
		"switched off":            {emulator.Fault{Status: 403, Code: "FeatureNotEnabled", Message: "feature not enabled"}, 0},
		"clock":                   {emulator.Fault{Status: 403, Code: "RequestTimeTooSkewed", Message: "x"}, 0},
		"missing":                 {emulator.Fault{Status: 404, Code: "NoSuchKey", Message: "x"}, 0},
		"down":                    {emulator.Fault{Status: 500}, 0},
		"signature":               {emulator.Fault{Status: 403, Code: "SignatureDoesNotMatch", Message: "x"}, 1},
		"expired":                 {emulator.Fault{Status: 403, Code: "AccessDenied", Message: `"exp" claim timestamp check failed`}, 1},
		"key":                     {emulator.Fault{Status: 403, Code: "AccessDenied", Message: "Invalid Access Key"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := emulator.New(emulator.Options{})
			c, keys := renewing(t, s)
			s.SetFaults(func(emulator.Request) emulator.Fault { return tc.fault })
			_, err := c.Open(t.Context(), "k", 0)
			e, ok := errors.AsType[*object.Error](err)
			require.True(t, ok)
			require.Equal(t, tc.fault.Status, e.Status, "where the same keys come back, the refusal stands")
			require.Equal(t, tc.asked, keys.renewals)
			require.Equal(t, 1, s.Count(emulator.OpGet))
		})
	}
}

func TestKeysThatAreRefusedAgainAndAgainEndInARefusal(t *testing.T) {
	s := emulator.New(emulator.Options{})
	c, keys := renewing(t, s)
	keys.fresh = func() object.Credentials {
		return object.Credentials{AccessKeyID: fmt.Sprint("wrong ", keys.renewals), SecretAccessKey: "x"}
	}
	s.RotateAccessKey()
	_, err := c.Open(t.Context(), "k", 0)
	require.ErrorIs(t, err, object.ErrCredentials)
	require.Equal(t, plane.MaxRenewals, keys.renewals)
	require.Equal(t, plane.MaxRenewals+1, s.Count(emulator.OpGet))
}

func TestTroubleWithARenewalTakesThePlaceOfTheRefusal(t *testing.T) {
	s := emulator.New(emulator.Options{})
	c, keys := renewing(t, s)
	keys.err = &object.Error{Op: "asking", Kind: object.ErrUnavailable}
	s.RotateAccessKey()
	_, err := c.Open(t.Context(), "k", 0)
	require.True(t, object.Transient(err), err)
	require.NotErrorIs(t, err, object.ErrCredentials)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Open(ctx, "k", 0)
	require.ErrorIs(t, err, context.Canceled)
}

func TestTheRegionOfTheKeysIsSignedFor(t *testing.T) {
	s := emulator.New(emulator.Options{Region: "ap-south-1"})
	s.Put(testBucket, "k", []byte("x"))
	cred := accessKey(s)
	c := inMemory(t, s, func(o *plane.Options) {
		o.Region, o.Credentials = "eu-west-1", func(context.Context) (object.Credentials, error) { return cred, nil }
	})
	_, err := c.Open(t.Context(), "k", 0)
	require.ErrorIs(t, err, object.ErrCredentials)
	cred.Region = "ap-south-1"
	content, err := c.Open(t.Context(), "k", 0)
	require.NoError(t, err)
	require.NoError(t, content.Body.Close())
}
