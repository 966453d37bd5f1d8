package supabase

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
)

// The values of CredentialSettings.Type.
const (
	TypeAccessKey    = "access_key"
	TypeSessionToken = "session_token"
)

// UniversalRegion is the one that requests are signed for where none is
// configured. Supabase accepts it whatever the server's own region is, unless
// it was set up to insist.
const UniversalRegion = "us-east-1"

// Settings are what the user wrote. A field that was not written is empty.
type Settings struct {
	ProjectRef  string
	Endpoint    string
	Region      string
	Bucket      string
	Credentials CredentialSettings
}

// CredentialSettings are the fields below credentials. All but Type are secret.
type CredentialSettings struct {
	Type            string
	AccessKeyID     string
	SecretAccessKey string
	AnonKey         string
	ServiceRoleKey  string
	UserToken       string
}

// Project is a configuration that was found to make sense.
type Project struct {
	// Ref is the project's reference, empty where a self-hosted one has none.
	Ref string
	// Endpoint is the base URL of the S3 protocol, without a trailing slash.
	Endpoint string
	// Region is the one that requests are signed for.
	Region string
	// Bucket is the bucket's name.
	Bucket string
	// Role is the Postgres role that the server acts as, for logs and hints.
	Role string
	// Expires is when the session token ends, zero where it does not.
	Expires time.Time
	// Warnings are worth a line in the log at the start. They hold no secret.
	Warnings []string

	keys       bucket.Credentials
	auth       CredentialSettings
	ownAddress bool // Endpoint was written, not derived
}

// Resolve checks the settings and returns the project they describe. Its error
// is of the type [Problems], in the order of the fields, and names everything
// that can be known without a request.
func Resolve(s Settings) (Project, error) {
	p := Project{
		Bucket: s.Bucket, Region: cmp.Or(s.Region, UniversalRegion),
		auth: s.Credentials, ownAddress: s.Endpoint != "",
	}
	var problems Problems
	p.locate(s, &problems)
	checkRegion(s.Region, &problems)
	switch s.Credentials.Type {
	case TypeAccessKey:
		p.useAccessKey(&problems)
	case TypeSessionToken:
		p.useSessionToken(&problems)
	default:
		problems.add("credentials.type", "is not one of "+TypeAccessKey+" and "+TypeSessionToken,
			"write "+TypeAccessKey+" for S3 access keys, "+TypeSessionToken+" for a service_role key or the token of a user")
	}
	if len(problems) > 0 {
		slices.SortStableFunc(problems, func(a, b *FieldError) int { return cmp.Compare(rank(a.Field), rank(b.Field)) })
		return Project{}, problems
	}
	return p, nil
}

// fieldOrder is the order in which a user meets the fields.
var fieldOrder = []string{
	"project_ref", "endpoint", "region", "credentials.type", fieldKeyID, fieldSecret,
	fieldAnonKey, fieldServiceKey, fieldUserToken,
}

func rank(field string) int { return slices.Index(fieldOrder, field) }

// Credentials returns what requests are signed with. It never fails and makes
// no request.
func (p Project) Credentials(context.Context) (bucket.Credentials, error) {
	return p.keys, nil
}
