package supabase

import (
	"cmp"
	"net/url"
	"strings"
	"time"
)

// authPath is where a Supabase gateway serves Auth.
const authPath = "/auth/v1"

// useUser checks what a user signs in with.
func (p *Project) useUser(problems *Problems) {
	c := &p.auth
	before := len(*problems)
	if !c.given(fieldAnonKey, fieldPublishable) {
		problems.add(fieldAnonKey, "is missing, and so is "+fieldPublishable, "write one of the two, which Auth asks for: the anon key, with which requests go over the S3 protocol ("+whereAPIKeys+
			"), or the publishable key, over the Storage REST API")
	}
	p.checkOneProjectKey(problems)
	p.checkPublishableKey(problems)
	var anon claims
	if kindOf(c.AnonKey) != kindPublishable || !c.checkKey(fieldAnonKey, c.AnonKey, problems) {
		anon = p.checkAnonKey(problems)
	}
	if c.given(fieldPublishable) || c.publishable() != "" {
		p.checkRESTAddress(problems)
	}
	switch {
	case c.Email == "":
		problems.add(fieldEmail, "is missing", "write the e-mail address of the user who signs in")
	case strings.Contains(c.Email, "${"):
		checkText(fieldEmail, c.Email, problems)
	case !strings.Contains(c.Email, "@") || strings.ContainsAny(c.Email, " \t\r\n"):
		problems.add(fieldEmail, "is no e-mail address", "write the one that the user signs in with")
	}
	switch {
	case !c.given(fieldPassword):
		problems.add(fieldPassword, "is missing", "write the password of the user")
	case c.unreplaced(fieldPassword, c.Password):
		problems.addUnreplaced(fieldPassword)
	}
	p.locateAuth(problems)
	if len(*problems) > before || len(c.Files) > 0 {
		return
	}
	if c.publishable() != "" {
		return // no request is signed
	}
	p.findRef(anon, claims{}, problems)
	p.checkProject(fieldAnonKey, anon, problems)
}

// locateAuth finds where users sign in. Auth is next to Storage, behind the
// same gateway.
func (p *Project) locateAuth(problems *Problems) {
	if p.auth.AuthURL != "" {
		p.AuthURL = p.checkURL(fieldAuthURL, p.auth.AuthURL, "https://supabase.example.com"+authPath, problems)
		return
	}
	u, err := url.Parse(p.Endpoint)
	if p.Endpoint == "" || err != nil {
		return // the address is a problem already
	}
	if ref := hostedRef(u.Hostname()); ref != "" {
		p.AuthURL = "https://" + ref + ".supabase.co" + authPath
		return
	}
	if before, ok := strings.CutSuffix(p.Endpoint, s3Path); ok {
		p.AuthURL = before + authPath
		return
	}
	problems.add(fieldAuthURL, "is missing, and can't be derived from an endpoint without "+s3Path,
		"write where users of this server sign in, like https://supabase.example.com"+authPath)
}

// checkURL checks the address of an API, and returns it without a slash at its
// end.
func (p *Project) checkURL(field, value, example string, problems *Problems) string {
	if !checkText(field, value, problems) {
		return ""
	}
	u, err := url.Parse(value)
	remedy := "write it like " + example
	switch {
	case err != nil:
		problems.add(field, "is not a URL", remedy)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		problems.add(field, "has no http:// or https:// and host", remedy)
	case u.User != nil:
		problems.add(field, "contains a user name or password", "remove them")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		problems.add(field, "contains a query or fragment (? or #)", remedy)
	case u.Scheme == "http" && (isUnder(u.Hostname(), "supabase.co") || isUnder(u.Hostname(), "supabase.com")):
		problems.add(field, "begins with http://, but Supabase answers on https:// alone", remedy)
	default:
		return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/")
	}
	return ""
}

// Login is what a user signs in with, for the type user. It is secret.
type Login struct {
	// APIKey is the publishable key, or the anon key.
	APIKey          string
	Email, Password string
}

// Login returns what the settings hold of it.
func (p Project) Login() Login {
	return Login{APIKey: cmp.Or(p.auth.publishable(), p.auth.AnonKey), Email: p.auth.Email, Password: p.auth.Password}
}

// SignedIn returns the project with the keys of the user's session: the access
// token, and when it ends by the clock of this machine; zero for what the token
// itself says, if that is not over: then this clock and the server's differ, and
// its end is not known.
func (p Project) SignedIn(accessToken string, expires time.Time) (Project, error) {
	seen, ok := parseJWT(accessToken)
	if !ok {
		return Project{}, &FieldError{
			Field: fieldEmail, Problem: "the sign-in at " + p.AuthURL + " gave an access token that is no JWT",
			Remedy: "check that " + fieldAuthURL + " or endpoint is that of a Supabase project",
		}
	}
	if ref := seen.project(); ref != "" && p.Ref != "" && ref != p.Ref {
		return Project{}, &FieldError{
			Field: fieldEmail, Problem: "the sign-in at " + p.AuthURL + " gave a token of the project " + ref + ", but the configuration is for " + p.Ref,
			Remedy: "compare project_ref, endpoint and " + fieldAuthURL,
		}
	}
	if expires.IsZero() {
		expires = seen.expires()
		if !expires.After(time.Now()) {
			expires = time.Time{}
		}
	}
	p.actAs(seen, expires)
	if p.Identity.Email == "" {
		p.Identity.Email = p.auth.Email
	}
	if key := p.auth.publishable(); key != "" {
		p.bear(key, accessToken)
	} else {
		p.signWith(p.auth.AnonKey, accessToken)
	}
	return p, nil
}
