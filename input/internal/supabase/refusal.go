package supabase

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// ExplainAPI says which field is the cause of an answer of the Management API,
// and what to do about it, as a [FieldError] that wraps err. Errors that came
// from no endpoint are returned as they are.
func (p Project) ExplainAPI(err error) error {
	e, ok := errors.AsType[*object.Error](err)
	if !ok {
		return err
	}
	token := p.auth.name(fieldAccessToken)
	add := func(field, problem, remedy string) error {
		return &FieldError{Field: field, Problem: problem, Remedy: remedy, Err: err}
	}
	if field, problem, remedy, ok := remedyFor(e, p.managementAPI()); ok {
		return add(field, problem, remedy)
	}
	switch {
	case errors.Is(e, object.ErrThrottled):
		return add(token, "the Management API asks for fewer requests", "it is asked again; other tools with the same account share its limit")
	case errors.Is(e, object.ErrUnavailable), errors.Is(e, object.ErrUnreachable):
		return add(fieldAPIURL, "the Management API at "+p.APIURL+" fails", "it is asked again; see https://status.supabase.com")
	case e.Status == 401:
		return add(token, "the Management API does not know this token: it was deleted, has expired, or is not complete", whereTokens)
	case e.Status == 403:
		if missing, ok := errors.AsType[foreign.MissingPermissions](e); ok {
			return add(token, fmt.Sprintf("the token lacks permissions in the project %s: %s", p.Ref, strings.Join(missing, ", ")),
				"make a token with them, since those of a token can't be changed later; "+whereTokens)
		}
		return add(token, "the token may not do this in the project "+p.Ref, "give it the permissions, or its owner the role in the organization: "+whereTokens)
	case e.Status == 404:
		return add(p.refField(), fmt.Sprintf("the Management API knows no project %s, or the token may not see it", p.Ref),
			"compare the reference with the Dashboard under Project Settings -> General, and the account of the token with the owner of the project")
	case strings.Contains(strings.ToLower(e.Message), "removed"):
		return add(p.refField(), "the project "+p.Ref+" was deleted", "write the reference of another project")
	case e.Status == 400:
		return add(p.refField(), fmt.Sprintf("the Management API says that %s is no reference", p.Ref), "write the 20 letters in https://<project_ref>.supabase.co")
	}
	return add(token, "the Management API refuses the request", "see what it says; "+whereTokens)
}

// NotRunning says that the project is in a status in which it can't be read, such
// as INACTIVE, and what to do about it.
func (p Project) NotRunning(status, remedy string) error {
	return &FieldError{Field: p.refField(), Problem: fmt.Sprintf("the project %s is %s", p.Ref, status), Remedy: remedy}
}

// KeysSeen are what the Management API showed of a project's keys, none of which
// can be used.
type KeysSeen struct {
	// Masked says that there are keys whose values were not shown, LegacyOff that the
	// legacy ones are switched off, and Publishable that there is a publishable key,
	// which alone reads nothing.
	Masked, LegacyOff, Publishable bool
}

// NoUsableKeys says that the Management API gave no keys that open the project:
// because they are masked, because the project has none but those that read nothing,
// or because it shows none.
func (p Project) NoUsableKeys(seen KeysSeen) error {
	e := &FieldError{Field: p.auth.name(fieldAccessToken)}
	switch {
	case seen.Masked:
		e.Problem = "the Management API does not show the values of the project's keys to this token"
		e.Remedy = "give it the permission to read the secrets of API keys: " + whereTokens
	case seen.LegacyOff:
		e.Problem = fmt.Sprintf("the legacy API keys of the project %s are switched off, and it has no secret key (sb_secret_...)", p.Ref)
		e.Remedy = makeKeys
	case seen.Publishable:
		e.Problem = fmt.Sprintf("the project %s has a publishable key alone, which reads nothing", p.Ref)
		e.Remedy = makeKeys
	default:
		e.Problem = fmt.Sprintf("the Management API shows no keys of the project %s to this token", p.Ref)
		e.Remedy = "give it the permission to read API keys and their secrets; or " + makeKeys
	}
	return e
}

// ExplainAuth is [Project.ExplainAPI] for the answers of Auth.
func (p Project) ExplainAuth(err error) error {
	e, ok := errors.AsType[*object.Error](err)
	if !ok {
		return err
	}
	add := func(field, problem, remedy string) error {
		return &FieldError{Field: field, Problem: problem, Remedy: remedy, Err: err}
	}
	auth := p.signIn()
	if field, problem, remedy, ok := remedyFor(e, auth); ok {
		return add(field, problem, remedy)
	}
	message := strings.ToLower(e.Message)
	is := func(code, words string) bool {
		return code != "" && e.Code == code || words != "" && strings.Contains(message, words)
	}
	switch {
	case errors.Is(e, object.ErrThrottled):
		return add(fieldEmail, "Auth asks for fewer sign-ins", "it is asked again; the limit is in the Dashboard under Authentication -> Rate Limits")
	case errors.Is(e, object.ErrUnavailable), errors.Is(e, object.ErrUnreachable):
		return add(auth.field, "Auth at "+p.AuthURL+" fails", "it is asked again; see in the Dashboard whether the project is running")
	case e.Status == 404:
		return add(auth.field, "what answers at "+p.AuthURL+" is not Auth", auth.hint())
	case is("email_not_confirmed", "email not confirmed"):
		return add(fieldEmail, "the address of this user is not confirmed", "open the link in the confirmation mail, or confirm the user in the Dashboard under Authentication -> Users")
	case is("user_banned", "banned"):
		return add(fieldEmail, "this user is banned", "lift the ban in the Dashboard under Authentication -> Users, or sign in as another user")
	case is("email_provider_disabled", "email logins are disabled"):
		return add(fieldEmail, "sign-in with e-mail and password is switched off in this project", "switch it on in the Dashboard under Authentication -> Sign In / Providers -> Email")
	case is("captcha_failed", "captcha"):
		return add(fieldEmail, "the project asks for a captcha at each sign-in, which a program can't solve",
			"switch it off in the Dashboard under Authentication -> Attack Protection, or use a token or key with another type")
	case is("invalid_credentials", "invalid login credentials"), e.Code == "invalid_grant":
		return add(p.auth.name(fieldPassword), "Auth knows no user with this e-mail address and password",
			"try the two in your app; a user who signs in by another provider has no password until one is set")
	case is("", "legacy api keys are disabled"):
		return add(p.projectKeyField(), "the legacy API keys of this project are switched off, and this is one",
			"write the publishable key into "+fieldPublishable+" in its place ("+wherePublishable+"), or switch the legacy keys on again: "+whereAPIKeys)
	case e.Status == 401 || e.Status == 403:
		return add(p.projectKeyField(), "the gateway of "+p.AuthURL+" does not accept this key", "write the current one; keys rotate during project upgrades: "+p.whereProjectKey())
	}
	return add(fieldEmail, "Auth does not let this user sign in", "see what it says, and the logs in the Dashboard under Logs -> Auth")
}

// ExplainChanges adds to an error of the REST API's listing what it means and
// what to do, where the cause is one that all APIs share.
func (p Project) ExplainChanges(err error) error {
	e, ok := errors.AsType[*object.Error](err)
	if !ok {
		return err
	}
	rest := asked{name: "the REST API", not: "not the REST API of Storage", url: p.Endpoint, field: p.addressField(), elsew: "the REST API is next to the S3 endpoint"}
	field, problem, remedy, ok := remedyFor(e, rest)
	if !ok {
		return err
	}
	return &FieldError{Field: field, Problem: problem, Remedy: remedy, Err: err}
}
