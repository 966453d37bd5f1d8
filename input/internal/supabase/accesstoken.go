package supabase

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// hostedAPI is the Management API of Supabase's own projects.
const hostedAPI = "https://api.supabase.com"

// whereTokens is where personal access tokens are made.
const whereTokens = "personal access tokens are made in the Dashboard under Account -> Access Tokens; " +
	"one with limited permissions needs to read the project, its API keys and the secrets of its API keys"

// makeKeys is what to do where a project has no key that can be read.
const makeKeys = "make a secret key in the Dashboard under Project Settings -> API keys -> Secret keys; " +
	"or an S3 access key under Project Settings -> Storage -> S3 access keys, and write type: " + TypeAccessKey

// useAccessToken checks a personal access token, with which the keys are asked
// for.
func (p *Project) useAccessToken(problems *Problems) {
	c := &p.auth
	if p.Ref == "" && !slices.ContainsFunc(*problems, func(e *FieldError) bool { return e.Field == "project_ref" }) {
		problems.add("project_ref", "is needed to ask the Management API for the project's keys", "write the 20 letters in https://<project_ref>.supabase.co")
	}
	p.APIURL = hostedAPI
	if c.APIURL != "" {
		// The paths of the API begin with /v1, which is often copied along.
		p.APIURL = strings.TrimSuffix(p.checkURL(fieldAPIURL, c.APIURL, hostedAPI, problems), "/v1")
	}
	switch kind := kindOf(c.AccessToken); {
	case !c.given(fieldAccessToken):
		problems.add(fieldAccessToken, "is missing", whereTokens)
	case c.AccessToken == "" || !c.checkKey(fieldAccessToken, c.AccessToken, problems):
	case kind == kindAccessToken, kind == kindOther, p.APIURL != hostedAPI:
	default:
		problems.add(fieldAccessToken, "holds "+kind.String()+", not a personal access token (sbp_...)", whereTokens)
	}
}

// AccessToken is the personal access token, for the type access_token.
func (p Project) AccessToken() string { return p.auth.AccessToken }

// OwnAPI reports whether the Management API is another than Supabase's own.
func (p Project) OwnAPI() bool { return p.APIURL != "" && p.APIURL != hostedAPI }

// WithAPIKeys returns the project with the keys that the Management API gave,
// and the region that it named. A region that was written is kept, with a
// warning where it is another.
func (p Project) WithAPIKeys(anonKey, serviceRoleKey, region string) (Project, error) {
	given := p.auth
	p.auth.Type, p.auth.AnonKey, p.auth.ServiceRoleKey = TypeSessionToken, anonKey, serviceRoleKey
	var problems Problems
	p.useSessionToken(&problems)
	if len(problems) > 0 {
		return Project{}, &FieldError{
			Field: given.name(fieldAccessToken), Problem: "the Management API gave keys that can't be used: " + problems[0].Problem,
			Remedy: "look at them in the Dashboard under Project Settings -> API keys -> Legacy API keys, or use S3 access keys with type: " + TypeAccessKey,
			Err:    errors.New(strings.TrimPrefix(problems[0].Field, "credentials.")),
		}
	}
	p.auth = given
	p.settle(region)
	return p, nil
}

// WithSecretKey returns the project with the secret key that the Management API
// gave, which acts as the role: of a project whose legacy keys are switched off, or that
// never had any.
func (p Project) WithSecretKey(secretKey, role, region string) (Project, error) {
	var problems Problems
	if p.checkRESTAddress(&problems); len(problems) > 0 {
		return Project{}, problems[0]
	}
	p.useREST(secretKey)
	p.Identity = Identity{Role: role}
	p.settle(region)
	return p, nil
}

// settle decides on the region. The universal one is right everywhere.
func (p *Project) settle(region string) {
	switch {
	case !regionPattern.MatchString(region):
	case !p.ownRegion:
		p.Region = region
	case p.Region != region && p.Region != UniversalRegion:
		p.Warnings = slices.Clip(p.Warnings) // other copies of the project have them, too
		p.Warnings.add("region", fmt.Sprintf("is %s, but the project is in %s by the Management API", p.Region, region), "write that, or leave region out")
	}
}
