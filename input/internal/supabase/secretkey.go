package supabase

import (
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// useSecretKey checks a secret API key, which acts as service_role. The gateway in
// front of Storage knows it; Storage itself does not.
func (p *Project) useSecretKey(problems *Problems) {
	c := &p.auth
	before := len(*problems)
	if !c.given(fieldSecretKey) {
		problems.add(fieldSecretKey, "is missing", whereSecretKeys)
	}
	p.checkRESTAddress(problems)
	if c.SecretKey != "" {
		p.checkSecretKey(problems)
	}
	if len(*problems) > before || len(c.Files) > 0 {
		return
	}
	p.useREST(c.SecretKey)
}

// useREST makes the keys of a secret API key.
func (p *Project) useREST(secretKey string) {
	p.Identity = Identity{Role: bypassRole}
	p.keys = object.Credentials{APIKey: secretKey}
}

// checkSecretKey tells a secret key from everything else that is called a key. The
// gateway of a self-hosted project may know one of any form.
func (p *Project) checkSecretKey(problems *Problems) {
	value := p.auth.SecretKey
	if !p.auth.checkAPIKey(fieldSecretKey, value, problems) {
		return
	}
	switch kind := kindOf(value); {
	case kind == kindNewSecret, kind == kindOther && !p.Hosted():
	case kind == kindPublishable:
		problems.add(fieldSecretKey, "holds "+kind.String()+", which alone reads nothing: the server answers it with empty lists",
			"write a secret key (sb_secret_...); to read what a user may see, write the publishable key into "+fieldPublishable+
				" with type: "+TypeUser+" or "+TypeSessionToken+"; "+whereSecretKeys)
	case kind == kindJWT:
		problems.add(fieldSecretKey, "holds a JWT, not a secret key (sb_secret_...)",
			"a legacy service_role key goes with type: "+TypeSessionToken+", into "+fieldServiceKey+"; "+whereSecretKeys)
	case kind == kindS3ID || kind == kindS3Secret:
		problems.add(fieldSecretKey, "holds "+kind.String()+", not a secret API key (sb_secret_...)",
			"an S3 access key goes with type: "+TypeAccessKey+", into "+fieldKeyID+" and "+fieldSecret+"; "+whereSecretKeys)
	case kind == kindAccessToken:
		problems.add(fieldSecretKey, "holds "+kind.String()+", not a secret API key (sb_secret_...)",
			"it goes with type: "+TypeAccessToken+", into "+fieldAccessToken+"; "+whereSecretKeys)
	case kind == kindOther:
		problems.add(fieldSecretKey, "is not a secret API key (sb_secret_...)", "write the key, not its name; "+whereSecretKeys)
	default:
		problems.add(fieldSecretKey, "holds "+kind.String()+", not a secret API key (sb_secret_...)", whereSecretKeys)
	}
}

// checkPublishableKey checks the key that goes in addition to the token of a user.
// It is not used to sign.
func (p *Project) checkPublishableKey(problems *Problems) {
	value := p.auth.PublishableKey
	if value == "" || !p.auth.checkAPIKey(fieldPublishable, value, problems) {
		return
	}
	const want = "write the publishable key (sb_publishable_...); "
	switch kind := kindOf(value); {
	case kind == kindPublishable, kind == kindOther && !p.Hosted():
	case kind == kindNewSecret:
		problems.add(fieldPublishable, "holds "+kind.String()+", which row level security does not limit",
			want+"if everything is to be read, move the key to "+fieldSecretKey+" with type: "+TypeSecretKey+"; "+wherePublishable)
	case kind == kindJWT:
		problems.add(fieldPublishable, "holds a JWT", legacyPlace(value)+", or "+want+wherePublishable)
	case kind == kindOther:
		problems.add(fieldPublishable, "is not a publishable API key (sb_publishable_...)", want+wherePublishable)
	default:
		problems.add(fieldPublishable, "holds "+kind.String()+", not a publishable API key (sb_publishable_...)", want+wherePublishable)
	}
}

// legacyPlace says where a JWT belongs.
func legacyPlace(token string) string {
	c, _ := parseJWT(token)
	switch c.Role {
	case "service_role":
		return "move it to " + fieldServiceKey
	case "authenticated":
		return "move it to " + fieldUserToken
	}
	return "move it to " + fieldAnonKey
}

// checkOneProjectKey finds the two keys of which one is needed.
func (p *Project) checkOneProjectKey(problems *Problems) {
	c := &p.auth
	if c.given(fieldAnonKey) && c.given(fieldPublishable) {
		problems.add(c.name(fieldPublishable), "is set together with "+c.name(fieldAnonKey),
			"keep one: "+fieldAnonKey+" reads over the S3 protocol while the legacy keys are enabled, "+fieldPublishable+" over the Storage REST API")
	}
}

// checkAPIKey is checkKey for a key that the Dashboard shows in part until it is
// revealed.
func (c *CredentialSettings) checkAPIKey(field, value string, problems *Problems) bool {
	if strings.ContainsAny(value, "·•∙●*…") || strings.HasSuffix(value, "...") {
		problems.add(field, "holds a key that is not shown in full", "reveal it in the Dashboard, and copy all of it")
		return false
	}
	return c.checkKey(field, value, problems)
}

// checkRESTAddress checks that the address of the REST API follows from the
// endpoint.
func (p *Project) checkRESTAddress(problems *Problems) {
	if p.Endpoint == "" || p.hasREST() {
		return // the address is a problem already
	}
	problems.add("endpoint", "is not the address of Supabase Storage, whose REST API these keys need",
		"write it like https://supabase.example.com"+restPath)
}

// hasREST reports whether the REST API is next to the S3 endpoint.
func (p *Project) hasREST() bool { return strings.HasSuffix(p.Endpoint, "/s3") }

// overREST reports whether the type of credentials may use the REST API, so that
// its address is an endpoint as well.
func (c *CredentialSettings) overREST() bool {
	return c.Type == TypeSecretKey || c.Type == TypeAccessToken || c.given(fieldPublishable) || kindOf(c.AnonKey) == kindPublishable
}

// publishable is the publishable key. In anon_key it always was good for a sign-in.
func (c *CredentialSettings) publishable() string {
	if c.Type == TypeUser && kindOf(c.AnonKey) == kindPublishable {
		return c.AnonKey
	}
	return c.PublishableKey
}

// projectKeyField is where the key stands that goes with the token of a user, and
// whereProjectKey where the Dashboard shows it.
func (p Project) projectKeyField() string {
	if p.auth.given(fieldPublishable) {
		return p.auth.name(fieldPublishable)
	}
	return p.auth.name(fieldAnonKey)
}

func (p Project) whereProjectKey() string {
	if p.auth.given(fieldPublishable) {
		return wherePublishable
	}
	return whereAPIKeys
}
