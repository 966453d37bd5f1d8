package emulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
)

// OrganizationOptions shape an [Organization]. The zero value is complete.
type OrganizationOptions struct {
	// Slug names the organization in the Management API. Default: "acme".
	Slug string
	// AccessToken is a personal access token that may do everything in the
	// Management API. The default is fixed.
	AccessToken string
	// APIRateLimit is how many requests a minute the Management API answers for one
	// access token and one project, or one token and the organization: each of them
	// has a minute of its own. 0 is 120, as in production; negative is no limit.
	APIRateLimit int
	// TokenRateLimit is how many requests a minute it answers for one access token,
	// whatever they ask about. Production documents no such limit. 0, the default, is
	// no limit.
	TokenRateLimit int
	// LogLimit is the number of requests that [Server.Log] keeps for each project
	// whose own options do not say. 0, the default, keeps none, so that a thousand
	// projects stay small. Counts are exact.
	LogLimit int
	// Clock tells the time. Default: time.Now.
	Clock func() time.Time
}

// Organization is an organization of many projects: the Management API that lists
// them, and the projects themselves, at one address. Its methods may be called at any
// time.
type Organization struct {
	slug  string
	clock func() time.Time
	// logLimit is for projects whose options do not say.
	logLimit int
	// account answers the requests that are about no single project. Its journal has
	// all requests to the Management API.
	account *Server
	traffic traffic

	mu sync.RWMutex
	// byRef has the removed projects too; current has the others, oldest first.
	byRef   map[string]*Server
	current []*Server
	made    int
}

// NewOrganization returns an organization without projects.
func NewOrganization(o OrganizationOptions) *Organization {
	org := &Organization{
		slug: cmp.Or(o.Slug, "acme"), clock: o.Clock, logLimit: cmp.Or(max(o.LogLimit, 0), -1),
		byRef: map[string]*Server{},
	}
	if !slugForm.MatchString(org.slug) {
		panic("emulator: " + strconv.Quote(org.slug) + " is no slug of an organization")
	}
	if org.clock == nil {
		org.clock = time.Now
	}
	org.account = New(Options{AccessToken: o.AccessToken, APIRateLimit: o.APIRateLimit, Clock: org.clock, LogLimit: apiLogLimit})
	org.account.access.total = o.TokenRateLimit
	org.account.org, org.account.ref = org, ""
	return org
}

// apiLogLimit is how many requests [Organization.APILog] keeps: more than the
// look-ups of a thousand projects.
const apiLogLimit = 4000

// refLetters is the length of a project's reference.
const refLetters = 20

// AddProject makes a project. What o does not say follows from its ProjectRef: every
// project has other keys, so that keys of another project are refused. Its default
// ProjectRef follows from the number of the project, its default Name is
// "project-1" and so on. It panics if ProjectRef is not 20 small letters or was used
// before.
//
// The access token, the rate limit and the clock are the organization's.
func (o *Organization) AddProject(options Options) *Server {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.made++
	options.Name = cmp.Or(options.Name, "project-"+strconv.Itoa(o.made))
	options.ProjectRef = cmp.Or(options.ProjectRef, numberedRef(o.made))
	ref := options.ProjectRef
	if len(ref) != refLetters || !refForm.MatchString(ref) {
		panic("emulator: " + strconv.Quote(ref) + " is no project reference: 20 small letters")
	}
	if o.byRef[ref] != nil {
		panic("emulator: there is or was a project " + ref)
	}
	options.AccessKeyID = cmp.Or(options.AccessKeyID, derived(ref, "access key id")[:32])
	options.SecretAccessKey = cmp.Or(options.SecretAccessKey, derived(ref, "secret access key"))
	options.JWTSecret = cmp.Or(options.JWTSecret, derived(ref, "JWT secret"))
	options.LogLimit = cmp.Or(options.LogLimit, o.logLimit)
	options.Clock = o.clock
	s := newServer(options)
	s.store = newMemory(s.now)
	s.access, s.org, s.base = o.account.access, o, "/"+ref
	s.project.change(func(p *snapshot) {
		p.created = iso(s.now())
		p.settings.AccessToken = o.account.Settings().AccessToken
		p.settings.PublishableKey = publishablePrefix + derivedKey(ref, "publishable key")
		p.settings.SecretKey = secretPrefix + derivedKey(ref, "secret key")
	})
	o.byRef[ref] = s
	o.current = append(o.current, s)
	return s
}

// numberedRef is the reference of the n-th project that did not choose one: 16
// letters that do not resemble those of its neighbours, and 4 that count.
func numberedRef(n int) string {
	sum := sha256.Sum256([]byte("project " + strconv.Itoa(n)))
	ref := make([]byte, refLetters)
	for i := range refLetters - 4 {
		ref[i] = 'a' + sum[i]%26
	}
	for i := refLetters - 1; i >= refLetters-4; i-- {
		ref[i], n = 'a'+byte(n%26), n/26
	}
	return string(ref)
}

// derived is 64 hex digits that follow from a reference.
func derived(ref, what string) string {
	sum := sha256.Sum256([]byte(what + " of " + ref))
	return hex.EncodeToString(sum[:])
}

// derivedKey is the random part of an API key of the new kind.
func derivedKey(ref, what string) string {
	sum := sha256.Sum256([]byte(what + " of " + ref))
	text := base64.RawURLEncoding.EncodeToString(sum[:])
	return text[:22] + "_" + text[22:30]
}

// RemoveProject deletes a project: no list has it any more, the Management API
// answers 400 "Resource has been removed", and its Storage and Auth are not reached
// ([StatusRemoved]). It does nothing if there is no such project.
func (o *Organization) RemoveProject(ref string) {
	s := o.Project(ref)
	if s == nil {
		return
	}
	s.SetStatus(StatusRemoved)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.current = slices.DeleteFunc(slices.Clone(o.current), func(p *Server) bool { return p == s })
}

// Projects are the projects that were not removed, oldest first.
func (o *Organization) Projects() []*Server {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return slices.Clone(o.current)
}

// Project is the project with that reference, nil if there never was one. A removed
// one is still found.
func (o *Organization) Project(ref string) *Server {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.byRef[ref]
}

// Slug names the organization in the Management API.
func (o *Organization) Slug() string { return o.slug }

// AccessToken is the personal access token of [OrganizationOptions].
func (o *Organization) AccessToken() string { return o.account.Settings().AccessToken }

// SetAccessToken is [Server.SetAccessToken] for all projects and the organization.
func (o *Organization) SetAccessToken(token string, permissions ...Permission) {
	o.account.SetAccessToken(token, permissions...)
}

// RevokeAccessToken makes token unknown: 401.
func (o *Organization) RevokeAccessToken(token string) { o.account.RevokeAccessToken(token) }

// hostForm is the host of a project, with or without the host of its Storage.
var hostForm = regexp.MustCompile(`^([a-z]{20})(\.storage)?\.supabase\.co$`)

// apiHost is the host of the Management API.
const apiHost = "api.supabase.com"
