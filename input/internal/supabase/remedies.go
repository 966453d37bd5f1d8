package supabase

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// asked is who was asked, and where its address is written.
type asked struct {
	name  string // "the S3 endpoint", "Auth"
	not   string // "no S3 server", "not Auth"
	url   string
	path  string // where it is on Supabase, empty where that is the root
	field string // of the address
	elsew string // what to write where the address is another one
}

// storage is the S3 endpoint, or the REST API next to it where the keys go there.
func (p Project) storage() asked {
	a := asked{name: "the S3 endpoint", not: "no S3 server", url: p.Endpoint, path: s3Path, field: p.addressField()}
	if p.OverREST() {
		a.name, a.not, a.url, a.path = "the Storage REST API", "not the Storage REST API", p.Address(), restPath
	}
	a.elsew = "check the path"
	if !p.ownAddress {
		a.elsew = "check the reference; behind a custom domain or proxy write endpoint"
	}
	return a
}

// signIn is Auth.
func (p Project) signIn() asked {
	a := asked{name: "Auth", not: "not Auth", url: p.AuthURL, path: authPath, field: p.addressField(), elsew: "write " + fieldAuthURL + " where it is elsewhere"}
	if p.auth.AuthURL != "" {
		a.field = fieldAuthURL
	}
	return a
}

// managementAPI is the Management API.
func (p Project) managementAPI() asked {
	return asked{name: "the Management API", not: "not the Management API", url: p.APIURL, field: fieldAPIURL, elsew: "write its address without a path, such as " + hostedAPI}
}

// host is the host and port of the address.
func (a asked) host() string {
	if u, err := url.Parse(a.url); err == nil && u.Host != "" {
		return u.Host
	}
	return a.url
}

// written is the address with another scheme.
func (a asked) written(scheme string) string {
	_, rest, _ := strings.Cut(a.url, "://")
	return scheme + "://" + rest
}

func (a asked) hasScheme(scheme string) bool { return strings.HasPrefix(a.url, scheme+"://") }

// hint says where the address ought to lead.
func (a asked) hint() string {
	if a.path == "" {
		return a.elsew
	}
	return "on Supabase the path is " + a.path + "; " + a.elsew
}

// failure has another name, so that what embeds it is an error.
type failure = object.Error

// seen is what came back, or why nothing did.
type seen struct {
	*failure
	answer *foreign.Answer // nil where the API itself answered
	text   string          // what was said, in lower case
}

func look(e *object.Error) seen {
	s := seen{failure: e, text: strings.ToLower(e.Message)}
	s.answer, _ = errors.AsType[*foreign.Answer](e)
	if e.Err != nil {
		s.text += " " + strings.ToLower(e.Err.Error())
	}
	return s
}

func (s seen) foreign() bool { return errors.Is(s, object.ErrNotS3) || errors.Is(s, object.ErrForeign) }

func (s seen) by(w foreign.Writer) bool {
	return s.answer != nil && s.answer.By == w
}

// target is where a redirect leads: scheme and host.
func (s seen) target() string {
	if s.answer == nil {
		return ""
	}
	return s.answer.Target
}

func (s seen) says(words ...string) bool {
	for _, w := range words {
		if strings.Contains(s.text, w) {
			return true
		}
	}
	return false
}

// remedy is one cause, how it shows, what it means, and what to do. The
// cause is the same for every API; only the names differ.
type remedy struct {
	name string
	is   func(s seen, a asked) bool
	// field is the one to blame, "" for that of the address.
	field         string
	problem, todo func(s seen, a asked) string
}

// always is a text that needs no names.
func always(text string) func(seen, asked) string { return func(seen, asked) string { return text } }

// remedyFor finds the first that fits. What no row knows is for the API's own
// rows.
func remedyFor(e *object.Error, a asked) (field, problem, todo string, ok bool) {
	s := look(e)
	for _, rows := range [][]remedy{wayRemedies, answerRemedies} {
		for _, r := range rows {
			if r.is(s, a) {
				field = r.field
				if field == "" {
					field = a.field
				}
				return field, r.problem(s, a), r.todo(s, a), true
			}
		}
	}
	return "", "", "", false
}

// answerRemedies are for what came from somebody who was reached. The more
// telling signs come first.
var answerRemedies = []remedy{
	{
		name: "https only",
		is: func(s seen, a asked) bool {
			return isRedirect(s) && a.hasScheme("http") && strings.HasPrefix(s.target(), "https://") && sameHost(s.target(), a.url)
		},
		problem: func(_ seen, a asked) string { return a.host() + " sends on from http:// to https://" },
		todo:    func(_ seen, a asked) string { return "write " + a.written("https") },
	},
	{
		name: "redirect elsewhere",
		is:   func(s seen, a asked) bool { return isRedirect(s) && s.target() != "" && !sameHost(s.target(), a.url) },
		problem: func(s seen, a asked) string {
			return fmt.Sprintf("%s redirects to %s, where no keys are sent", a.host(), s.target())
		},
		todo: func(_ seen, _ asked) string {
			return "write the address behind the redirect if that is where it moved; a sign-in page of the network or of an access proxy redirects as well"
		},
	},
	{
		name: "redirect",
		is:   func(s seen, _ asked) bool { return isRedirect(s) },
		problem: func(s seen, a asked) string {
			return fmt.Sprintf("%s redirects instead of answering (HTTP %d), so it is %s", a.url, s.Status, a.not)
		},
		todo: func(_ seen, a asked) string { return "see where it leads with curl -I; " + a.hint() },
	},
	{
		name: "firewall",
		is:   func(s seen, _ asked) bool { return s.by(foreign.Firewall) },
		problem: func(s seen, a asked) string {
			return fmt.Sprintf("a firewall or CDN in front of %s answers in its place (HTTP %d), with a page that blocks or asks for a challenge", a.host(), s.Status)
		},
		todo: always("let requests of this machine to this path pass without a challenge (a rule in Cloudflare, the WAF or the bot protection)"),
	},
	{
		name: "throttled by a page",
		is:   func(s seen, _ asked) bool { return s.foreign() && s.Status == http.StatusTooManyRequests },
		problem: func(_ seen, a asked) string {
			return "a CDN or gateway in front of " + a.host() + " asks for fewer requests (HTTP 429)"
		},
		todo: always("it is asked again, after a pause; see what else sends requests from the address of this machine"),
	},
	{
		name: "https port",
		is: func(s seen, _ asked) bool {
			return s.says("http request to an https server", "http request was sent to https port")
		},
		problem: func(_ seen, a asked) string {
			return a.host() + " speaks https:// on this port, and was asked over http://"
		},
		todo: func(_ seen, a asked) string { return "write " + a.written("https") },
	},
	{
		name: "clock",
		is: func(s seen, _ asked) bool {
			return s.Code == "RequestTimeTooSkewed" || s.says(`"nbf" claim`, `"iat" claim`, "issued in the future", "signature not yet current", "not yet valid")
		},
		problem: always("the clock of this machine and the server's are too far apart, and requests are signed with the time"),
		todo:    always("check the clock, the time zone and the time service (NTP) of this machine"),
	},
	{
		name:    "quota",
		is:      func(s seen, _ asked) bool { return s.Status == http.StatusPaymentRequired },
		problem: always("the project is restricted, most often because it is over a quota of its plan (HTTP 402)"),
		todo:    always("see in the Dashboard under Organization -> Usage which quota it is, and under Billing for the plan and the spend cap"),
	},
	{
		name:    "paused",
		is:      func(s seen, _ asked) bool { return s.Status == 540 },
		problem: always("the project is paused"),
		todo:    always("restore it in the Dashboard"),
	},
	{
		name: "origin",
		is:   func(s seen, _ asked) bool { return s.Status >= 520 && s.Status <= 530 },
		problem: func(s seen, a asked) string {
			return fmt.Sprintf("Cloudflare answers for %s, and %s (HTTP %d)", a.host(), originTrouble(s.Status), s.Status)
		},
		todo: always("wait, and see https://status.supabase.com; where the server is your own, see that it runs and lets Cloudflare in"),
	},
	{
		name:    "database",
		is:      func(s seen, _ asked) bool { return s.Status == 544 || s.Code == "DatabaseTimeout" },
		field:   "source_path",
		problem: always("the database of the project timed out again and again"),
		todo:    always("look at its load in the Dashboard under Reports -> Database; a listing under row level security reads the whole table for every page, which an index or keys that bypass it avoid"),
	},
	{
		name:    "oversized",
		is:      func(s seen, _ asked) bool { return errors.Is(s, object.ErrOversized) },
		problem: func(_ seen, a asked) string { return a.host() + " sends more at a time than this API ever does" },
		todo:    always("see what answers there: a store that takes no notice of max-keys can't be read, and a download page is no listing"),
	},
	{
		name: "misled",
		is:   func(s seen, _ asked) bool { return errors.Is(s, object.ErrMisled) },
		problem: func(_ seen, a asked) string {
			return "the pages of the listing that " + a.host() + " sends are not in key order, repeat, or are of something else"
		},
		todo: func(_ seen, a asked) string {
			return "a proxy may cache listings, or this is " + a.not + ": ask Storage directly, or have the proxy cache nothing under this path"
		},
	},
	{
		name: "no route",
		is: func(s seen, _ asked) bool {
			return s.Status == http.StatusNotFound && s.says("no route matched", "route get:", "route post:", "requested path is invalid")
		},
		problem: func(_ seen, a asked) string {
			return "the gateway at " + a.host() + " leads to nothing under this path, so what answers is " + a.not
		},
		todo: func(_ seen, a asked) string { return a.hint() },
	},
	{
		name: "method",
		is:   func(s seen, _ asked) bool { return s.Status == http.StatusMethodNotAllowed },
		problem: func(_ seen, a asked) string {
			return fmt.Sprintf("%s does not allow this kind of request (HTTP 405), so it is %s, or a proxy lets only some requests pass", a.url, a.not)
		},
		todo: func(_ seen, a asked) string { return a.hint() + "; a proxy must allow GET, HEAD, POST and DELETE" },
	},
	{
		name: "key asked for by a gateway",
		is:   func(s seen, _ asked) bool { return s.foreign() && s.Status == http.StatusUnauthorized },
		problem: func(_ seen, a asked) string {
			return "a gateway in front of " + a.host() + " asks for a key of its own (HTTP 401)"
		},
		todo: func(_ seen, a asked) string {
			return "let it pass requests to " + a.path + " that are signed; " + a.elsew
		},
	},
	{
		name: "gateway without a server",
		is:   func(s seen, _ asked) bool { return s.foreign() && s.Status >= 500 },
		problem: func(s seen, a asked) string {
			return fmt.Sprintf("what answers at %s is %s at the moment: a proxy or the project's gateway answers in its place (HTTP %d)", a.url, a.not, s.Status)
		},
		todo: func(_ seen, a asked) string {
			if a.field == fieldAPIURL {
				return "it is asked again; see https://status.supabase.com"
			}
			return "see in the Dashboard whether the project is running, or being restored"
		},
	},
	{
		name: "page not found",
		is:   func(s seen, _ asked) bool { return s.foreign() && s.Status == http.StatusNotFound },
		problem: func(_ seen, a asked) string {
			return "there is nothing at this path of " + a.host() + ", so what answers is " + a.not
		},
		todo: func(_ seen, a asked) string { return a.hint() },
	},
	{
		name: "blocked",
		is:   func(s seen, _ asked) bool { return s.foreign() && s.Status == http.StatusForbidden },
		problem: func(_ seen, a asked) string {
			return "something in front of " + a.host() + " forbids the request (HTTP 403) before it reaches " + a.name
		},
		todo: always("see which proxy, firewall or list of allowed addresses it is, and let this machine pass"),
	},
	{
		name: "empty",
		is:   func(s seen, _ asked) bool { return s.foreign() && s.answer != nil && s.answer.Empty },
		problem: func(s seen, a asked) string {
			return fmt.Sprintf("%s answers with nothing (HTTP %d), so it is %s", a.url, s.Status, a.not)
		},
		todo: func(_ seen, a asked) string { return "see what listens there; " + a.hint() },
	},
	{
		name: "page",
		is: func(s seen, _ asked) bool {
			return s.foreign() && s.answer != nil && strings.Contains(s.answer.Type, "html")
		},
		problem: func(_ seen, a asked) string { return "what answers at " + a.url + " is " + a.not + " but a web page" },
		todo: func(_ seen, a asked) string {
			return "it may be a dashboard, a sign-in page or a placeholder: " + a.hint()
		},
	},
	{
		name:    "other API",
		is:      func(s seen, _ asked) bool { return s.foreign() },
		problem: func(_ seen, a asked) string { return "what answers at " + a.url + " is " + a.not },
		todo:    func(_ seen, a asked) string { return "see in its answer what it is; " + a.hint() },
	},
}

func isRedirect(s seen) bool { return s.Status >= 300 && s.Status < 400 }

// sameHost reports whether two addresses have one host, whatever their ports:
// those differ between http and https.
func sameHost(a, b string) bool {
	u, err1 := url.Parse(a)
	v, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && u.Hostname() == v.Hostname()
}

// originTrouble says what Cloudflare's own statuses mean.
func originTrouble(status int) string {
	switch status {
	case 521:
		return "the server behind it refuses connections"
	case 522, 524:
		return "the server behind it does not answer in time"
	case 523, 530:
		return "it can't find the server behind it"
	case 525, 526:
		return "the certificate of the server behind it is not accepted"
	}
	return "the server behind it fails"
}
