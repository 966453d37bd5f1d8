package schedule

import (
	"fmt"
	"iter"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests, whatever the machine has

	"github.com/stretchr/testify/require"
)

// oddYears are years in which the clocks of a zone change in some odd way.
var oddYears = []struct {
	zone string
	year int
	why  string
}{
	{"Europe/Berlin", 2027, "an hour, at 2 and at 3"},
	{"America/New_York", 2027, "an hour, at 2"},
	{"Australia/Lord_Howe", 2027, "half an hour"},
	{"Antarctica/Troll", 2027, "two hours"},
	{"Antarctica/Casey", 2020, "three hours, twice in a year"},
	{"America/Santiago", 2027, "at midnight, and back into the day before"},
	{"America/Havana", 2027, "from midnight, and back to midnight"},
	{"Africa/Cairo", 2025, "at midnight"},
	{"Asia/Beirut", 2027, "at midnight"},
	{"America/St_Johns", 2010, "a minute after midnight"},
	{"America/Scoresbysund", 2027, "the last hour of a day is left out, and comes twice"},
	{"America/Nuuk", 2027, "at 22 and 23"},
	{"Africa/Casablanca", 2026, "back for Ramadan"},
	{"Asia/Tehran", 2021, "at midnight, by a calendar of its own"},
	{"Pacific/Apia", 2011, "a day is left out"},
	{"Pacific/Kwajalein", 1993, "a day is left out"},
	{"America/Juneau", 1867, "a day comes twice"},
	{"Asia/Pyongyang", 2018, "half an hour, for good"},
	{"Asia/Kathmandu", 1986, "a quarter of an hour, for good"},
	{"UTC", 2027, "never"},
}

func TestADailyTimeHappensOnceOnEveryDayOfEveryZone(t *testing.T) {
	for _, c := range oddYears {
		t.Run(fmt.Sprintf("%s %d: %s", c.zone, c.year, c.why), func(t *testing.T) {
			zone := location(t, c.zone)
			days, shown := calendar(zone, c.year)
			for _, at := range []string{"0 0", "30 0", "59 0", "0 1", "30 1", "45 1", "0 2", "30 2", "59 2", "0 3", "30 12", "30 21", "59 22", "0 23", "30 23", "59 23"} {
				var minute, hour int
				_, err := fmt.Sscan(at, &minute, &hour)
				require.NoError(t, err)
				passes := map[wall]int{}
				for _, pass := range passesOf(t, "TZ="+c.zone+" "+at+" * * *", zone, c.year) {
					passes[wall{pass.Month(), pass.Day(), 0, 0}]++
					named := wall{pass.Month(), pass.Day(), hour, minute}
					if first, ok := shown[named]; ok && !pass.Equal(first) {
						t.Fatalf("%q: %v is first shown at %s, not %s", at, named, first, pass)
					}
				}
				require.Equal(t, days, passes, at)
			}
		})
	}
}

func TestSeveralTimesOfADayHappenOnceEach(t *testing.T) {
	for spec, want := range map[string]struct{ spring, autumn string }{
		"0,30 2 * * *":   {"03:00 CEST", "02:00 CEST, 02:30 CEST"},
		"*/15 2 * * *":   {"03:00 CEST", "02:00 CEST, 02:15 CEST, 02:30 CEST, 02:45 CEST"},
		"0 1-3 * * *":    {"01:00 CET, 03:00 CEST", "01:00 CEST, 02:00 CEST, 03:00 CET"},
		"30 1-3 * * *":   {"01:30 CET, 03:00 CEST, 03:30 CEST", "01:30 CEST, 02:30 CEST, 03:30 CET"},
		"30 2 * * 0":     {"03:00 CEST", "02:30 CEST"},
		"30 2 28-31 * *": {"03:00 CEST", "02:30 CEST"},
		"30 3 * * *":     {"03:30 CEST", "03:30 CET"},
		"@daily":         {"00:00 CET", "00:00 CEST"},
	} {
		for day, wanted := range map[string]string{"2027-03-28": want.spring, "2027-10-31": want.autumn} {
			require.Equal(t, wanted, passesOn(t, spec, "Europe/Berlin", day), "%s on %s", spec, day)
		}
	}
}

func TestSchedulesOfEveryHourGoOnAsTimeDoes(t *testing.T) {
	for _, c := range oddYears {
		zone := location(t, c.zone)
		for spec, minutes := range map[string]map[int]bool{
			"0 * * * *":           {0: true},
			"20,50 0-23 * * *":    {20: true, 50: true},
			"*/15 */1 * * *":      {0: true, 15: true, 30: true, 45: true},
			"7 1-23,0 * 1-12 0-6": {7: true},
		} {
			happens := map[int64]bool{}
			for change := range changesOf(zone, c.year) {
				for _, pass := range passesBetween(t, "TZ="+c.zone+" "+spec, change.AddDate(0, 0, -3), change.AddDate(0, 0, 3)) {
					happens[pass.Unix()] = true
				}
			}
			for minute := range minutesAroundChanges(zone, c.year) {
				if minutes[minute.Minute()] != happens[minute.Unix()] {
					t.Fatalf("%s at %s: %v", spec, minute, happens[minute.Unix()])
				}
			}
		}
	}
}

func TestEveryMinuteHappensInARepeatedHourToo(t *testing.T) {
	p, err := Cron("TZ=Europe/Berlin * * * * *")
	require.NoError(t, err)
	at := time.Date(2027, 10, 30, 23, 30, 0, 0, time.UTC)
	for range 180 {
		next, ok := p.Next(noon, at, at)
		require.True(t, ok)
		require.True(t, at.Add(time.Minute).Equal(next), "%s after %s", next, at)
		at = next
	}
}

func TestATimeThatTheClocksLeaveOutIsMadeUpForOnceAfterADowntime(t *testing.T) {
	p, err := Cron("TZ=Europe/Berlin 30 2 * * *")
	require.NoError(t, err)
	berlin := location(t, "Europe/Berlin")
	change := time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC)
	now := change.Add(5 * time.Hour)
	require.Equal(t, now, p.First(now, change.Add(-time.Hour)), "the change came while the process was down")
	require.Equal(t, "2027-03-29 02:30 CEST", p.First(now, change.Add(time.Minute)).In(berlin).Format("2006-01-02 15:04 MST"))
}

// passesOf walks over the passes of a year.
func passesOf(t *testing.T, spec string, zone *time.Location, year int) []time.Time {
	t.Helper()
	return passesBetween(t, spec, time.Date(year, 1, 1, 0, 0, 0, 0, zone), time.Date(year+1, 1, 1, 0, 0, 0, 0, zone))
}

// passesBetween walks over the passes from one time to before another.
func passesBetween(t *testing.T, spec string, from, to time.Time) (passes []time.Time) {
	t.Helper()
	p, err := Cron(spec)
	require.NoError(t, err)
	for at := from.Add(-time.Second); ; {
		next, ok := p.Next(noon, at, at)
		if !ok || !next.After(at) {
			t.Fatalf("%s: %s follows %s", spec, next, at)
		}
		at = next.In(from.Location())
		if !at.Before(to) {
			return passes
		}
		passes = append(passes, at)
	}
}

func passesOn(t *testing.T, spec, zone, day string) string {
	t.Helper()
	start, err := time.ParseInLocation(time.DateOnly, day, location(t, zone))
	require.NoError(t, err)
	p, err := Cron("TZ=" + zone + " " + spec)
	require.NoError(t, err)
	out := ""
	for at := start.Add(-time.Second); ; {
		next, _ := p.Next(noon, at, at)
		if at = next.In(start.Location()); at.Format(time.DateOnly) != day {
			return out
		}
		if out != "" {
			out += ", "
		}
		out += at.Format("15:04 MST")
	}
}

// wall is what clocks show in some year.
type wall struct {
	month     time.Month
	day, hour int
	minute    int
}

// calendar gives the days of a year that a zone had, and when its clocks first
// showed each minute of the days around a change, found by looking at them.
func calendar(zone *time.Location, year int) (days map[wall]int, shown map[wall]time.Time) {
	days, shown = map[wall]int{}, map[wall]time.Time{}
	for at := time.Date(year, 1, 1, 0, 0, 0, 0, zone); at.Year() == year; at = at.Add(10 * time.Minute) {
		days[wall{at.Month(), at.Day(), 0, 0}] = 1
	}
	for minute := range minutesAroundChanges(zone, year) {
		now := wall{minute.Month(), minute.Day(), minute.Hour(), minute.Minute()}
		if _, ok := shown[now]; !ok {
			shown[now] = minute
		}
	}
	return days, shown
}

// minutesAroundChanges goes through the beginnings of all minutes of the days
// before and after each change of the clocks in a year.
func minutesAroundChanges(zone *time.Location, year int) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for change := range changesOf(zone, year) {
			for at := change.AddDate(0, 0, -2); at.Before(change.AddDate(0, 0, 2)); at = at.Add(time.Minute) {
				// In a zone whose offset has seconds, minutes begin in between.
				minute := at.Add(-time.Duration(at.Second()) * time.Second)
				if minute.Year() == year && !yield(minute) {
					return
				}
			}
		}
	}
}

// changesOf goes through the changes of the clocks in a year.
func changesOf(zone *time.Location, year int) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		_, change := time.Date(year, 1, 1, 0, 0, 0, 0, zone).ZoneBounds()
		for ; change.Year() == year && yield(change); _, change = change.ZoneBounds() {
		}
	}
}

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}
