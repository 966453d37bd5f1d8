package schedule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestOnceHasNoSecondPass(t *testing.T) {
	require.False(t, Once().Repeats())
	require.Equal(t, noon, Once().First(noon, time.Time{}))
	_, ok := Once().Next(noon, noon, noon)
	require.False(t, ok)
}

func TestAPauseIsCountedFromTheEndOfAPassAndIsALittleLongerByChance(t *testing.T) {
	p := After(time.Minute)
	ended := noon.Add(time.Hour)
	seen := map[time.Time]bool{}
	for range 200 {
		next, ok := p.Next(noon, noon, ended)
		require.True(t, ok)
		require.WithinRange(t, next, ended.Add(time.Minute), ended.Add(66*time.Second))
		seen[next] = true
	}
	require.Greater(t, len(seen), 50)
}

func TestAFixedCadenceIsKeptAndAMissedTickIsMadeUpForOnce(t *testing.T) {
	p := Every(10 * time.Minute)
	for _, c := range []struct{ began, ended, next time.Duration }{
		{0, 2 * time.Minute, 10 * time.Minute},
		{10 * time.Minute, 10 * time.Minute, 20 * time.Minute},
		{10 * time.Minute, 47 * time.Minute, 47 * time.Minute}, // 20, 30 and 40 were missed
		{47 * time.Minute, 48 * time.Minute, 50 * time.Minute}, // back on the beat
	} {
		next, ok := p.Next(noon, noon.Add(c.began), noon.Add(c.ended))
		require.True(t, ok)
		require.Equal(t, noon.Add(c.next), next)
	}
}

func TestCronTimesAreUTCUnlessAZoneIsNamed(t *testing.T) {
	for spec, want := range map[string]time.Time{
		"30 2 * * *":                      time.Date(2026, 3, 2, 2, 30, 0, 0, time.UTC),
		"TZ=Europe/Berlin 30 2 * * *":     time.Date(2026, 3, 2, 1, 30, 0, 0, time.UTC),
		"CRON_TZ=Asia/Tokyo  30 2 * * * ": time.Date(2026, 3, 1, 17, 30, 0, 0, time.UTC),
		"@daily":                          time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
	} {
		p, err := Cron(spec)
		require.NoError(t, err)
		require.True(t, p.Repeats())
		require.True(t, want.Equal(p.First(noon, time.Time{})), "%s: %s", spec, p.First(noon, time.Time{}))
		next, ok := p.Next(noon, want, want.Add(time.Second))
		require.True(t, ok)
		require.Equal(t, 24*time.Hour, next.Sub(want))
	}
}

func TestATimeThatWasMissedWhileTheProcessWasDownIsMadeUpFor(t *testing.T) {
	p, err := Cron("0 2 * * *")
	require.NoError(t, err)
	require.Equal(t, noon, p.First(noon, noon.Add(-24*time.Hour)), "2 o'clock has passed since")
	require.Equal(t, time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC), p.First(noon, noon.Add(-time.Hour)).UTC())
}

func TestACronPassThatOutlastsItsNextTimeIsFollowedAtOnce(t *testing.T) {
	p, err := Cron("0 * * * *")
	require.NoError(t, err)
	ended := noon.Add(3*time.Hour + time.Minute)
	next, _ := p.Next(noon, noon, ended)
	require.Equal(t, ended, next)
	next, _ = p.Next(noon, ended, ended.Add(time.Minute))
	require.Equal(t, noon.Add(4*time.Hour), next.UTC())
}

func TestMalformedCronExpressionsAreRefused(t *testing.T) {
	for spec, says := range map[string]string{
		"":                          "not a cron expression",
		"* * * *":                   "not a cron expression",
		"61 * * * *":                "not a cron expression",
		"0 0 31 2 *":                "never comes",
		"0 0 30 2 ?":                "never comes",
		"0 0 31 4,6,9,11 *":         "never comes",
		"TZ=UTC 0 0 31 4-4 *":       "never comes",
		"*/0 * * * *":               "not a cron expression",
		"@reboot":                   "not a cron expression",
		"0 0 * * MON#2":             "not a cron expression",
		"TZ=UTC":                    "not a cron expression",
		"TZ=0":                      "not a time zone",
		"CRON_TZ=":                  "not a time zone",
		"TZ=Mars/Olympus 0 * * * *": "not a time zone",
		"TZ=UTC TZ=UTC 0 * * * *":   "stands once",
		"@every 5m":                 "polling_interval",
		"@every -1s":                "polling_interval",
	} {
		_, err := Cron(spec)
		require.ErrorContains(t, err, says, spec)
	}
}

func FuzzCron(f *testing.F) {
	for _, seed := range []string{"0 2 * * *", "TZ=UTC 0 2 * * *", "@daily", "*/5 1-3,7 ? JAN MON#2", "TZ=UTC"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		p, err := Cron(spec)
		if err == nil && !p.First(noon, time.Time{}).After(noon) {
			t.Fatalf("%q: the first time is not after now", spec)
		}
	})
}
