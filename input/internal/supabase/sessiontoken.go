package supabase

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// localTenant is the tenant of Supabase's local stack and of its self-hosting
// templates, whose keys name no project.
const localTenant = "stub"

// useSessionToken checks a JWT that decides the role, and the anon key that
// signs the request. The id of the signature is the project's reference.
func (p *Project) useSessionToken(problems *Problems) {
	c := &p.auth
	before := len(*problems)
	if !c.given(fieldServiceKey, fieldUserToken) {
		problems.add(fieldServiceKey, "is missing, and so is "+fieldUserToken,
			"write the service_role key ("+whereAPIKeys+"), or the token of a user whose row level security is to apply"+p.aloneReadsNothing())
		return
	}
	if c.given(fieldServiceKey) && c.given(fieldUserToken) {
		problems.add(c.name(fieldUserToken), "is set together with "+c.name(fieldServiceKey), "keep one: "+fieldServiceKey+" reads everything, "+fieldUserToken+" what that user may see")
		return
	}
	p.checkOneProjectKey(problems)
	var anon claims
	if c.given(fieldPublishable) {
		p.checkRESTAddress(problems)
		p.checkPublishableKey(problems)
		p.checkNotSwapped(problems)
	}
	if len(*problems) > before {
		return
	}
	anon = p.checkAnonKey(problems)
	field, token, check := fieldServiceKey, c.ServiceRoleKey, p.checkServiceKey
	if c.given(fieldUserToken) {
		field, token, check = fieldUserToken, c.UserToken, p.checkUserToken
	}
	if token == "" || len(c.Files) > 0 {
		return // the rest is checked when the files are read
	}
	seen, ok := check(problems)
	if !ok || len(*problems) > before {
		return
	}
	if c.given(fieldPublishable) {
		p.Ref = cmp.Or(p.Ref, seen.project()) // no request is signed with it
	} else {
		p.findRef(anon, seen, problems)
	}
	p.checkProject(fieldAnonKey, anon, problems)
	p.checkProject(field, seen, problems)
	p.actAs(seen, seen.expires())
	switch {
	case !p.hasEnded():
	case time.Since(p.Expires) > maxSkew:
		problems.add(field, "expired on "+p.Expires.Format(time.RFC3339), renewal(field))
	default:
		p.Warnings.add(c.name(field), "expired on "+p.Expires.Format(time.RFC3339)+" by the clock of this machine, and is used all the same, since the server's clock decides",
			"if that agrees, "+renewal(field))
	}
	if c.given(fieldPublishable) {
		p.bear(c.PublishableKey, token)
		return
	}
	p.signWith(c.AnonKey, token)
}

// aloneReadsNothing is added to the remedy for a token that is missing.
func (p *Project) aloneReadsNothing() string {
	if !p.auth.given(fieldPublishable) {
		return ""
	}
	return "; the publishable key alone reads nothing: the server answers it with empty lists"
}

// checkNotSwapped finds the publishable key and the token in each other's place.
func (p *Project) checkNotSwapped(problems *Problems) {
	c := &p.auth
	for _, field := range []string{fieldUserToken, fieldServiceKey} {
		if kindOf(*c.value(field)) == kindPublishable && kindOf(c.PublishableKey) == kindJWT {
			*problems = Problems{{Field: fieldPublishable, Problem: "holds a JWT, and " + field + " the publishable key", Remedy: "swap the two"}}
		}
	}
}

// bear makes the keys of a token that goes over the REST API, with the project's
// publishable key.
func (p *Project) bear(publishable, token string) {
	p.keys = object.Credentials{APIKey: publishable, SessionToken: token, Expires: p.Expires}
	if p.hasEnded() {
		p.keys.Expires = time.Time{}
	}
}

// actAs takes over what a token says of its bearer.
func (p *Project) actAs(token claims, expires time.Time) {
	p.Identity, p.Expires = token.identity(), expires
}

// maxSkew is how far the clock of a machine may be ahead before nobody can work
// with it: one that shows local time as UTC is ahead by up to 14 hours, and
// beyond a day the certificates of servers are found too old or too new.
const maxSkew = 24 * time.Hour

// hasEnded reports whether the token is over by the clock of this machine. A
// server whose clock is behind still accepts it.
func (p *Project) hasEnded() bool { return !p.Expires.IsZero() && !p.Expires.After(time.Now()) }

// signWith makes the keys of a session token. Without an anon key the reference
// signs, which no release of the server was seen to accept. The end of a token
// that is over by this clock and comes only now is not known.
func (p *Project) signWith(anonKey, token string) {
	p.keys = object.Credentials{
		AccessKeyID: p.Ref, SecretAccessKey: cmp.Or(anonKey, p.Ref), SessionToken: token, Expires: p.Expires,
		APIKey: anonKey,
	}
	if p.hasEnded() {
		p.keys.Expires = time.Time{}
	}
}

func renewal(field string) string {
	if strings.TrimSuffix(field, FileSuffix) == fieldUserToken {
		return "sign the user in again and write the new access token; to read for longer than a token lasts use type: " + TypeUser + ", a service_role key or an S3 access key"
	}
	return "copy the current service_role key: " + whereAPIKeys
}

// readJWT checks that value is a JWT at all, and returns its claims.
func (c *CredentialSettings) readJWT(field, value, want string, problems *Problems) (claims, bool) {
	if !c.checkKey(field, value, problems) {
		return claims{}, false
	}
	kind := kindOf(value)
	seen, ok := parseJWT(value)
	switch {
	case ok:
		return seen, true
	case kind == kindJWT:
		problems.add(field, "holds a JWT that is damaged or incomplete", "copy "+want+" again, as a whole: three parts with dots between them")
	case kind == kindPublishable || kind == kindNewSecret:
		problems.add(field, "holds "+kind.String()+", where a JWT is needed: the server answers such a key with SignatureDoesNotMatch or Invalid Compact JWS",
			newKeyPlace(kind, field)+"; or write "+want+" ("+whereAPIKeys+")")
	case kind != kindOther:
		problems.add(field, "holds "+kind.String()+", where a JWT is needed", "write "+want+" ("+whereAPIKeys+")")
	default:
		problems.add(field, "is not a JWT (three parts with dots between them, beginning with eyJ)", "write "+want+" ("+whereAPIKeys+")")
	}
	return claims{}, false
}

// newKeyPlace says where a new API key belongs that stands in place of a JWT.
func newKeyPlace(kind keyKind, field string) string {
	switch {
	case kind == kindNewSecret:
		return "write type: " + TypeSecretKey + ", and the key into " + fieldSecretKey
	case field == fieldAnonKey:
		return "move it to " + fieldPublishable
	}
	return "move it to " + fieldPublishable + ", where it goes with the token of a user"
}

// checkAnonKey checks the key that signs. The server compares it and does not
// verify it, so that its date does not matter.
func (p *Project) checkAnonKey(problems *Problems) claims {
	if p.auth.AnonKey == "" {
		return claims{}
	}
	const want = "the project's anon key"
	c, ok := p.auth.readJWT(fieldAnonKey, p.auth.AnonKey, want, problems)
	switch {
	case !ok || c.Role == "anon":
	case c.Role == "service_role":
		problems.add(fieldAnonKey, "holds the service_role key", "move it to "+fieldServiceKey+" and write "+want+" here; "+whereAPIKeys)
	default:
		problems.add(fieldAnonKey, fmt.Sprintf("holds a token with the role %q", c.Role), "write "+want+", whose role is anon; "+whereAPIKeys)
	}
	return c
}

// checkServiceKey insists on the role, because a key of another one would look
// like an empty bucket.
func (p *Project) checkServiceKey(problems *Problems) (claims, bool) {
	const want = "the project's service_role key"
	c, ok := p.auth.readJWT(fieldServiceKey, p.auth.ServiceRoleKey, want, problems)
	if !ok {
		return c, false
	}
	switch c.Role {
	case "service_role":
		return c, true
	case "anon":
		problems.add(fieldServiceKey, "holds the anon key, which sees nothing that is not public", "move it to "+fieldAnonKey+" and write "+want+" here; "+whereAPIKeys)
	default:
		problems.add(fieldServiceKey, fmt.Sprintf("holds a token with the role %q", c.Role), "write "+want+" ("+whereAPIKeys+"), or move the token to "+fieldUserToken)
	}
	return c, false
}

// checkUserToken refuses a service_role key, which would lift the very limits
// that a user's token is chosen for. The anon key only earns a warning: a policy
// may let everybody read.
func (p *Project) checkUserToken(problems *Problems) (claims, bool) {
	c, ok := p.auth.readJWT(fieldUserToken, p.auth.UserToken, "the access token of a signed-in user", problems)
	if !ok {
		return c, false
	}
	switch c.Role {
	case "service_role":
		problems.add(fieldUserToken, "holds the service_role key, which row level security does not limit", "move it to "+fieldServiceKey+" if everything is to be read, else write the access token of a signed-in user")
		return c, false
	case "anon", "":
		p.Warnings.add(fieldUserToken, "holds a token of no user (role anon): only objects that a policy on storage.objects shows to everybody are listed", "")
	}
	return c, true
}

// findRef completes the project's reference from the keys.
func (p *Project) findRef(anon, token claims, problems *Problems) {
	p.Ref = cmp.Or(p.Ref, anon.project(), token.project())
	if p.Ref == "" && (anon.demo() || token.demo()) {
		p.Ref = localTenant
	}
	if p.Ref == "" {
		problems.add("project_ref", "is needed to sign with a session token, and the keys do not name it",
			"write it next to endpoint: the TENANT_ID of the storage service, which is "+localTenant+" in Supabase's own templates")
	}
}

// checkProject finds a key of another project.
func (p *Project) checkProject(field string, c claims, problems *Problems) {
	ref := c.project()
	if ref == "" || ref == p.Ref {
		return
	}
	remedy := "write the key of this project (" + whereAPIKeys + "), or change project_ref"
	if field == fieldUserToken {
		remedy = "sign in to this project, or change project_ref"
	}
	problems.add(field, fmt.Sprintf("is a key of the project %q, but the configuration is for %q", ref, p.Ref), remedy)
}
