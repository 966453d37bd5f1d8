package emulator

import (
	"cmp"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Options shape a [Server]. The zero value is a complete project.
type Options struct {
	// ProjectRef is the project's reference, 20 letters. Default:
	// "localemulatorproject".
	ProjectRef string
	// Region is the region in the credential scope. Default: "eu-central-1",
	// which is not us-east-1, so that a client that forgets it is found out.
	Region string
	// AccessKeyID and SecretAccessKey are the S3 access key pair. The defaults
	// are fixed, so that settings can be pasted once.
	AccessKeyID, SecretAccessKey string
	// JWTSecret signs and verifies tokens (HS256). The default is fixed.
	JWTSecret string
	// Clock tells the time for LastModified, token expiry and the expiry of
	// presigned URLs. Default: time.Now.
	Clock func() time.Time
	// ReadOnly refuses every write with 503 DatabaseReadOnly, as a project
	// does that ran out of disk.
	ReadOnly bool
	// S3Backend answers as a server whose blobs are in S3 (hosted projects):
	// a missing blob is 404 S3Error instead of 500 InternalError, a range that
	// cannot be satisfied has the code S3Error, and keys may hold dot segments.
	S3Backend bool
	// LogLimit is the number of requests that [Server.Log] keeps, the newest.
	// 0 is 10000, negative keeps none. Counts are exact whatever the limit.
	LogLimit int
}

// The defaults of [Options]. They protect nothing: they are the same everywhere.
const (
	defaultRef       = "localemulatorproject"
	defaultRegion    = "eu-central-1"
	defaultAccessKey = "10ca1e0000000000000000000000acce"
	defaultSecretKey = "10ca1e000000000000000000000000000000000000000000000000000005ec4e"
	defaultJWTSecret = "local-emulator-jwt-secret-that-protects-nothing"
	defaultLogLimit  = 10_000
)

func (o Options) withDefaults() Options {
	o.ProjectRef = cmp.Or(o.ProjectRef, defaultRef)
	o.Region = cmp.Or(o.Region, defaultRegion)
	o.AccessKeyID = cmp.Or(o.AccessKeyID, defaultAccessKey)
	o.SecretAccessKey = cmp.Or(o.SecretAccessKey, defaultSecretKey)
	o.JWTSecret = cmp.Or(o.JWTSecret, defaultJWTSecret)
	o.LogLimit = cmp.Or(o.LogLimit, defaultLogLimit)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o
}

// Settings are what a client needs to know of the project.
type Settings struct {
	ProjectRef, Region           string
	AccessKeyID, SecretAccessKey string
	// AnonKey and ServiceRoleKey are the project's JWTs.
	AnonKey, ServiceRoleKey string
}

// Settings returns the project's settings, secrets included.
func (s *Server) Settings() Settings { return s.settings }

// keyIssued and keyExpires bound the project's own keys. They are fixed, so
// that the keys are the same in every run, and wide, so that they are valid
// under the clock of a testing/synctest bubble too, which starts in 2000.
const (
	keyIssued  = 946684800  // 2000-01-01
	keyExpires = 4102444800 // 2100-01-01
)

func (s *Server) projectKey(ref, role string) string {
	return s.Token(map[string]any{
		"iss": "supabase", "ref": ref, "role": role, "iat": keyIssued, "exp": keyExpires,
	})
}

// Token signs claims with the project's JWT secret. Nothing is added to them:
// a token without "exp" never expires, one without "role" is anonymous.
func (s *Server) Token(claims map[string]any) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims)).SignedString(s.jwtSecret)
	if err != nil {
		// Claims that are no JSON: the caller's mistake.
		panic("emulator: signing a token: " + err.Error())
	}
	return token
}

// UserToken is the access token of the signed-in user sub, valid for ttl from
// now. A ttl that is not positive gives a token that has expired.
func (s *Server) UserToken(sub string, ttl time.Duration) string {
	now := s.clock()
	return s.Token(map[string]any{
		"iss": "supabase", "aud": "authenticated", "role": "authenticated", "sub": sub,
		"iat": now.Unix(), "exp": now.Add(ttl).Unix(),
	})
}
