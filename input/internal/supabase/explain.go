package supabase

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Explain adds to an error that ends a run which field is the likely cause and
// what to do about it, as a [FieldError] that wraps err. The region is the
// one that the server told when it was asked, empty where it is not known.
// Errors that did not come from an endpoint, and those that no field can help,
// are returned as they are.
func (p Project) Explain(err error, serverRegion string) error {
	e, ok := errors.AsType[*object.Error](err)
	if _, explained := errors.AsType[*FieldError](err); !ok || explained {
		return err
	}
	field, problem, remedy := p.diagnose(e, serverRegion)
	if field == "" {
		return err
	}
	return &FieldError{Field: field, Problem: problem, Remedy: remedy, Err: err}
}

// diagnose finds the case; the more telling signs are asked for first.
func (p Project) diagnose(e *object.Error, serverRegion string) (field, problem, remedy string) {
	if field, problem, remedy, ok := remedyFor(e, p.storage()); ok {
		return field, problem, remedy
	}
	switch {
	case errors.Is(e, object.ErrCredentials):
		return p.rejected(e, serverRegion)
	case e.Code == "DatabaseError" && strings.Contains(e.Message, "22023"):
		return p.tokenField(), fmt.Sprintf("the database has no role %q, which the token names", p.Identity.Role),
			"write a token with the role authenticated or service_role, or create the role and grant it to authenticator"
	case errors.Is(e, object.ErrNoBucket):
		problem = fmt.Sprintf("the bucket %q does not exist in this project", p.Bucket)
		if !p.Identity.BypassesRLS() {
			problem += fmt.Sprintf(", or the role %s may not see it", p.Identity.Role)
		}
		return "source_path", problem,
			"compare it with the names in the Dashboard under Storage, letter for letter"
	case errors.Is(e, object.ErrDenied):
		return p.tokenField(), fmt.Sprintf("the role %s may not do this in the bucket %q", p.Identity.Role, p.Bucket),
			"allow it in a policy on storage.objects, or use keys that bypass row level security"
	case errors.Is(e, object.ErrUnreachable):
		return p.addressField(), "the server at " + p.Address() + " can't be reached", "check the network of this machine"
	case errors.Is(e, object.ErrOdd):
		return "source_path", "the listing shows an object that makes no sense", "correct the metadata of its row in storage.objects, upload it again, or leave it out with exclude_patterns"
	case errors.Is(e, object.ErrThrottled):
		return p.addressField(), "the server at " + p.Address() + " asked for fewer requests at every attempt", "see what else reads from this project, or lower concurrency.max_downloads"
	case errors.Is(e, object.ErrUnavailable):
		return p.addressField(), "the server at " + p.Address() + " failed at every attempt",
			"see in the Dashboard whether the project is running; where it needs longer to come back, raise retry.max_attempts"
	}
	return "", "", ""
}

// addressField is where the endpoint comes from.
func (p Project) addressField() string {
	if p.ownAddress {
		return "endpoint"
	}
	return p.refField()
}

// refField is where the reference comes from.
func (p Project) refField() string {
	if p.fleet {
		return fieldProjects
	}
	return "project_ref"
}

// tokenField is the one that decides the role.
func (p Project) tokenField() string {
	field := fieldServiceKey
	switch {
	case p.auth.Type == TypeAccessKey:
		field = fieldKeyID
	case p.auth.Type == TypeSecretKey:
		field = fieldSecretKey
	case p.auth.Type == TypeUser:
		field = fieldEmail
	case p.auth.Type == TypeAccessToken:
		field = fieldAccessToken
	case p.auth.given(fieldUserToken):
		field = fieldUserToken
	}
	return p.auth.name(field)
}

// rotates is added to a remedy: why a key that was good is good no longer, and
// how a new one gets here.
func (p Project) rotates() string {
	switch {
	case p.auth.Type == TypeUser || p.auth.Type == TypeAccessToken:
		return "; new keys were asked for, and did not help"
	case p.auth.Type == TypeSecretKey && len(p.auth.fromFile) > 0:
		return "; the file is read again when the key is refused"
	case p.auth.Type == TypeSecretKey:
		return "; the type " + TypeAccessToken + " finds a new key by itself, and a file that is named in " + fieldSecretKey + FileSuffix + " is read again"
	case len(p.auth.fromFile) > 0:
		return "; keys rotate during project upgrades and with the JWT secret, and the files are read again when a key is refused"
	}
	return "; keys rotate during project upgrades and with the JWT secret: the types " + TypeAccessToken + " and " + TypeUser +
		" renew them by themselves, and files that are named in fields like " + fieldSecret + FileSuffix + " are read again"
}

// rejected tells the refusals of credentials apart.
func (p Project) rejected(e *object.Error, serverRegion string) (field, problem, remedy string) {
	message := strings.ToLower(e.Message)
	has := func(s string) bool { return strings.Contains(message, s) }
	switch {
	case p.OverREST():
		return p.rejectedREST(e)
	case e.Code == "FeatureNotEnabled":
		return p.addressField(), "the S3 protocol is switched off in this project", "switch it on in the Dashboard under Project Settings -> Storage"
	case e.Code == "TenantNotFound":
		return p.addressField(), "the server knows no such project", "compare the reference with https://<project_ref>.supabase.co in the Dashboard"
	case e.Code == "AuthorizationHeaderMalformed":
		return "region", fmt.Sprintf("requests are signed for %s, which the server does not accept", p.Region), "write the region that the server's answer names"
	case has(`"exp" claim`), has("jwt expired"), e.Code == "ExpiredToken":
		return p.expired()
	case has("signature verification failed"):
		return p.tokenField(), "the token was not signed by this project, or its JWT secret has been changed since", "write a token of this project; " + whereAPIKeys + p.rotates()
	case e.Code == "SignatureDoesNotMatch":
		// Before what follows: in session-token mode its message speaks of a JWT.
		return p.wrongSignature(serverRegion)
	case has("jws"), has("jwt"), has(`" claim`), e.Code == "InvalidToken":
		return p.tokenField(), "the server says that the token is not a valid JWT", "write a token of this project; sb_ keys are no JWTs; " + whereAPIKeys
	case has("missing signature"), has("invalid service"):
		return "endpoint", "the signature did not reach the server as it was sent", "a proxy in between must leave the Authorization header, the host and the path alone"
	case has("invalid access key"), e.Code == "InvalidAccessKeyId", e.Code == "InvalidClientTokenId":
		return p.unknownKey()
	}
	return p.wrongSignature(serverRegion)
}

func (p Project) expired() (field, problem, remedy string) {
	problem = "the token has expired"
	if !p.Expires.IsZero() {
		problem = "the token has expired on " + p.Expires.Format("2006-01-02T15:04:05Z07:00")
	}
	switch p.auth.Type {
	case TypeUser, TypeAccessToken:
		return p.tokenField(), problem, "see in the log why it could not be renewed, and compare the clocks of this machine and the server"
	}
	return p.tokenField(), problem, renewal(p.tokenField())
}

func (p Project) unknownKey() (field, problem, remedy string) {
	if p.auth.Type == TypeAccessKey {
		return p.tokenField(), "the server knows no such access key: it is one of another project, or it was deleted", whereS3Keys + p.rotates()
	}
	return "project_ref", fmt.Sprintf("the server is not that of the project %q, or takes no session tokens", p.Ref),
		"check project_ref, and for a self-hosted server the TENANT_ID of its storage service"
}

// wrongSignature is the one answer to a wrong secret, a wrong region and a proxy
// that rewrites requests, so that all three are named unless the server has
// told its region.
func (p Project) wrongSignature(serverRegion string) (field, problem, remedy string) {
	if serverRegion != "" && serverRegion != p.Region {
		return "region", fmt.Sprintf("requests are signed for %s, which the server does not accept", p.Region), "write region: " + serverRegion
	}
	rest := fmt.Sprintf("; or the region is not %s (see the Dashboard under Project Settings -> Storage); or a proxy in front of the server rewrites the host or the path (it must send X-Forwarded-Host and X-Forwarded-Prefix)", p.Region)
	switch {
	case p.auth.Type == TypeAccessKey:
		return p.auth.name(fieldSecret), "the signature does not match: the secret does not belong to the access key id", "write the pair again" + rest + "; " + whereS3Keys + p.rotates()
	case p.auth.Type == TypeAccessToken:
		return fieldAccessToken, "the signature does not match: the server does not accept the anon key that the Management API gives",
			"see in the Dashboard whether the legacy API keys are switched off; S3 access keys with type: " + TypeAccessKey + " do without them" + rest
	case p.keys.SecretAccessKey != p.Ref:
		return p.auth.name(fieldAnonKey), "the signature does not match: the server does not accept this key, which is not its anon key", "write the current one; keys rotate during project upgrades; " + whereAPIKeys + rest
	}
	return p.auth.name(fieldAnonKey), "the signature does not match: without an anon key the project's reference signs, which only newer servers accept",
		"write the anon key, a JWT, or the publishable key into " + fieldPublishable + "; " + whereAPIKeys + rest
}
