package emulator

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// aloneSlug is the organization of a project that is in no [Organization].
const aloneSlug = "localemulatorcompany"

// slug is the organization of the project.
func (s *Server) slug() string {
	if s.org != nil {
		return s.org.slug
	}
	return aloneSlug
}

// isAccount reports whether s answers for an organization and is no project.
func (s *Server) isAccount() bool { return s.org != nil && s.org.account == s }

// listed are the projects of the organization as they are now.
func (s *Server) listed() []*snapshot {
	if s.org == nil {
		return []*snapshot{s.project.load()}
	}
	projects := s.org.Projects()
	list := make([]*snapshot, len(projects))
	for i, p := range projects {
		list[i] = p.project.load()
	}
	return list
}

// sendProjects answers GET /v1/projects: all, in one answer.
func (x *exchange) sendProjects() {
	var j jsonWriter
	j.raw("[")
	for i, p := range x.s.listed() {
		j.comma(i)
		j.project(x.s.slug(), p)
	}
	j.raw("]")
	x.sendJSON(http.StatusOK, j.buf)
}

// maxProjects is the longest page of projects, and the usual one.
const maxProjects = 100

// projectPage is what the query of GET /v1/organizations/{slug}/projects asks for.
type projectPage struct {
	offset, limit int
	search, sort  string
	// statuses are the wanted ones, nil for all.
	statuses []string
}

var (
	projectSorts = []string{"name_asc", "name_desc", "created_asc", "created_desc"}
	// filterStatuses are the statuses that the API documents for its filter.
	filterStatuses = []string{string(StatusActiveHealthy), string(StatusInactive)}
)

// readProjectPage reads the query. The API's description names the limits; the words
// of the refusals are those of its validator elsewhere.
func (x *exchange) readProjectPage() (p projectPage, err error) {
	q := x.req.Query
	if p.offset, err = x.numberOf("offset", 0, 0, 1<<31-1); err != nil {
		return p, err
	}
	if p.limit, err = x.numberOf("limit", maxProjects, 1, maxProjects); err != nil {
		return p, err
	}
	if p.sort, err = x.optionOf("sort", projectSorts, cmp.Or(q.Get("sort"), projectSorts[0])); err != nil {
		return p, err
	}
	p.search = strings.ToLower(q.Get("search"))
	if q.Get("statuses") == "" {
		return p, nil
	}
	for status := range strings.SplitSeq(q.Get("statuses"), ",") {
		if status, err = x.optionOf("statuses", filterStatuses, strings.TrimSpace(status)); err != nil {
			return p, err
		}
		p.statuses = append(p.statuses, status)
	}
	return p, nil
}

// optionOf returns value, or refuses one that is none of the options.
func (x *exchange) optionOf(name string, options []string, value string) (string, error) {
	if slices.Contains(options, value) {
		return value, nil
	}
	return "", &failure{status: http.StatusBadRequest, message: name + `: Invalid option: expected one of "` + strings.Join(options, `"|"`) + `"`}
}

// numberOf reads a whole number of the query between least and most.
func (x *exchange) numberOf(name string, usual, least, most int) (int, error) {
	if !x.req.Query.Has(name) {
		return usual, nil
	}
	n, ok := jsInteger(x.req.Query.Get(name))
	var message string
	switch {
	case !ok:
		message = "Invalid input: expected int, received NaN"
	case n < float64(least):
		message = "Too small: expected number to be >=" + strconv.Itoa(least)
	case n > float64(most):
		message = "Too big: expected number to be <=" + strconv.Itoa(most)
	default:
		return int(n), nil
	}
	return 0, &failure{status: http.StatusBadRequest, message: name + ": " + message}
}

// sendProjectPage answers GET /v1/organizations/{slug}/projects.
func (x *exchange) sendProjectPage() error {
	page, err := x.readProjectPage()
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(x.s.listed(), func(p *snapshot) bool {
		return !strings.Contains(strings.ToLower(p.state.Name), page.search) ||
			page.statuses != nil && !slices.Contains(page.statuses, string(p.state.Status))
	})
	page.order(all)
	var j jsonWriter
	j.raw(`{"projects":[`)
	for i, p := range all[min(page.offset, len(all)):min(page.offset+page.limit, len(all))] {
		j.comma(i)
		j.listedProject(p)
	}
	j.raw(`],"pagination":{"count":` + strconv.Itoa(len(all)) + `,"limit":` + strconv.Itoa(page.limit) +
		`,"offset":` + strconv.Itoa(page.offset) + "}}")
	x.sendJSON(http.StatusOK, j.buf)
	return nil
}

// order sorts projects; those that are equal are in the order of their references.
func (p *projectPage) order(all []*snapshot) {
	by, desc := func(p *snapshot) string { return p.state.Name }, strings.HasSuffix(p.sort, "_desc")
	if strings.HasPrefix(p.sort, "created") {
		by = func(p *snapshot) string { return p.created }
	}
	slices.SortFunc(all, func(a, b *snapshot) int {
		c := strings.Compare(by(a), by(b))
		if desc {
			c = -c
		}
		return cmp.Or(c, strings.Compare(a.settings.ProjectRef, b.settings.ProjectRef))
	})
}

// listedProject writes a project as a page has it.
func (j *jsonWriter) listedProject(p *snapshot) {
	j.field("{", "ref", p.settings.ProjectRef)
	j.field(",", "name", p.state.Name)
	j.field(",", "cloud_provider", "AWS")
	j.field(",", "region", p.state.Region)
	j.raw(`,"is_branch":` + strconv.FormatBool(p.state.Branch))
	j.field(",", "status", string(p.state.Status))
	j.field(",", "inserted_at", p.created)
	j.raw(`,"databases":[{"infra_compute_size":"micro"`)
	j.field(",", "region", p.state.Region)
	j.field(",", "status", string(p.state.databaseStatus()))
	j.raw(`,"cloud_provider":"AWS"`)
	j.field(",", "identifier", p.settings.ProjectRef)
	j.raw(`,"type":"PRIMARY","disk_volume_size_gb":8,"disk_type":"gp3","disk_throughput_mbps":125}]}`)
}

// databaseStatus is the status of the project's database, which has fewer names.
func (p *Project) databaseStatus() Status {
	switch p.Status {
	case StatusInactive, StatusPausing, StatusPauseFailed, StatusRestoreFailed, StatusUpgrading:
		return StatusUnknown
	}
	return p.Status
}

// sendBuckets answers GET /v1/projects/{ref}/storage/buckets. The API asks the
// project's Storage, so that one that does not run has no answer.
func (x *exchange) sendBuckets(p *snapshot) error {
	if p.state.storageHealth() != HealthActive {
		return failBuckets
	}
	buckets, err := x.s.store.buckets()
	if err != nil {
		return failBuckets
	}
	var j jsonWriter
	j.raw("[")
	for i, b := range buckets {
		j.comma(i)
		j.field("{", "id", b.name)
		j.field(",", "name", b.name)
		j.field(",", "owner", "")
		j.field(",", "created_at", iso(b.created))
		j.field(",", "updated_at", iso(b.created))
		j.raw(`,"public":false}`)
	}
	j.raw("]")
	x.sendJSON(http.StatusOK, j.buf)
	return nil
}
