package input

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

var (
	yearSeed = flag.Uint64("year.seed", 1, "the seed of the tests in which things happen at random for weeks")
	yearDays = flag.Int("year.days", 0, "so many days in place of a year")
)

// The pause between passes and between lists, and how long something has to stay as it is
// until it has to have arrived: a list and a pass that come late because those before them
// failed, by an hour each.
const (
	yearly  = "projects: {organization: acme, refresh_interval: 2h}\nretry: {max_attempts: 3}\nstate: {cache: shared}\n"
	arrives = 9 * time.Hour
)

// The same year, seen by inputs that are told to do different things.
func TestAYearOfAnOrganization(t *testing.T) {
	for name, tc := range map[string]struct {
		fields  string
		deletes bool
	}{
		"continuous": {"sync_mode: continuous\npolling_interval: 4h\n", false},
		"scheduled, deletions are told": {
			"sync_mode: scheduled\nschedule: \"TZ=Europe/Berlin 10 */4 * * *\"\nemit_deletes: true\nmax_delete_ratio: 1\n", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			days := 365
			switch {
			case *yearDays > 0:
				days = *yearDays
			case underRace:
				days = 21
			}
			synctest.Test(t, func(t *testing.T) {
				y := newYear(t, *yearSeed, filepath.Join(t.TempDir(), "token"), yearly+tc.fields, tc.deletes)
				y.start()
				for day := range days {
					switch {
					case days > 100 && day%100 == 70: // with that, a quarter of the year is quiet
						y.quiet(30 * 24 * time.Hour)
					case days > 100 && day%100 > 70:
					default:
						y.day(day < days*2/3) // the last process gets old
					}
				}
				y.calm()
				y.judgeLines()
				y.isAsYoung()
				t.Log(y.figures())
				y.judgeState()
			})
		})
	}
}

func (y *year) figures() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	return fmt.Sprintf("seed %d: %d events, %d of them troubles; %d deliveries, %d repeats after %d crashes, %d deletions; %d lines from %d processes; state %d bytes",
		y.seed, y.events, y.troubles, y.delivered, y.repeats, y.crashes, y.deleted, y.log.count(), y.processes, y.store.size())
}
