package supabase

import (
	"net/url"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
)

const (
	fieldKeyID      = "credentials.access_key_id"
	fieldSecret     = "credentials.secret_access_key"
	fieldAnonKey    = "credentials.anon_key"
	fieldServiceKey = "credentials.service_role_key"
	fieldUserToken  = "credentials.user_token"
)

// useAccessKey checks S3 access keys, which act as service_role.
func (p *Project) useAccessKey(problems *Problems) {
	c := p.auth
	before := len(*problems)
	if noneSet(c.AccessKeyID, c.SecretAccessKey) && !noneSet(c.ServiceRoleKey, c.UserToken) {
		problems.add("credentials.type", "is "+TypeAccessKey+", but the keys are those of "+TypeSessionToken, "write type: "+TypeSessionToken)
		return
	}
	for _, f := range []struct{ field, value string }{
		{fieldAnonKey, c.AnonKey}, {fieldServiceKey, c.ServiceRoleKey}, {fieldUserToken, c.UserToken},
	} {
		if f.value != "" {
			problems.add(f.field, "is not used by the type "+TypeAccessKey, "remove it, or write type: "+TypeSessionToken)
		}
	}
	idFits := p.checkAccessKey(fieldKeyID, c.AccessKeyID, kindS3Secret, problems)
	secretFits := p.checkAccessKey(fieldSecret, c.SecretAccessKey, kindS3ID, problems)
	switch {
	case !idFits || !secretFits:
	case kindOf(c.AccessKeyID) == kindS3Secret && kindOf(c.SecretAccessKey) == kindS3ID:
		problems.add(fieldKeyID, "holds the secret, and "+fieldSecret+" the id", "swap the two")
	case c.AccessKeyID == c.SecretAccessKey:
		problems.add(fieldSecret, "is the same as the id", "an access key has an id and a secret: "+whereS3Keys)
	case p.Ref != "" && c.AccessKeyID == p.Ref:
		problems.add(fieldKeyID, "is the reference of the project, which is the id of "+TypeSessionToken+" only", whereS3Keys)
	}
	if len(*problems) > before {
		return
	}
	p.Role = "service_role"
	p.keys = bucket.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey}
}

// noneSet reports whether all of the values are empty.
func noneSet(values ...string) bool {
	for _, v := range values {
		if v != "" {
			return false
		}
	}
	return true
}

// checkAccessKey checks one half of an access key. A value that looks like the
// other half is left to the check for a swap, since a self-hosted server may
// have keys of any form.
func (p *Project) checkAccessKey(field, value string, otherHalf keyKind, problems *Problems) bool {
	if value == "" {
		problems.add(field, "is missing", whereS3Keys)
		return false
	}
	if !checkText(field, value, problems) {
		return false
	}
	switch kind := kindOf(value); kind {
	case kindOther, kindS3ID, kindS3Secret, otherHalf:
		return true
	case kindJWT:
		problems.add(field, "holds a JWT, not an S3 access key", "a JWT goes with type: "+TypeSessionToken+", into "+fieldServiceKey+" or "+fieldUserToken+"; "+whereS3Keys)
		return false
	case kindAWS:
		if p.hosted() {
			problems.add(field, "holds "+kind.String()+", which Supabase does not know", whereS3Keys)
			return false
		}
		return true
	default:
		problems.add(field, "holds "+kind.String()+", which can't sign S3 requests", whereS3Keys)
		return false
	}
}

// hosted reports whether the endpoint is that of a project at supabase.co.
func (p *Project) hosted() bool {
	u, err := url.Parse(p.Endpoint)
	return err == nil && hostedRef(u.Hostname()) != ""
}
