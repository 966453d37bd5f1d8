package supabase

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// s3Path is where a Supabase gateway serves the S3 protocol.
const s3Path = restPath + "/s3"

// restPath is where it serves the REST API of Storage.
const restPath = "/storage/v1"

var (
	refPattern    = regexp.MustCompile(`^[a-z]{20}$`)
	tenantPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
	hostedPattern = regexp.MustCompile(`^([a-z]{20})(?:\.storage)?\.supabase\.(?:co|in)$`)
	regionPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
)

// hostedRef is the reference in the host name of a hosted project, else empty.
func hostedRef(host string) string {
	if m := hostedPattern.FindStringSubmatch(strings.ToLower(host)); m != nil {
		return m[1]
	}
	return ""
}

// writtenRef are the places in which the reference stands where somebody copied more
// than that: any host of the project, the Dashboard, the user name of the pooler.
var writtenRef = regexp.MustCompile(`(?i)(?:^|[/@.])([a-z]{20})(?:\.[a-z]+)?\.supabase\.(?:co|in|net|red)(?:[:/?#]|$)` +
	`|supabase\.com/dashboard/project/([a-z]{20})(?:[/?#]|$)` +
	`|postgres\.([a-z]{20})[:@]`)

// refIn is the reference in a longer text, "" where there is none.
func refIn(text string) string {
	m := writtenRef.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return strings.ToLower(m[1] + m[2] + m[3])
}

// locate finds the project's reference and endpoint.
func (p *Project) locate(s Settings, problems *Problems) {
	if s.ProjectRef == "" && s.Endpoint == "" {
		problems.add("project_ref", "is missing", "write the reference of your project, the 20 letters in https://<project_ref>.supabase.co; "+
			"for a self-hosted or local server write endpoint instead")
		return
	}
	refFits := s.ProjectRef == "" || checkRef(s.ProjectRef, s.Endpoint != "", problems)
	if refFits {
		p.Ref = s.ProjectRef
	}
	if s.Endpoint == "" {
		p.Endpoint = "https://" + s.ProjectRef + ".supabase.co" + s3Path
		return
	}
	endpoint := strings.TrimRight(s.Endpoint, "/")
	if p.auth.overREST() && strings.HasSuffix(endpoint, restPath) {
		endpoint += "/s3" // one address for both, which the state knows
	}
	u, ok := checkEndpoint(endpoint, problems)
	if !ok {
		return
	}
	p.Endpoint = u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/")
	ref := hostedRef(u.Hostname())
	switch {
	case ref == "" || !refFits:
	case p.Ref == "":
		p.Ref = ref
	case p.Ref != ref:
		problems.add("endpoint", fmt.Sprintf("is that of the project %s, but project_ref is %s", ref, p.Ref),
			"keep the one that is right; with project_ref alone the endpoint is derived")
	}
}

// checkRef checks project_ref. With an endpoint of its own it is the tenant of a
// self-hosted server, which may have any name.
func checkRef(ref string, ownEndpoint bool, problems *Problems) bool {
	const field = "project_ref"
	remedy := "write the 20 lower-case letters in https://<project_ref>.supabase.co, shown in the Dashboard under Project Settings -> General"
	if kind := kindOf(ref); kind != kindOther {
		problems.add(field, "holds "+kind.String(), remedy)
		return false
	}
	if !checkText(field, ref, problems) {
		return false
	}
	pattern := refPattern
	if ownEndpoint {
		pattern = tenantPattern
	}
	if pattern.MatchString(ref) {
		return true
	}
	if found := refIn(ref); found != "" {
		problems.add(field, "is an address of the project, not its reference", "write "+found)
		return false
	}
	if refPattern.MatchString(strings.ToLower(ref)) {
		problems.add(field, "has upper-case letters", "write "+strings.ToLower(ref))
		return false
	}
	if hostOf(ref) != ref {
		remedy += "; for a self-hosted or local server write endpoint instead"
	}
	problems.add(field, fmt.Sprintf("is no reference of a project (%d characters, where it takes 20 lower-case letters)", len(ref)), remedy)
	return false
}

// hostOf is the host in what looks like an address, else the text itself.
func hostOf(text string) string {
	host := text
	if _, rest, ok := strings.Cut(host, "://"); ok {
		host = rest
	}
	host, _, _ = strings.Cut(host, "/")
	return host
}

// checkEndpoint parses the endpoint and finds the usual mistakes.
func checkEndpoint(endpoint string, problems *Problems) (*url.URL, bool) {
	const field = "endpoint"
	example := "write it like https://supabase.example.com" + s3Path
	if !checkText(field, endpoint, problems) {
		return nil, false
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		// The parser's error repeats the text, and with it what may be a password.
		problems.add(field, "is not a URL", example)
		return nil, false
	}
	fail := func(problem, remedy string) (*url.URL, bool) {
		problems.add(field, problem, remedy)
		return nil, false
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return fail("has no http:// or https:// and host", example)
	case u.User != nil:
		return fail("contains a user name or password", "remove them: keys go into credentials")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fail("contains a query or fragment (? or #)", example)
	}
	if problem, remedy := checkAddress(u); problem != "" {
		return fail(problem, remedy)
	}
	return u, true
}

// checkAddress finds addresses that exist but do not speak S3.
func checkAddress(u *url.URL) (problem, remedy string) {
	host, path := strings.ToLower(u.Hostname()), strings.TrimRight(u.Path, "/")
	base := u.Scheme + "://" + u.Host
	hosted := isUnder(host, "supabase.co") || isUnder(host, "supabase.in")
	switch {
	case isUnder(host, "supabase.com"):
		remedy := "write project_ref and leave endpoint out"
		if ref := refIn(u.String()); ref != "" {
			remedy = "write project_ref: " + ref + " and leave endpoint out"
		}
		return "is the address of Supabase's website or Dashboard, not of a project", remedy
	case hosted && hostedRef(host) == "":
		return fmt.Sprintf("has the host %s, which is not that of a project's API", host),
			"write https://<project_ref>.supabase.co" + s3Path + ", or project_ref alone"
	case hosted && u.Scheme == "http":
		return "begins with http://, but hosted projects answer on https:// alone", "write https://" + u.Host + s3Path
	case u.Port() == "54322" || u.Port() == "54323":
		return fmt.Sprintf("has the port %s, which is the database or Studio of the local stack", u.Port()),
			"write " + u.Scheme + "://" + net.JoinHostPort(u.Hostname(), "54321") + s3Path
	}
	if before, after, ok := strings.Cut(path+"/", s3Path+"/"); ok {
		if after != "" {
			return "goes on after " + s3Path, "write " + base + before + s3Path + "; bucket and prefix belong in source_path"
		}
		return "", ""
	}
	// Whatever other server it is, these are the paths of Supabase's other APIs.
	for _, other := range []string{"/storage/v1", "/rest/v1", "/auth/v1", "/graphql/v1", "/functions/v1", "/realtime/v1"} {
		if before, _, ok := strings.Cut(path+"/", other+"/"); ok {
			return "is the address of another API (" + other + ")", "write " + base + before + s3Path
		}
	}
	if hosted || u.Port() == "54321" {
		return "lacks the path of the S3 protocol", "write " + base + s3Path
	}
	return "", ""
}

func isUnder(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// checkRegion finds values that can be no region, such as the name that the
// Dashboard shows next to it.
func checkRegion(region string, problems *Problems) {
	if region == "" || regionPattern.MatchString(region) {
		return
	}
	isName := strings.ContainsRune(strings.TrimSpace(region), ' ')
	if !isName && !checkText("region", region, problems) {
		return
	}
	problems.add("region", "is not the id of a region",
		"write an id such as eu-central-1, shown in the Dashboard under Project Settings -> Storage; "+UniversalRegion+" works on most servers")
}
