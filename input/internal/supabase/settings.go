package supabase

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
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

	fleet bool // it is one of many: see ForProject
}

// CredentialSettings are the fields below credentials. All but Type, Email and
// the URLs are secret.
type CredentialSettings struct {
	Type            string
	AccessKeyID     string
	SecretAccessKey string
	SecretKey       string
	PublishableKey  string
	AnonKey         string
	ServiceRoleKey  string
	UserToken       string
	Email           string
	Password        string
	AccessToken     string
	// AuthURL and APIURL are the addresses of Auth and of the Management API,
	// where they are not the usual ones.
	AuthURL, APIURL string
	// Files are the paths of files with values, by the field whose value a file
	// holds, such as "credentials.password". [Settings.Read] puts the values in place.
	Files map[string]string

	fromFile map[string]bool // by field
}

// Project is a configuration that was found to make sense.
type Project struct {
	// Ref is the project's reference, empty where a self-hosted one has none.
	Ref string
	// Endpoint is the base URL of the S3 protocol, without a trailing slash.
	Endpoint string
	// AuthURL is where users sign in, and APIURL the Management API, without a
	// trailing slash; empty where the type of credentials asks neither.
	AuthURL, APIURL string
	// Region is the one that requests are signed for.
	Region string
	// Bucket is the bucket's name.
	Bucket string
	// Identity is who the server treats the sender of a request as; it is zero
	// until there are keys.
	Identity Identity
	// Expires is when the session token ends, zero where it does not.
	Expires time.Time
	// Warnings are worth a line in the log at the start. They hold no secret.
	Warnings Problems

	keys       object.Credentials
	auth       CredentialSettings
	ownAddress bool // Endpoint was written, not derived
	ownRegion  bool // Region was written
	fleet      bool // it is one of many, whose reference was not written as project_ref
}

// Resolve checks the settings and returns the project they describe. Its error
// is of the type [Problems], in the order of the fields, and names everything
// that can be known without a request and without reading a file.
//
// Keys returns something at once where the settings hold all there is to know.
// Otherwise: where they name files, resolve what [Settings.Read] makes of them;
// then, for the type user, see [Project.SignedIn], and for access_token
// [Project.WithAPIKeys] and [Project.WithSecretKey].
func Resolve(s Settings) (Project, error) {
	p := Project{
		Bucket: s.Bucket, Region: cmp.Or(s.Region, UniversalRegion),
		auth: s.Credentials, ownAddress: s.Endpoint != "", ownRegion: s.Region != "", fleet: s.fleet,
	}
	var problems Problems
	p.locate(s, &problems)
	checkRegion(s.Region, &problems)
	p.checkFiles(&problems)
	if p.checkType(&problems) {
		switch s.Credentials.Type {
		case TypeAccessKey:
			p.useAccessKey(&problems)
		case TypeSecretKey:
			p.useSecretKey(&problems)
		case TypeSessionToken:
			p.useSessionToken(&problems)
		case TypeUser:
			p.useUser(&problems)
		case TypeAccessToken:
			p.useAccessToken(&problems)
		}
	}
	return p.checked(problems)
}

// checked returns the project, or its problems under the names of the fields
// that the user wrote.
func (p Project) checked(problems Problems) (Project, error) {
	if len(problems) == 0 {
		p.Warnings = append(p.Warnings, p.Unencrypted()...)
		return p, nil
	}
	for _, problem := range problems {
		if p.auth.fromFile[problem.Field] {
			problem.Field += FileSuffix
		}
	}
	slices.SortStableFunc(problems, func(a, b *FieldError) int { return cmp.Compare(rank(a.Field), rank(b.Field)) })
	return Project{}, problems
}

// Keys returns what requests are signed with, and false where that is not known
// yet: see [Resolve].
func (p Project) Keys() (object.Credentials, bool) {
	keys := p.keys
	keys.Region = p.Region
	return keys, p.keys != object.Credentials{}
}

// CredentialType is the value of credentials.type.
func (p Project) CredentialType() string { return p.auth.Type }
