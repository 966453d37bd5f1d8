package input

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func rename(s *emulator.Server, name string) {
	s.SetProject(func(p *emulator.Project) { p.Name = name })
}

// A project that gets a name which is left out is treated as after a restart: it is not
// read, and nothing of it counts as deleted.
func TestAProjectWithANameThatIsLeftOutIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 3, minutelyDeletes+"projects: {organization: acme, exclude: [\"*-old\"], refresh_interval: 1m}\n")
		stop := r.live()
		time.Sleep(10 * time.Second)
		require.Len(t, r.arrived(), 3)
		s := r.org.Projects()[1]
		ref := s.Settings().ProjectRef
		rename(s, "project-old")
		time.Sleep(3 * time.Minute)
		s.Put("docs", "new.txt", []byte("new"))
		_, before := r.org.Requests()
		time.Sleep(30 * time.Minute)
		require.Empty(t, r.arrived())
		require.Len(t, told(r.logs.String(), "is let go"), 1)
		require.Len(t, told(r.logs.String(), ref), 1)
		_, after := r.org.Requests()
		require.LessOrEqual(t, after-before, 31, "a list a minute, and no request for the project")

		rename(s, "project-2")
		time.Sleep(3 * time.Minute)
		require.Equal(t, map[string]int{ref: 1}, r.arrived(), "what was delivered is remembered")
		require.Len(t, told(r.logs.String(), "is there again"), 3)
		stop()
	})
}

func TestProjectsThatAnEarlierRunHasReadAndThatAreLeftOutCostNoRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 5, minutelyDeletes)
		stop := r.live()
		time.Sleep(10 * time.Second)
		require.Len(t, r.arrived(), 5)
		stop()
		r.fields = minutelyDeletes + "projects: {organization: acme, include: [\"project-1\"], refresh_interval: 1m}\n"
		first := r.org.Projects()[0]
		_, before := r.org.Requests()
		stop = r.live()
		first.Put("docs", "new.txt", []byte("new"))
		time.Sleep(30 * time.Minute)
		_, after := r.org.Requests()
		require.LessOrEqual(t, after-before, 31+2)
		require.Equal(t, map[string]int{first.Settings().ProjectRef: 1}, r.arrived(), "the other one is read on")
		require.Empty(t, told(r.logs.String(), "let go"))
		stop()
	})
}
