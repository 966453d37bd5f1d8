package supabase

import (
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// OverREST reports whether requests go over the Storage REST API: the present keys
// decide, and what is written where there are none yet. Else they go over the S3
// protocol.
func (p Project) OverREST() bool {
	if p.keys != (object.Credentials{}) {
		return !p.keys.Signs()
	}
	c := &p.auth
	return c.Type == TypeSecretKey || c.Type != TypeAccessToken && (c.given(fieldPublishable) || c.publishable() != "")
}

// TakesToken reports whether the credentials have what the REST API accepts, whichever
// protocol the requests go over: all have, except S3 access keys.
func (p Project) TakesToken() bool { return p.auth.Type != TypeAccessKey }

// Address is where requests go: Endpoint, or that of the REST API next to it.
func (p Project) Address() string {
	if p.OverREST() {
		return strings.TrimSuffix(p.Endpoint, "/s3")
	}
	return p.Endpoint
}

// rejectedREST tells the refusals of credentials apart that come over the REST API.
// The gateway refuses the key of the project, or lets a request pass without
// knowing it; Storage refuses the token.
func (p Project) rejectedREST(e *object.Error) (field, problem, remedy string) {
	message := strings.ToLower(e.Message)
	has := func(s string) bool { return strings.Contains(message, s) }
	switch {
	case e.Code == "TenantNotFound":
		return p.addressField(), "the server knows no such project", "compare the reference with https://<project_ref>.supabase.co in the Dashboard"
	case has("legacy api keys"):
		return p.projectKeyField(), "the legacy API keys of this project are switched off, and this is one", "write a new API key in its place: " + wherePublishable
	case p.keys.SessionToken == "":
		return p.unknownSecretKey()
	case has(`"exp" claim`), has("jwt expired"), e.Code == "ExpiredToken":
		return p.expired()
	case has("signature verification failed"):
		return p.tokenField(), "the token was not signed by this project, or its JWT secret has been changed since", "write a token of this project" + p.rotates()
	case has("jws"), has("jwt"), has(`" claim`), e.Code == "InvalidToken":
		return p.tokenField(), "the server says that the token is not a valid JWT", "write a token of this project" + p.rotates()
	case has("api key"):
		return p.projectKeyField(), "the gateway knows no such publishable key: it was deleted, or is one of another project", "write one of this project: " + wherePublishable
	}
	return p.tokenField(), "the server does not accept the token", "write a token of this project" + p.rotates()
}

// unknownSecretKey is the cause of every refusal of a secret key: a gateway that
// knows the key replaces it by a token that Storage accepts.
func (p Project) unknownSecretKey() (field, problem, remedy string) {
	problem = "the server knows no such secret key: it was deleted, or is one of another project"
	if p.auth.Type == TypeAccessToken {
		return p.tokenField(), problem, "see in the Dashboard under Project Settings -> API keys whether the project has a secret key" + p.rotates()
	}
	remedy = "write one of this project: " + whereSecretKeys
	if !p.Hosted() {
		problem += ", or the gateway in front of the server does not know the new API keys"
		remedy += "; a self-hosted gateway (Kong, Envoy) knows them once their variables are set, and Storage without a gateway never does"
	}
	return p.tokenField(), problem, remedy + p.rotates()
}
