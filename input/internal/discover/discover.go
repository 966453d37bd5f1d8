package discover

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// Lister lists the buckets that the role may see, such as a plane.Client.
type Lister interface {
	Buckets(ctx context.Context) ([]string, error)
}

// Pattern says which buckets are meant, such as a config.BucketPattern.
type Pattern interface {
	// Match reports whether a bucket is meant.
	Match(bucket string) bool
	// Names are the buckets, where they are all named; then none is listed.
	Names() (names []string, ok bool)
	// String is the pattern as it was written.
	String() string
}

// Options say where to look.
type Options struct {
	Client  Lister
	Pattern Pattern
	// Identity is who the client asks as, zero where that is not known.
	Identity supabase.Identity
	// Management asks the Management API for the buckets of the project, which takes no
	// rights in Storage; nil where there is no access token. Its errors are explained.
	Management func(context.Context) ([]string, error)
	// Odd is called with each bucket that the pattern matches and that can't be read,
	// because of its name, and is left out: the name is fit to be shown. Nil tells nobody.
	Odd func(name string)
}

// ErrOdd is why a bucket is left out.
var ErrOdd = errors.New("the server refuses buckets of such a name, which somebody wrote into storage.buckets, so its objects can't be read: they need a bucket of another name")

// Buckets finds the buckets, sorted; none where there is none. It makes no request
// where all are named. An error that [object.Transient] knows may pass. One about the
// rights of the role is explained; any other of Storage is as the client returned it.
func Buckets(ctx context.Context, o Options) ([]string, error) {
	if names, ok := o.Pattern.Names(); ok {
		return names, nil
	}
	names, err := list(ctx, o)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range names {
		switch {
		case !o.Pattern.Match(name):
		case isName(name):
			found = append(found, name)
		case o.Odd != nil:
			o.Odd(foreign.Text(name, shown))
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// shown is how much of an odd name is shown, in characters.
const shown = 60

// list asks for all buckets.
func list(ctx context.Context, o Options) ([]string, error) {
	names, err := o.Client.Buckets(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && !errors.Is(err, object.ErrDenied):
		return nil, err
	case err == nil && (len(names) > 0 || o.Identity.BypassesRLS()):
		return names, nil
	}
	hidden := supabase.HiddenBuckets(o.Identity, o.Pattern.String(), err)
	if o.Management == nil {
		return nil, hidden
	}
	names, err = o.Management(ctx)
	if err != nil && !object.Transient(err) && ctx.Err() == nil {
		// Both ways are closed: what to write opens the project's own.
		return nil, errors.Join(hidden, err)
	}
	return names, err
}

// longestName is how long the name of a bucket may be, in bytes: as much as a folder of
// most file systems.
const longestName = 255

// isName reports whether a name fits into the path of a request as one part. Any other
// name could address another bucket. Storage makes only such names, among them "." and
// ".."; a row that somebody wrote into storage.buckets can have any.
func isName(name string) bool {
	return name != "" && len(name) <= longestName && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r == '\\' || unicode.IsControl(r) })
}
