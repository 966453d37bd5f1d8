package input

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// months is an organization in which something happens every day, and what has to have
// arrived of it.
type months struct {
	*orgRig
	rand *rand.Rand
	// stored is what every object holds, by project, bucket and key; versions counts
	// the contents that were ever written.
	stored   map[string]string
	versions int
	// troubled are the projects that can't be read, with how that ends.
	troubled map[*emulator.Server]func()
	apiDown  bool
}

func (y *months) name(s *emulator.Server, bucket, key string) string {
	return s.Settings().ProjectRef + "/" + bucket + "/" + key
}

// grow adds a project.
func (y *months) grow() {
	s := y.org.AddProject(emulator.Options{})
	for _, bucket := range []string{"avatars", "docs"} {
		s.CreateBucket(bucket)
		for range 3 {
			y.write(s, bucket)
		}
	}
}

func (y *months) write(s *emulator.Server, bucket string) {
	y.versions++
	key, content := fmt.Sprintf("%d.txt", y.rand.IntN(8)), fmt.Sprintf("version %d", y.versions)
	s.Put(bucket, key, []byte(content))
	y.stored[y.name(s, bucket, key)] = content
}

// day has a few things happen.
func (y *months) day() {
	all := y.org.Projects()
	s := all[y.rand.IntN(len(all))]
	bucket := []string{"avatars", "docs"}[y.rand.IntN(2)]
	y.write(s, bucket)
	if y.rand.IntN(4) == 0 {
		key := fmt.Sprintf("%d.txt", y.rand.IntN(8))
		s.Delete(bucket, key)
		delete(y.stored, y.name(s, bucket, key))
	}
	end, inTrouble := y.troubled[s]
	switch {
	case inTrouble && y.rand.IntN(3) == 0:
		end()
		delete(y.troubled, s)
	case inTrouble:
	default:
		y.trouble(s)
	}
	if y.rand.IntN(40) == 0 && len(all) < 8 {
		y.grow()
	}
	y.apiDown = y.rand.IntN(30) == 0
	y.org.SetAPIFaults(nil)
	if y.apiDown {
		y.org.SetAPIFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 503} })
	}
}

// trouble has something happen to a project.
func (y *months) trouble(s *emulator.Server) {
	switch y.rand.IntN(8) {
	case 0:
		s.SetStatus(emulator.StatusInactive)
		y.troubled[s] = func() { s.SetStatus(emulator.StatusActiveHealthy) }
	case 1:
		s.SetFaults(emulator.FaultRules(emulator.FailEverything(500)))
		y.troubled[s] = func() { s.SetFaults(nil) }
	case 2:
		s.SetFaults(emulator.FaultRules(emulator.DenyBucket("docs")))
		y.troubled[s] = func() { s.SetFaults(nil) }
	case 3:
		s.RevokeKeys()
		y.troubled[s] = func() { s.IssueKeys() }
	case 4:
		s.RotateJWTSecret()
	case 5:
		region := []string{"eu-central-1", "us-east-2"}[y.rand.IntN(2)]
		s.SetProject(func(p *emulator.Project) { p.Region = region })
	}
}

// Each day takes half a second: projects that are down are probed all day.
func TestTwoMonthsOfAnOrganization(t *testing.T) {
	days := 60
	if underRace {
		days = 6
	}
	synctest.Test(t, func(t *testing.T) {
		y := &months{
			orgRig: newOrgRig(t, 0, "projects: {organization: acme, refresh_interval: 6h}\nsync_mode: continuous\npolling_interval: 6h\nstate: {cache: shared}\nretry: {max_attempts: 3}\n"),
			rand:   rand.New(rand.NewPCG(1, 2)), stored: map[string]string{}, troubled: map[*emulator.Server]func(){},
		}
		for range 4 {
			y.grow()
		}
		stop := y.live()
		last, times := map[string]string{}, map[string]int{}
		take := func() {
			y.mu.Lock()
			defer y.mu.Unlock()
			for _, msg := range y.messages {
				body, err := msg.AsBytes()
				require.NoError(t, err)
				name := meta(msg, emit.MetaProjectRef) + "/" + meta(msg, emit.MetaBucket) + "/" + meta(msg, emit.MetaKey)
				last[name] = string(body)
				times[string(body)]++
			}
			y.messages = nil
		}
		for day := range days {
			y.day()
			time.Sleep(24 * time.Hour)
			take()
			if day%20 == 19 {
				stop()
				take()
				stop = y.live()
			}
		}
		for _, end := range y.troubled {
			end()
		}
		y.org.SetAPIFaults(nil)
		time.Sleep(48 * time.Hour)
		take()
		for name, content := range y.stored {
			require.Equal(t, content, last[name], name)
		}
		for content, n := range times {
			require.Equal(t, 1, n, "%s is delivered once", content)
		}
		require.Greater(t, len(times), days/2, "most days bring something")
		stop()
	})
}
