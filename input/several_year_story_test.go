package input

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// projectLife is a project, and what is wrong with it.
type projectLife struct {
	*emulator.Server
	removed, branch bool
	// fresh says that the Management API has to be asked for its keys.
	fresh bool
	// broken ends what is wrong with the whole project, nil where nothing is; it is called
	// at until.
	broken func()
	until  time.Time
	// denied are the buckets that can't be read, with their ends.
	denied map[string]time.Time
	// fault is how requests to the project fail, nil where they do not.
	fault *emulator.FaultRule
}

// scopeLife says since when a bucket can be read, or not.
type scopeLife struct {
	project *projectLife
	bucket  string
	there   bool
	clear   bool
	since   time.Time
}

func (p *projectLife) ref() string { return p.Settings().ProjectRef }

// isClear reports whether nothing hinders that what happens in a scope arrives.
func (y *year) isClear(s *scopeLife) bool {
	p := s.project
	switch {
	case !y.running || y.store.isDown() || p.branch:
		return false
	case p.removed:
		return !y.apiDown
	}
	_, denied := p.denied[s.bucket]
	return p.broken == nil && !denied && !(p.fresh && y.apiDown)
}

// look notes which scopes are clear now. It is called with the lock held, after
// everything that happens.
func (y *year) look() {
	now := time.Now()
	for _, s := range y.scopes {
		is := y.isClear(s)
		if is && now.Sub(s.since) >= arrives && s.clear {
			s.project.fresh = false
		}
		if is != s.clear {
			s.clear, s.since = is, now
		}
	}
}

// trouble counts something that goes wrong: a line when it begins, and one when it ends.
func (y *year) trouble() {
	y.troubles++
	y.lines += 2
}

func (y *year) say(format string, args ...any) {
	y.events++
	y.story = append(y.story, y.when(time.Now())+" "+fmt.Sprintf(format, args...))
}

// day has a few things happen. They follow from the seed alone, also where the input takes
// its time.
func (y *year) day(mayRestart bool) {
	left := 24 * time.Hour
	for range 1 + y.rand.IntN(3) {
		pause := time.Duration(y.rand.Int64N(int64(left)))
		left -= pause
		y.sleep(pause)
		y.judge()
		y.endTroubles(false)
		y.happen(mayRestart)
	}
	y.sleep(left)
	y.judge()
}

// sleep has the planned time go on.
func (y *year) sleep(d time.Duration) {
	y.planned = y.planned.Add(d)
	time.Sleep(time.Until(y.planned))
}

// happen has one thing happen.
func (y *year) happen(mayRestart bool) {
	if mayRestart && y.rand.IntN(25) == 0 {
		switch y.rand.IntN(3) {
		case 0:
			y.lock(func() { y.say("restart") })
			y.restart()
		default:
			y.lateCrash()
		}
		return
	}
	y.lock(func() {
		p := y.anyProject()
		if p == nil {
			y.addProject(false)
			return
		}
		switch n := y.rand.IntN(100); {
		case n < 55:
			for range 1 + y.rand.IntN(3) {
				y.write(p)
			}
		case n < 70:
			y.changeBuckets(p)
		case n < 85:
			y.changeKeys(p)
		case n < 92:
			y.breakProject(p)
		case n < 97:
			y.changeProjects(p)
		default:
			y.breakAll()
		}
	})
}

// lateCrash is a crash shortly after something was delivered, some of which nobody
// acknowledges.
func (y *year) lateCrash() {
	y.lock(func() {
		select {
		case <-y.arrived:
		default:
		}
		y.withhold = y.rand.IntN(3)
		for _, p := range y.projects {
			y.write(p)
		}
		y.say("and then a crash")
	})
	select {
	case <-y.arrived:
	case <-time.After(arrives):
	}
	time.Sleep(time.Duration(y.rand.Int64N(int64(2 * time.Second))))
	y.crash()
}

func (y *year) anyProject() *projectLife {
	all := slices.DeleteFunc(slices.Clone(y.projects), func(p *projectLife) bool { return p.removed })
	if len(all) == 0 {
		return nil
	}
	return all[y.rand.IntN(len(all))]
}

// bucketNames are those that buckets have, so that one comes again under its name.
var bucketNames = []string{"avatars", "docs", "images", "tenant-1"}

func (y *year) addProject(branch bool) {
	p := &projectLife{Server: y.org.AddProject(emulator.Options{Branch: branch}), branch: branch, fresh: true, denied: map[string]time.Time{}}
	y.projects = append(y.projects, p)
	y.say("%s is new, branch: %v", p.ref(), branch)
	for range 2 {
		y.addBucket(p)
	}
	for range 4 {
		y.write(p)
	}
}

func (y *year) scope(p *projectLife, bucket string) *scopeLife {
	name := p.ref() + "/" + bucket
	s := y.scopes[name]
	if s == nil {
		s = &scopeLife{project: p, bucket: bucket, since: time.Now()}
		y.scopes[name] = s
	}
	return s
}

// buckets are those of a project, in order.
func (y *year) buckets(p *projectLife, there bool) (names []string) {
	for _, bucket := range bucketNames {
		if y.scope(p, bucket).there == there {
			names = append(names, bucket)
		}
	}
	return names
}

func (y *year) addBucket(p *projectLife) {
	missing := y.buckets(p, false)
	if len(missing) == 0 {
		return
	}
	bucket := missing[y.rand.IntN(len(missing))]
	p.CreateBucket(bucket)
	y.scope(p, bucket).there = true
	y.lines++
	y.say("%s/%s is new", p.ref(), bucket)
}

// write has an object of a project come, change, go, or come back as it was.
func (y *year) write(p *projectLife) {
	there := y.buckets(p, true)
	if len(there) == 0 || p.removed {
		return
	}
	bucket, key := there[y.rand.IntN(len(there))], fmt.Sprintf("%d.txt", y.rand.IntN(12))
	scope := p.ref() + "/" + bucket
	name := scope + "/" + key
	o := y.objects[name]
	if o == nil {
		o = &objectLife{scope: scope}
		y.objects[name] = o
	}
	switch n := y.rand.IntN(10); {
	case n < 3 && o.content != "":
		p.Delete(bucket, key)
		o.change("")
		y.say("%s is deleted", name)
	case n < 5 && o.content != "": // the same bytes again are no change
		p.Put(bucket, key, []byte(o.content))
	case n < 7 && o.content == "" && o.before != "":
		p.Put(bucket, key, []byte(o.before))
		o.change(o.before)
		y.say("%s is back as it was: %q", name, o.content)
	default:
		y.versions++
		content := fmt.Sprintf("version %d of %s", y.versions, key)
		p.Put(bucket, key, []byte(content))
		o.change(content)
		y.say("%s is %q", name, content)
	}
}

// removeBucket deletes a bucket with all its objects.
func (y *year) removeBucket(p *projectLife, bucket string) {
	p.RemoveBucket(bucket)
	s := y.scope(p, bucket)
	s.there = false
	delete(p.denied, bucket)
	y.setFaults(p)
	y.empty(s)
	y.lines += 4 // it can't be read, and then is gone; or its objects are held, and no longer
	y.say("%s/%s is deleted", p.ref(), bucket)
}

func (y *year) empty(s *scopeLife) {
	for _, o := range y.objects {
		if o.scope == s.project.ref()+"/"+s.bucket && o.content != "" {
			o.change("")
		}
	}
}

// changeBuckets has a bucket come, go, come again at once, or be hidden.
func (y *year) changeBuckets(p *projectLife) {
	there := y.buckets(p, true)
	switch n := y.rand.IntN(4); {
	case n == 0 || len(there) == 0:
		y.addBucket(p)
	case n == 1 && len(there) > 1:
		y.removeBucket(p, there[y.rand.IntN(len(there))])
	case n == 2: // and again under the same name
		bucket := there[y.rand.IntN(len(there))]
		y.removeBucket(p, bucket)
		p.CreateBucket(bucket)
		y.scope(p, bucket).there = true
		y.write(p)
	default:
		bucket := there[y.rand.IntN(len(there))]
		p.denied[bucket] = y.later(3 * 24 * time.Hour)
		y.setFaults(p)
		y.trouble()
		y.say("%s/%s is denied", p.ref(), bucket)
	}
}

// setFaults has requests to a project fail as what is wrong with it says.
func (y *year) setFaults(p *projectLife) {
	var rules []emulator.FaultRule
	if p.fault != nil {
		rules = append(rules, *p.fault)
	}
	for _, bucket := range slices.Sorted(maps.Keys(p.denied)) {
		rules = append(rules, emulator.DenyBucket(bucket))
	}
	p.SetFaults(emulator.FaultRules(rules...))
}

// later is a time from an hour on, up to so much later.
func (y *year) later(most time.Duration) time.Time {
	return y.planned.Add(time.Hour + time.Duration(y.rand.Int64N(int64(most))))
}

// changeKeys has the keys of a project change, with old ones refused at once or not, or
// moves it.
func (y *year) changeKeys(p *projectLife) {
	if p.branch {
		return
	}
	p.fresh = true
	y.lines += 2
	legacy := func(state emulator.LegacyKeys) {
		p.SetProject(func(p *emulator.Project) { p.LegacyKeys = state })
	}
	switch y.rand.IntN(8) {
	case 0:
		p.RotateJWTSecret()
		y.say("%s has another JWT secret", p.ref())
	case 1:
		p.RotateAPIKeys()
		y.say("%s has other API keys", p.ref())
	case 2:
		legacy(emulator.LegacyDisabled)
		y.say("%s has its legacy keys switched off", p.ref())
	case 3:
		legacy(emulator.LegacyNone)
		p.RotateJWTSecret()
		y.say("%s has new keys alone", p.ref())
	case 4:
		legacy(emulator.LegacyEnabled)
		y.say("%s has legacy keys again", p.ref())
	case 5:
		old := p.Settings().SecretKey
		p.AddSecretKey()
		p.RemoveSecretKey(old)
		y.say("%s has another secret key", p.ref())
	case 6:
		region := []string{"eu-central-1", "us-east-2", "ap-south-1"}[y.rand.IntN(3)]
		p.SetProject(func(p *emulator.Project) { p.Region = region })
		y.say("%s moves to %s", p.ref(), region)
	default:
		if p.broken == nil {
			p.RevokeKeys()
			y.breaks(p, 4*24*time.Hour, "has no keys", func() { p.IssueKeys() })
		}
	}
}

// breaks has something be wrong with a project for a while.
func (y *year) breaks(p *projectLife, most time.Duration, what string, end func()) {
	p.broken, p.until = end, y.later(most)
	y.trouble()
	y.say("%s %s", p.ref(), what)
}

// breakProject has a project paused, down or slow.
func (y *year) breakProject(p *projectLife) {
	if p.broken != nil || p.branch {
		return
	}
	switch y.rand.IntN(4) {
	case 0, 1:
		p.SetStatus(emulator.StatusInactive)
		y.breaks(p, 6*24*time.Hour, "is paused", func() {
			p.SetStatus(emulator.StatusComingUp)
			fault := emulator.FailEverything(521)
			p.fault = &fault
			y.setFaults(p)
			y.breaks(p, 2*time.Hour, "comes up", func() {
				p.SetStatus(emulator.StatusActiveHealthy)
				p.fault = nil
				y.setFaults(p)
			})
		})
	case 2:
		status := []int{500, 503, 521, 544}[y.rand.IntN(4)]
		fault := emulator.FailEverything(status)
		p.fault = &fault
		y.setFaults(p)
		y.breaks(p, 36*time.Hour, fmt.Sprintf("answers %d", status), func() { p.fault = nil; y.setFaults(p) })
	default:
		fault := emulator.SlowPages(2 * time.Second)
		p.fault = &fault
		y.setFaults(p)
		y.breaks(p, 36*time.Hour, "is slow", func() { p.fault = nil; y.setFaults(p) })
	}
}

// changeProjects has a project come, go, or get another name.
func (y *year) changeProjects(p *projectLife) {
	n := len(slices.DeleteFunc(slices.Clone(y.projects), func(p *projectLife) bool { return p.removed }))
	switch y.rand.IntN(4) {
	case 0:
		if n < 6 {
			y.addProject(y.rand.IntN(3) == 0)
		}
	case 1:
		if n > 3 {
			y.org.RemoveProject(p.ref())
			p.removed = true
			for _, bucket := range bucketNames {
				s := y.scope(p, bucket)
				s.there = false
				y.empty(s)
			}
			p.broken, p.fault = nil, nil
			clear(p.denied)
			p.SetFaults(nil)
			y.lines++
			y.say("%s is deleted", p.ref())
		}
	default:
		name := fmt.Sprintf("renamed-%d", y.events)
		p.SetProject(func(p *emulator.Project) { p.Name = name })
		y.say("%s is called %s", p.ref(), name)
	}
}

// breakAll has something be wrong with what all share: the Management API, the token for
// it, or the state.
func (y *year) breakAll() {
	if y.apiDown {
		return
	}
	switch y.rand.IntN(4) {
	case 0:
		y.apiFails(36*time.Hour, "answers 503", emulator.Fault{Status: 503})
	case 1:
		y.apiFails(8*time.Hour, "throttles", emulator.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}})
	case 2:
		y.apiDown, y.apiUntil = true, y.later(24*time.Hour)
		y.org.RevokeAccessToken(y.token.now)
		y.trouble()
		y.say("the access token expires")
	default:
		if !y.store.isDown() {
			y.store.setDown(true)
			y.storeUntil = y.planned.Add(time.Hour)
			y.trouble()
			y.say("the state is down")
		}
	}
}

func (y *year) apiFails(most time.Duration, what string, fault emulator.Fault) {
	y.apiDown, y.apiUntil = true, y.later(most)
	y.org.SetAPIFaults(func(emulator.Request) emulator.Fault { return fault })
	y.trouble()
	y.say("the Management API %s", what)
}

// endTroubles ends what has lasted for long enough, or everything.
func (y *year) endTroubles(all bool) {
	y.lock(func() {
		over := func(until time.Time) bool { return all || !y.planned.Before(until) }
		for _, p := range y.projects {
			for p.broken != nil && over(p.until) {
				end := p.broken
				p.broken = nil
				end()
				if p.broken == nil {
					y.say("%s is well again", p.ref())
				}
			}
			for _, bucket := range slices.Sorted(maps.Keys(p.denied)) {
				if over(p.denied[bucket]) {
					delete(p.denied, bucket)
					y.setFaults(p)
					y.say("%s/%s can be read", p.ref(), bucket)
				}
			}
		}
		if y.apiDown && over(y.apiUntil) {
			y.apiDown = false
			y.org.SetAPIFaults(nil)
			token := "sbp_" + fmt.Sprintf("%040x", y.rand.Uint64())
			y.org.SetAccessToken(token, emulator.Permissions()...)
			y.org.RevokeAccessToken(y.token.now)
			y.newToken(token)
			y.say("the Management API answers, and the access token is another")
		}
		if y.store.isDown() && over(y.storeUntil) {
			y.store.setDown(false)
			y.say("the state is back")
		}
	})
}
