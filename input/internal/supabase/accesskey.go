package supabase

import (
	"net/url"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// useAccessKey checks S3 access keys, which act as service_role.
func (p *Project) useAccessKey(problems *Problems) {
	c := p.auth
	before := len(*problems)
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
	if len(*problems) > before || len(c.Files) > 0 {
		return
	}
	p.Identity = Identity{Role: bypassRole}
	p.keys = object.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey}
}

// checkAccessKey checks one half of an access key. A value that looks like the
// other half is left to the check for a swap, since a self-hosted server may
// have keys of any form.
func (p *Project) checkAccessKey(field, value string, otherHalf keyKind, problems *Problems) bool {
	if value == "" {
		if !p.auth.given(field) {
			problems.add(field, "is missing", whereS3Keys)
		}
		return false
	}
	check := p.auth.checkKey
	if field == fieldSecret && !p.Hosted() {
		check = p.auth.checkSecret
	}
	if !check(field, value, problems) {
		return false
	}
	switch kind := kindOf(value); kind {
	case kindOther, kindS3ID, kindS3Secret, otherHalf:
		return true
	case kindJWT:
		problems.add(field, "holds a JWT, not an S3 access key", "a JWT goes with type: "+TypeSessionToken+", into "+fieldServiceKey+" or "+fieldUserToken+"; "+whereS3Keys)
		return false
	case kindAWS:
		if p.Hosted() {
			problems.add(field, "holds "+kind.String()+", which Supabase does not know", whereS3Keys)
			return false
		}
		return true
	default:
		problems.add(field, "holds "+kind.String()+", which can't sign S3 requests", whereS3Keys)
		return false
	}
}

// Hosted reports whether the endpoint is that of a project at supabase.co.
func (p *Project) Hosted() bool {
	u, err := url.Parse(p.Endpoint)
	return err == nil && hostedRef(u.Hostname()) != ""
}
