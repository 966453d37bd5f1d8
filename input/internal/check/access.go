package check

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// expiresSoon is how long before its end a token is worth a warning.
const expiresSoon = 24 * time.Hour

// access is what the first signed request brought, which tells of the
// credentials, the region and the bucket at once.
type access struct {
	// first is the first object below the listed prefix, if found.
	first object.Object
	found bool
	err   error
	// serverRegion is the one that the server tells; where it does not, the one
	// that it accepts in any case, or "".
	serverRegion string
}

// knowProject takes in what the keys tell of the project, once there are keys.
func (c *checker) knowProject() {
	bucket := c.conf.Project.Bucket // the source is that of the whole project
	c.conf.Project = c.project.source.Project()
	c.conf.Project.Bucket = bucket
}

// checkCredentials obtains the credentials and makes the first signed request.
// What is wrong with the region or the bucket is left to their steps.
func (c *checker) checkCredentials(ctx context.Context) Step {
	if err := c.try(ctx, c.project.source.Test); err != nil {
		return c.failed(StepCredentials, "type "+c.conf.Project.CredentialType(), err)
	}
	known := c.conf.Project.Warnings
	c.knowProject()
	cred, _ := c.conf.Project.Keys()
	c.plane = "S3 protocol"
	if !cred.Signs() {
		c.plane = "Storage REST API"
	}
	s := Step{Name: StepCredentials, Status: OK}
	for _, warning := range c.conf.Project.Warnings.Without(known) {
		s.warn(problemOf(warning))
	}
	// Until when the token is good is what the source found out: the token names
	// a time of the server's clock, and this machine's may be another.
	expires := cred.Expires
	c.identity = c.conf.Project.Identity
	s.Found = c.describeCredentials(cred, expires)
	c.access.first, c.access.found, c.access.err = c.probe(ctx, c.conf.Filter.ListPrefix())
	var regionErr error
	if !object.Transient(c.access.err) {
		regionErr = c.try(ctx, func(ctx context.Context) (err error) {
			c.access.serverRegion, err = c.project.region(ctx, c.client)
			return err
		})
	}
	switch err := c.access.err; {
	case err == nil, aboutBucket(err):
	case c.wrongRegion() && regionErr == nil: // signed for another region, they were accepted
	case c.wrongRegion():
		return Step{Name: s.Name, Status: Skipped, Found: s.Found + "; not tested, because the region is wrong"}
	default:
		return c.failed(StepCredentials, s.Found, err)
	}
	if c.conf.Project.CredentialType() == supabase.TypeSessionToken && !expires.IsZero() && time.Until(expires) < expiresSoon {
		s.warn(Problem{
			Field: "credentials", Problem: fmt.Sprintf("the token ends in %s, and reading with it", time.Until(expires).Round(time.Second)),
			Remedy: "for a longer run write a newer token, or keys that do not end",
		})
	}
	return s
}

func (c *checker) describeCredentials(cred object.Credentials, expires time.Time) string {
	kind := c.conf.Project.CredentialType()
	text := fmt.Sprintf("type %s, role %s (%s)", kind, c.identity.Role, rowLevelSecurity(c.identity))
	switch kind {
	case supabase.TypeAccessKey:
		text = fmt.Sprintf("type %s, key %s, role %s (%s)", kind, masked(cred.AccessKeyID), c.identity.Role, rowLevelSecurity(c.identity))
	case supabase.TypeSecretKey:
		text = fmt.Sprintf("type %s, key %s, role %s (%s)", kind, masked(cred.APIKey), c.identity.Role, rowLevelSecurity(c.identity))
	}
	if kind == supabase.TypeUser {
		text += ", user " + c.identity.User()
	}
	switch {
	case expires.IsZero() && !c.conf.Project.Expires.IsZero():
		text += ", until " + c.conf.Project.Expires.UTC().Format(time.RFC3339) + ", which is over by the clock of this machine"
	case expires.IsZero():
		text += ", no end"
	default:
		text += ", until " + expires.UTC().Format(time.RFC3339)
	}
	return text + c.describePlane(cred)
}

// describePlane says over which plane requests go, why, and what would be different
// over the other one. S3 access keys have no other one.
func (c *checker) describePlane(cred object.Credentials) string {
	switch {
	case !cred.Signs():
		return ", over the Storage REST API, since the keys are new API keys; S3 access keys (type: " + supabase.TypeAccessKey + ") would read past every cache"
	case c.conf.Project.CredentialType() == supabase.TypeAccessKey:
		return ""
	case c.conf.Project.CredentialType() == supabase.TypeAccessToken:
		return ", over the S3 protocol, since the legacy API keys are enabled; a secret key takes their place when they end"
	}
	return ", over the S3 protocol, since the keys are legacy API keys; a publishable key in place of the anon key works on when these end"
}

func rowLevelSecurity(i supabase.Identity) string {
	if i.BypassesRLS() {
		return "bypasses row level security"
	}
	return "sees what row level security shows it"
}

// masked shows the end of a key that is long enough for that, so that it can be
// found in a list of keys.
func masked(key string) string {
	const shown = 4
	if len(key) < 4*shown {
		return "****"
	}
	return "****" + key[len(key)-shown:]
}

// aboutBucket reports whether an answer is about the bucket, and was given to
// credentials that are good.
func aboutBucket(err error) bool {
	if errors.Is(err, object.ErrNoBucket) || errors.Is(err, object.ErrDenied) {
		return true
	}
	e, ok := errors.AsType[*object.Error](err)
	return ok && (e.Code == "DatabaseTimeout" || e.Status == 544)
}

// wrongRegion reports whether the region is what the server refused.
func (c *checker) wrongRegion() bool {
	e, ok := errors.AsType[*supabase.FieldError](c.conf.Project.Explain(c.access.err, c.access.serverRegion))
	return ok && e.Field == config.FieldRegion
}

func (c *checker) checkRegion() Step {
	own, server := c.conf.Project.Region, c.access.serverRegion
	switch {
	case c.conf.Project.OverREST():
		return Step{Name: StepRegion, Status: OK, Found: "not needed: requests over the Storage REST API are not signed"}
	case c.access.err != nil && c.wrongRegion():
		return c.failed(StepRegion, "", c.access.err)
	case server == "" || server == own || server == supabase.UniversalRegion:
		return Step{Name: StepRegion, Status: OK, Found: own}
	}
	return Step{Name: StepRegion, Status: OK, Found: fmt.Sprintf("%s is accepted; the server's own is %s", own, server)}
}

// checkBucket says whether the bucket can be listed. Where nothing is below the
// prefix it looks for any object.
func (c *checker) checkBucket(ctx context.Context) Step {
	s := Step{Name: StepBucket, Status: OK, Found: fmt.Sprintf("%q can be listed", c.conf.Project.Bucket)}
	err := c.access.err
	if err == nil && !c.access.found && c.conf.Filter.ListPrefix() != "" {
		c.elsewhere, c.notEmpty, err = c.probe(ctx, "")
	}
	switch {
	case err != nil:
		return failedStep(StepBucket, "", NameNearBucket(ctx, c.client, c.conf.Project.Bucket, c.explain(err)))
	case c.access.found || c.notEmpty:
		return s
	}
	c.empty = true
	c.nothingDue(&s, c.emptyBucket())
	return s
}

// nothingDue warns that nothing of the bucket would be delivered. Of several buckets some
// have nothing to deliver, and nobody needs to look at these, unless row level security
// may be the reason.
func (c *checker) nothingDue(s *Step, p Problem) {
	if c.several != nil && c.identity.BypassesRLS() {
		s.Found = p.Problem
		return
	}
	s.warn(p)
}

func (c *checker) emptyBucket() Problem {
	if c.identity.BypassesRLS() {
		return Problem{
			Field: config.FieldSourcePath, Problem: fmt.Sprintf("the bucket %q is empty, so there is nothing to deliver", c.conf.Project.Bucket),
			Remedy: "nothing, if objects are still to come; else compare its name with those in the Dashboard under Storage",
		}
	}
	return Problem{
		Field:   config.FieldSourcePath,
		Problem: fmt.Sprintf("no object of the bucket %q is visible: it is empty, or row level security hides its objects from the role %s", c.conf.Project.Bucket, c.identity.Role),
		Remedy:  "allow SELECT in a policy on storage.objects, or use keys that bypass row level security",
	}
}

func (c *checker) checkPrefix() Step {
	s := Step{Name: StepPrefix, Status: OK}
	prefix, listed := c.conf.Prefix, c.conf.Filter.ListPrefix()
	switch {
	case c.empty:
		s.Status, s.Found = Skipped, "the bucket shows no objects"
	case c.access.found && listed == "":
		s.Found = "none: the whole bucket is listed"
	case c.access.found:
		s.Found = fmt.Sprintf("%q, the first key is %q", prefix, c.access.first.Key)
		if listed != prefix {
			s.Found = fmt.Sprintf("%q, listed from %q on, where all include_patterns lie; the first key is %q", prefix, listed, c.access.first.Key)
		}
	default:
		c.empty = true
		field := config.FieldSourcePath
		if listed != prefix {
			field = config.FieldIncludePatterns
		}
		c.nothingDue(&s, Problem{
			Field: field, Problem: fmt.Sprintf("no key begins with %q, so there is nothing to deliver; the first key of the bucket is %q", listed, c.elsewhere.Key),
			Remedy: "the prefix is literal and case-sensitive, and starts without a slash: compare it with that key",
		})
	}
	return s
}
