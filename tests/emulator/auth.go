package emulator

import (
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// authenticate finds out who the caller is.
func (x *exchange) authenticate() error {
	var err error
	if x.surface == surfaceREST {
		err = x.verifyBearer()
	} else {
		x.caller, err = x.verifySignature()
	}
	if err != nil {
		return err
	}
	switch x.caller.role {
	case roleAnon, roleAuthenticated, roleService:
		return nil
	}
	return failDatabase("22023") // SET ROLE to a role that does not exist
}

// access says what a path of the REST API requires of the caller.
type access int

const (
	// needsToken is the rule: without a valid token there is no answer.
	needsToken access = iota
	// needsHeader wants to see the header before it looks for a token in it.
	needsHeader
	// takesAny lets those without a valid token in, to the public buckets.
	takesAny
	// publicOnly does not look at tokens.
	publicOnly
)

// bearer matches the scheme before a token.
var bearer = regexp.MustCompile(`(?i)^Bearer\s+`)

// verifyBearer checks the token of a request to the REST API.
func (x *exchange) verifyBearer() error {
	header, present := x.authorization()
	if x.access == needsHeader && !present {
		return failInvalidRequest("headers must have required property 'authorization'")
	}
	x.caller = caller{role: roleAnon}
	if x.access == publicOnly {
		return nil
	}
	token := bearer.ReplaceAllString(header, "")
	known, err := x.s.project.load().verifyToken(token, x.s.clock())
	switch {
	case err == nil:
		x.caller, x.authenticated = known, true
	case x.access != takesAny:
		return err
	}
	return nil
}

// verifySignature checks a signed S3 request. With a session token the key id
// is the project's reference, the secret its anon key (newer servers also accept
// the reference), and the token says who the caller is. Without a token the S3
// access key acts as service_role.
func (x *exchange) verifySignature() (caller, error) {
	p := x.s.project.load()
	set := &p.settings
	sig, err := readSignature(x.r, x.req.Query, x.s.clock())
	if err != nil {
		return caller{}, err
	}
	keyID := set.AccessKeyID
	if sig.sessionToken != "" {
		keyID = set.ProjectRef
	}
	switch {
	case sig.accessKey == keyID:
	case x.s.multiTenant && sig.sessionToken == "":
		return caller{}, failAccessKeyID
	default:
		return caller{}, failDenied("Invalid Access Key")
	}
	if sig.service != "s3" {
		return caller{}, failDenied("Invalid Service")
	}
	if sig.sessionToken == "" {
		if !x.matches(sig, set, set.SecretAccessKey) {
			return caller{}, failSignature
		}
		return caller{role: roleService}, nil
	}
	anon := p.state.LegacyKeys != LegacyNone && x.matches(sig, set, set.AnonKey)
	if !anon && !x.matches(sig, set, set.ProjectRef) {
		return caller{}, failTokenSignature
	}
	return p.verifyToken(sig.sessionToken, x.s.clock())
}

// tokenCache remembers tokens whose signature was verified. Their expiry is
// checked every time.
type tokenCache struct {
	mu     sync.RWMutex
	claims map[string]jwt.MapClaims
}

// verifyToken checks a JWT and returns the caller that it names.
func (p *snapshot) verifyToken(token string, at time.Time) (caller, error) {
	p.tokens.mu.RLock()
	claims, ok := p.tokens.claims[token]
	p.tokens.mu.RUnlock()
	if !ok {
		var err error
		if claims, err = p.parseToken(token); err != nil {
			return caller{}, err
		}
		p.tokens.add(token, claims)
	}
	now := float64(at.UnixMilli()) / 1000
	if exp, ok := claims["exp"].(float64); ok && exp <= now {
		return caller{}, failDenied(`"exp" claim timestamp check failed`)
	}
	if nbf, ok := claims["nbf"].(float64); ok && nbf > now {
		return caller{}, failDenied(`"nbf" claim timestamp check failed`)
	}
	role, ok := claims["role"].(string)
	if !ok || role == "" {
		role = roleAnon
	}
	return caller{role, claims}, nil
}

func (p *snapshot) parseToken(token string) (jwt.MapClaims, error) {
	if strings.Count(token, ".") != 2 {
		return nil, failDenied("Invalid Compact JWS")
	}
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return p.jwtSecret, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithoutClaimsValidation())
	switch {
	case err == nil:
		return claims, nil
	case errors.Is(err, jwt.ErrTokenMalformed):
		return nil, failDenied("Invalid Compact JWS")
	}
	return nil, failDenied("signature verification failed")
}

func (c *tokenCache) add(token string, claims jwt.MapClaims) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.claims == nil || len(c.claims) >= 1024 {
		c.claims = map[string]jwt.MapClaims{}
	}
	c.claims[token] = claims
}
