package check

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// The values of Explanation.Verdict.
const (
	// Due means that a run would deliver the object.
	Due = "due"
	// Outside means that the key is not below the prefix of source_path.
	Outside = "outside"
	// Missing means that no such key is listed.
	Missing = "missing"
	// Filtered means that a pattern or a limit leaves the object out.
	Filtered = "filtered"
	// Delivered means that this version was delivered before.
	Delivered = "delivered"
	// Parked means that the object could not be delivered before and waits
	// for another attempt.
	Parked = "parked"
	// Unreadable means that the object is due, and can't be read.
	Unreadable = "unreadable"
	// Unknown means that a request or the state failed on the way.
	Unknown = "unknown"
)

// Explanation says of one key whether it would be delivered.
type Explanation struct {
	Key string `json:"key"`
	// Verdict is one of the constants above, Why a sentence on it.
	Verdict string `json:"verdict"`
	Why     string `json:"why"`
	// Listed says that the object exists and is visible; the facts that follow
	// are then those of the listing.
	Listed       bool      `json:"listed"`
	Size         int64     `json:"size,omitempty"`
	ETag         string    `json:"etag,omitempty"`
	LastModified time.Time `json:"last_modified,omitzero"`
	// Rule is the one of the filter that leaves the object out, "" where it
	// passes; Pattern is the pattern that decided, whether it leaves the object out or
	// lets it in.
	Rule    string `json:"rule,omitempty"`
	Pattern string `json:"pattern,omitempty"`
	// Delivered is what the state knows: "no", "this version", "another version";
	// empty where there is no state, or it could not be read.
	Delivered string `json:"delivered,omitempty"`
	// Parked is set while this version waits for another attempt.
	Parked *Parking `json:"parked,omitempty"`
	// Readable says whether its content could be read, "" where that was not
	// tried; Problem then why not.
	Readable string `json:"readable,omitempty"`
	Problem  string `json:"problem,omitempty"`
}

// Parking is an object that could not be delivered so far.
type Parking struct {
	Reason   string    `json:"reason"`
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next_attempt"`
}

// explainKey looks at a key as a pass would, and asks the state about it even
// where the filter has decided.
func (c *checker) explainKey(ctx context.Context, key string) Explanation {
	e := Explanation{Key: key}
	obj, found, err := c.listOne(ctx, key)
	if err != nil {
		return e.because(Unknown, c.failed("", "", err).Problems[0].String())
	}
	if found {
		e.Listed, e.Size, e.ETag, e.LastModified = true, obj.Size, obj.ETag, obj.LastModified.UTC()
	}
	below := strings.HasPrefix(key, c.conf.Prefix)
	var verdict filter.Verdict
	if below {
		if verdict = c.conf.Filter.Match(obj, time.Now()); verdict.Rule == filter.Pass {
			verdict.Pattern = c.conf.Filter.IncludedBy(key)
		}
		e.Rule, e.Pattern = verdict.Rule.String(), verdict.Pattern
	}
	standing, err := c.lookUp(ctx, &e, obj)
	if err != nil {
		return e.because(Unknown, err.Error())
	}
	switch {
	case !below:
		return e.because(Outside, fmt.Sprintf("it does not begin with the prefix of source_path, which is %q%s", c.conf.Prefix, c.otherKey(ctx, key)))
	case !found:
		return e.because(Missing, c.whyMissing(ctx, key, standing))
	case verdict.Rule != filter.Pass:
		return e.because(Filtered, c.whyFiltered(obj, verdict))
	case standing.LeftOut != "":
		return e.leftOut(standing.LeftOut, "as it was when it was last asked for")
	case standing.Current:
		return e.because(Delivered, "this version was delivered before; an upload with another content makes it due again")
	case standing.Parked != nil && standing.Parked.Reason == ledger.ReasonStays:
		return e.because(Delivered, "this version was delivered before, and is still to be deleted or moved (after_delivery); a later pass does that, and does not deliver it again")
	case standing.Parked != nil && standing.Parked.Next.After(time.Now()):
		return e.because(Parked, fmt.Sprintf("it could not be delivered before (%s), and is tried again after %s", standing.Parked.Reason, standing.Parked.Next.UTC().Format(time.RFC3339)))
	case c.ledgerUnread:
		return e.because(Unknown, "it matches, but the state could not be read, so it may have been delivered before")
	}
	return c.tryKey(ctx, e, obj, standing)
}

// leftOut is the verdict on an object of a type that was not asked for.
func (e Explanation) leftOut(contentType, known string) Explanation {
	e.Rule, e.Pattern = filter.ContentTypes.String(), ""
	return e.because(Filtered, fmt.Sprintf("none of content_types matches its type, %s, %s", typeText(contentType), known))
}

// typeText is a type as somebody else wrote it, for a message.
func typeText(contentType string) string {
	if contentType == "" {
		return "which is not known"
	}
	return strconv.Quote(foreign.Text(contentType, foreign.Short))
}

func (e Explanation) because(verdict, why string) Explanation {
	e.Verdict, e.Why = verdict, why
	return e
}

// listOne looks a key up in the listing: it comes first of all that begin with
// it.
func (c *checker) listOne(ctx context.Context, key string) (object.Object, bool, error) {
	obj, found, err := c.probe(ctx, key)
	if err != nil || !found || obj.Key != key {
		// Of a size that no rule is against: all that is known is the key.
		return object.Object{Key: key, Size: 1}, false, err
	}
	return obj, true, nil
}

// lookUp asks the state about an object.
func (c *checker) lookUp(ctx context.Context, e *Explanation, obj object.Object) (ledger.Standing, error) {
	if c.ledger == nil {
		return ledger.Standing{}, nil
	}
	s, err := c.ledger.Look(ctx, obj)
	if err != nil {
		return s, err
	}
	switch {
	case s.Current && e.Listed:
		e.Delivered = "this version"
	case s.Tracked:
		e.Delivered = "another version"
	default:
		e.Delivered = "no"
	}
	if s.Parked != nil {
		e.Parked = &Parking{Reason: s.Parked.Reason, Attempts: s.Parked.Attempts, Next: s.Parked.Next.UTC()}
	}
	return s, nil
}

func (c *checker) whyMissing(ctx context.Context, key string, s ledger.Standing) string {
	why := fmt.Sprintf("no object of this key is in the bucket %q", c.conf.Project.Bucket)
	if !c.identity.BypassesRLS() {
		why += ", or row level security hides it from the role " + c.identity.Role
	}
	if s.Tracked {
		return why + "; some version of it was delivered before"
	}
	return why + c.otherKey(ctx, key)
}

// otherKey finds what was probably meant: keys are asked for as they are in the
// bucket, without its name and with the prefix.
func (c *checker) otherKey(ctx context.Context, key string) string {
	short := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(key, "s3://"), c.conf.Project.Bucket+"/"), "/")
	for _, other := range []string{short, c.conf.Prefix + key, c.conf.Prefix + short} {
		if other == key || other == "" {
			continue
		}
		if _, found, err := c.listOne(ctx, other); err == nil && found {
			return fmt.Sprintf("; there is %q", other)
		}
	}
	return ""
}

func (c *checker) whyFiltered(obj object.Object, v filter.Verdict) string {
	switch v.Rule {
	case filter.Exclude:
		return v.Pattern + " takes it"
	case filter.Include:
		return fmt.Sprintf("none of include_patterns matches it; without a slash they are matched against %q, with one against %q",
			filter.BaseName(obj.Key), filter.Path(c.conf.Prefix, obj.Key))
	case filter.Size:
		return "max_object_size is less than its " + object.Bytes(obj.Size)
	case filter.Empty:
		return "skip_empty leaves out objects without content"
	case filter.Placeholder:
		return "it only stands for an empty folder"
	case filter.ContentTypes:
		return fmt.Sprintf("none of content_types matches its type, %s, as it is listed", typeText(obj.ContentType))
	}
	return fmt.Sprintf("%s takes it: it was changed at %s", ruleField(v.Rule.String()), obj.LastModified.UTC().Format(time.RFC3339))
}

// tryKey reads the beginning of an object that is due.
func (c *checker) tryKey(ctx context.Context, e Explanation, obj object.Object, s ledger.Standing) Explanation {
	content, _, err := c.download(ctx, obj)
	switch {
	case err == nil && obj.ContentType == "" && !c.conf.Filter.MatchType(content.ContentType):
		return e.leftOut(content.ContentType, "as the download has it")
	case errors.Is(err, object.ErrNotFound):
		return e.because(Missing, "it was deleted while it was looked at")
	case err != nil:
		e.Readable, e.Problem = "no", c.failed("", "", err).Problems[0].String()
		return e.because(Unreadable, "it is due, but can't be read: a run would leave it undelivered, with this reason")
	}
	e.Readable = "yes"
	switch {
	case s.Parked != nil:
		return e.because(Due, fmt.Sprintf("it could not be delivered before (%s); it can be read now, and the next pass tries it again", s.Parked.Reason))
	case s.Tracked:
		return e.because(Due, "another version was delivered before, so this one comes as updated")
	}
	return e.because(Due, "it matches and was not delivered before")
}
