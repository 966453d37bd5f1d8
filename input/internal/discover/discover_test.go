package discover

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/rest"
	"github.com/seed75cbcda6/supabase-storage/input/internal/s3"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// pattern is one as the configuration has it.
type pattern struct {
	*filter.Name
	text string
}

func (p pattern) Names() ([]string, bool) { return p.Literals() }
func (p pattern) String() string          { return p.text }

func compile(t *testing.T, text string) pattern {
	t.Helper()
	name, err := filter.NewName(text)
	require.NoError(t, err)
	return pattern{name, text}
}

// listed is a client whose list is known.
type listed struct {
	names []string
	err   error
	asked int
}

func (l *listed) Buckets(context.Context) ([]string, error) {
	l.asked++
	return slices.Clone(l.names), l.err
}

var service = supabase.Identity{Role: "service_role"}

func user() supabase.Identity {
	return supabase.Identity{Role: "authenticated", Subject: "ada"}
}

func TestBucketsOfAPatternAreFoundOverBothPlanes(t *testing.T) {
	s := emulator.New(emulator.Options{})
	for _, name := range []string{"tenant-2", "tenant-10", "other", "tenant-1"} {
		s.CreateBucket(name)
	}
	set := s.Settings()
	for name, open := range map[string]func(plane.Options) (plane.Client, error){
		"s3":   func(o plane.Options) (plane.Client, error) { return s3.New(o) },
		"rest": func(o plane.Options) (plane.Client, error) { return rest.New(o) },
	} {
		c, err := open(plane.Options{
			Endpoint: s.Endpoint(), Region: set.Region, AllBuckets: true, Transport: s.Transport(),
			Credentials: func(context.Context) (object.Credentials, error) {
				if name == "rest" {
					return object.Credentials{APIKey: set.SecretKey}, nil
				}
				return object.Credentials{AccessKeyID: set.AccessKeyID, SecretAccessKey: set.SecretAccessKey}, nil
			},
		})
		require.NoError(t, err)
		got, err := Buckets(t.Context(), Options{Client: c, Pattern: compile(t, "tenant-*"), Identity: service})
		require.NoError(t, err)
		require.Equal(t, []string{"tenant-1", "tenant-10", "tenant-2"}, got, name)
	}
}

func TestBucketsThatAreNamedAreNotListed(t *testing.T) {
	l := &listed{err: errors.New("never asked")}
	got, err := Buckets(t.Context(), Options{Client: l, Pattern: compile(t, "{docs,avatars}")})
	require.NoError(t, err)
	require.Equal(t, []string{"avatars", "docs"}, got)
	require.Zero(t, l.asked)
}

func TestARoleThatSeesNoBucketIsToldWhatToWrite(t *testing.T) {
	denied := &object.Error{Op: "listing the buckets", Kind: object.ErrDenied, Status: 403}
	for name, tc := range map[string]struct {
		client listed
		who    supabase.Identity
		want   string
	}{
		"empty":           {listed{}, user(), `source_path: the buckets that "t*" stands for can't be found: the role "authenticated" (user ada) is shown no bucket; name the buckets, as in "{avatars,docs}/"; or allow SELECT on storage.buckets in a policy`},
		"denied":          {listed{err: denied}, user(), `the role "authenticated" (user ada) may not list buckets; name the buckets`},
		"denied to a key": {listed{err: denied}, service, `the role "service_role" may not list buckets`},
		"not known who":   {listed{}, supabase.Identity{}, `is shown no bucket`},
	} {
		got, err := Buckets(t.Context(), Options{Client: &tc.client, Pattern: compile(t, "t*"), Identity: tc.who})
		require.Nil(t, got, name)
		require.ErrorContains(t, err, tc.want, name)
		require.Equal(t, tc.client.err != nil, errors.Is(err, object.ErrDenied), name)
		require.False(t, object.Transient(err), name)

		// With an access token there is another way.
		o := Options{Client: &tc.client, Pattern: compile(t, "t*"), Identity: tc.who, Management: func(context.Context) ([]string, error) {
			return []string{"tb", "other", "ta"}, nil
		}}
		got, err = Buckets(t.Context(), o)
		require.NoError(t, err, name)
		require.Equal(t, []string{"ta", "tb"}, got, name)

		o.Management = func(context.Context) ([]string, error) { return nil, errors.New("lacks storage_read") }
		_, err = Buckets(t.Context(), o)
		require.ErrorContains(t, err, tc.want, name)
		require.ErrorContains(t, err, "lacks storage_read", name)

		passing := &object.Error{Op: "asking", Kind: object.ErrThrottled}
		o.Management = func(context.Context) ([]string, error) { return nil, passing }
		_, err = Buckets(t.Context(), o)
		require.True(t, object.Transient(err), name)
	}
}

func TestAnEmptyProjectHasNoBuckets(t *testing.T) {
	got, err := Buckets(t.Context(), Options{Client: &listed{}, Pattern: compile(t, "*"), Identity: service})
	require.NoError(t, err)
	require.Empty(t, got)
	// A role without rights, in a project that is seen to be empty.
	got, err = Buckets(t.Context(), Options{
		Client: &listed{}, Pattern: compile(t, "*"), Identity: user(),
		Management: func(context.Context) ([]string, error) { return nil, nil },
	})
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestOtherErrorsStayWhatTheyAre(t *testing.T) {
	for _, kind := range []error{object.ErrUnavailable, object.ErrThrottled, object.ErrUnreachable, object.ErrCredentials} {
		l := &listed{err: &object.Error{Op: "listing the buckets", Kind: kind}}
		asked := false
		_, err := Buckets(t.Context(), Options{
			Client: l, Pattern: compile(t, "*"), Identity: user(),
			Management: func(context.Context) ([]string, error) { asked = true; return nil, nil },
		})
		require.Equal(t, l.err, err)
		require.False(t, asked, "the buckets are not asked for elsewhere while Storage fails")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Buckets(ctx, Options{Client: &listed{}, Pattern: compile(t, "*"), Identity: user()})
	require.ErrorIs(t, err, context.Canceled)
}

func TestNamesThatNoRequestCanCarryAreLeftOutAndTold(t *testing.T) {
	odd := []string{"", "a/b", `a\b`, "a\x00b", "a\nb", "a\x1b[31m", "\xff", strings.Repeat("x", 256)}
	var told []string
	got, err := Buckets(t.Context(), Options{
		Client:  &listed{names: append([]string{"b", "a", "b", "Ärger #1", "what?*", "..", "."}, odd...)},
		Pattern: compile(t, "*"), Identity: service,
		Odd: func(name string) { told = append(told, name) },
	})
	require.NoError(t, err)
	require.Equal(t, []string{".", "..", "a", "b", "what?*", "Ärger #1"}, got)
	require.Len(t, told, len(odd))
	for _, name := range told {
		require.Less(t, len([]rune(name)), 2*shown)
		require.NotContains(t, name, "\x1b")
	}
	_, err = Buckets(t.Context(), Options{Client: &listed{names: odd}, Pattern: compile(t, "*"), Identity: service})
	require.NoError(t, err)
}
