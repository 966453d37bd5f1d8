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
	// Name is the project's name. Default: "Local emulator".
	Name string
	// Branch says that the project is a preview branch of another.
	Branch bool
	// Region is the region in the credential scope. Default: "eu-central-1",
	// so that a client that forgets the region and sends us-east-1 fails.
	Region string
	// AccessKeyID and SecretAccessKey are the S3 access key pair. The defaults
	// are fixed, so that settings can be pasted once.
	AccessKeyID, SecretAccessKey string
	// JWTSecret signs and verifies tokens (HS256). The default is fixed.
	JWTSecret string
	// Clock tells the time for LastModified, token expiry and the expiry of
	// presigned URLs. Default: time.Now.
	Clock func() time.Time
	// ReadOnly refuses every write with 503 DatabaseReadOnly, as a project without
	// free disk space does.
	ReadOnly bool
	// S3Backend answers as a server whose blobs are in S3 (hosted projects):
	// a missing blob is 404 S3Error instead of 500 InternalError, a range that
	// cannot be satisfied has the code S3Error, keys may hold dot segments, and the
	// ETag of a large upload is not its MD5.
	S3Backend bool
	// MultiTenant answers as the hosted service where it differs from a self-hosted
	// server: an unknown S3 access key is 403 InvalidAccessKeyId.
	MultiTenant bool
	// TokenLifetime is how long the access tokens of Auth are valid. Default:
	// an hour, as in a new project. [Server.SetTokenLifetime] changes it.
	TokenLifetime time.Duration
	// SessionLifetime is how long after the sign-in a session of Auth ends (a
	// project with time-boxed sessions). 0, the default, is never.
	SessionLifetime time.Duration
	// OldAuthErrors answers with {"error", "error_description"}, as Auth did before
	// it had error codes. Self-hosted projects may still do so.
	OldAuthErrors bool
	// AccessToken is a personal access token that may do everything in the
	// Management API. The default is fixed.
	AccessToken string
	// APIRateLimit is how many requests a minute the Management API answers for one
	// access token and one project or organization. 0 is 120, as in production;
	// negative is no limit.
	APIRateLimit int
	// Gateway is what stands in front of Storage. Default: GatewayKong.
	Gateway Gateway
	// GatewayTimeout is how long a whole answer may take behind [GatewayEnvoy], and
	// behind the others if it is set. 0 is 30 s for Envoy and no limit for the others;
	// negative is no limit.
	GatewayTimeout time.Duration
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

	defaultPublishableKey = publishablePrefix + "10ca1e0000000000000000_acce5500"
	defaultSecretAPIKey   = secretPrefix + "10ca1e0000000000000000_5ec4e700"
	defaultAccessToken    = "sbp_10ca1e0000000000000000000000000000acce55"
	defaultAPIRateLimit   = 120
)

func (o Options) withDefaults() Options {
	o.ProjectRef = cmp.Or(o.ProjectRef, defaultRef)
	o.Name = cmp.Or(o.Name, "Local emulator")
	o.Region = cmp.Or(o.Region, defaultRegion)
	o.AccessKeyID = cmp.Or(o.AccessKeyID, defaultAccessKey)
	o.SecretAccessKey = cmp.Or(o.SecretAccessKey, defaultSecretKey)
	o.JWTSecret = cmp.Or(o.JWTSecret, defaultJWTSecret)
	o.LogLimit = cmp.Or(o.LogLimit, defaultLogLimit)
	o.TokenLifetime = cmp.Or(o.TokenLifetime, time.Hour)
	o.AccessToken = cmp.Or(o.AccessToken, defaultAccessToken)
	o.APIRateLimit = cmp.Or(o.APIRateLimit, defaultAPIRateLimit)
	o.Gateway = cmp.Or(o.Gateway, GatewayKong)
	if o.Gateway == GatewayEnvoy {
		o.GatewayTimeout = cmp.Or(o.GatewayTimeout, defaultGatewayTimeout)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o
}

// Settings are what a client needs to know of the project.
type Settings struct {
	ProjectRef, Region           string
	AccessKeyID, SecretAccessKey string
	// AnonKey and ServiceRoleKey are the project's JWTs, its legacy API keys.
	AnonKey, ServiceRoleKey string
	// PublishableKey and SecretKey are its API keys of the new kind.
	PublishableKey, SecretKey string
	// AccessToken is the personal access token of [Options].
	AccessToken string
}

// Settings returns the project's settings, secrets included, as they are now.
func (s *Server) Settings() Settings { return s.project.load().settings }

// keyIssued and keyExpires bound the life of the project's own keys. They are fixed,
// so that the keys are the same in every run, and far apart, so that the keys are
// also valid by the clock of a testing/synctest bubble, which starts in 2000.
const (
	keyIssued  int64 = 946684800  // 2000-01-01
	keyExpires int64 = 4102444800 // 2100-01-01
)

// Token signs claims with the project's current JWT secret. Nothing is added to
// them: a token without "exp" never expires, and a token without "role" is
// anonymous.
func (s *Server) Token(claims map[string]any) string {
	return signToken(s.project.load().jwtSecret, claims)
}

func signToken(secret []byte, claims map[string]any) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims)).SignedString(secret)
	if err != nil {
		// Claims that are not JSON: the caller's mistake.
		panic("emulator: signing a token: " + err.Error())
	}
	return token
}

// UserToken is an access token of the user sub, without a session, valid for ttl from
// now. A ttl that is not positive gives a token that has expired.
func (s *Server) UserToken(sub string, ttl time.Duration) string {
	now := s.clock()
	return s.Token(map[string]any{
		"iss": "supabase", "aud": "authenticated", "role": "authenticated", "sub": sub,
		"iat": now.Unix(), "exp": now.Add(ttl).Unix(),
	})
}
