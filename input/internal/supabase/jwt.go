package supabase

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
)

// claims are those of a JWT that tell what it is good for. The signature is not
// checked: only the server can.
type claims struct {
	Role   string  `json:"role"`
	Ref    string  `json:"ref"`
	Issuer string  `json:"iss"`
	Exp    float64 `json:"exp"`
	// Subject and Email are those of a user.
	Subject string `json:"sub"`
	Email   string `json:"email"`
}

// parseJWT reads the claims of a JWT in its compact form. It reports false for
// everything else.
func parseJWT(token string) (claims, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] == "" {
		return claims{}, false
	}
	var header struct {
		Alg string `json:"alg"`
	}
	var c claims
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &c) || header.Alg == "" {
		return claims{}, false
	}
	if _, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return claims{}, false
	}
	// A token may come from an answer, and these are shown.
	for _, shown := range []*string{&c.Role, &c.Subject, &c.Email, &c.Ref} {
		*shown = foreign.Text(*shown, foreign.Short)
	}
	return c, true
}

func decodePart(part string, into any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(raw, into) == nil
}

// project is the reference of the project that issued the token, empty where
// the token does not tell. API keys name it, a user's token comes from the
// project's own address, and those of a local or self-hosted stack name none.
func (c claims) project() string {
	if c.Ref != "" {
		return c.Ref
	}
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return ""
	}
	return hostedRef(u.Hostname())
}

// demo reports whether this is one of the well-known keys of a local stack.
func (c claims) demo() bool { return c.Issuer == "supabase-demo" }

// expires is zero for a token without an end.
func (c claims) expires() time.Time {
	if c.Exp <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(c.Exp), 0).UTC()
}
