package outage

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// logged are the lines of a log.
type logged []string

func (l *logged) Infof(format string, args ...any) {
	*l = append(*l, "INFO "+fmt.Sprintf(format, args...))
}

func (l *logged) Warnf(format string, args ...any) {
	*l = append(*l, "WARN "+fmt.Sprintf(format, args...))
}

// with counts the lines that begin in this way.
func (l *logged) with(beginning string) (n int) {
	for _, line := range *l {
		if strings.HasPrefix(line, beginning) {
			n++
		}
	}
	return n
}

func TestAnOutageIsAFewLinesHoweverManyRequestsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := &logged{}
		lasting := false
		o := &Log{To: logs, What: "http://project", Failing: func(lasts bool) { lasting = lasts }}
		failed := errors.New("HTTP 503")
		o.Ended()
		require.Empty(t, *logs, "there was none")

		o.Failed(failed)
		for range 3 * 60 * 60 * 10 { // ten failures a second for three hours
			time.Sleep(100 * time.Millisecond)
			o.Failed(failed)
		}
		// After 0 and 30 s, 1.5, 3.5 and 7.5 minutes, then every 5 minutes.
		require.Equal(t, 5+34, logs.with("WARN "), *logs)
		require.True(t, lasting)
		require.ErrorIs(t, o.Cause(), failed)
		require.Contains(t, *logs, "WARN Still waiting for http://project after 30s and 301 failed requests: HTTP 503")
		o.Ended()
		o.Ended()
		require.Equal(t, 1, logs.with("INFO No longer waiting for http://project: it answers again after 3h0m0s and 108001 failed requests"))
		require.False(t, lasting)
		require.NoError(t, o.Cause())
		o.Failed(failed)
		require.Equal(t, 2, logs.with("WARN Waiting for http://project: HTTP 503"), "another outage begins anew")
	})
}

func TestOneAmongManyTellsOfTheBeginningAndTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := &logged{}
		o := &Log{To: logs, What: "http://project", Once: true}
		for range 2 {
			for range 3 * 60 * 60 {
				o.Failed(errors.New("HTTP 503"))
				time.Sleep(time.Second)
			}
			o.Ended()
		}
		require.Equal(t, 2, logs.with("WARN"), *logs)
		require.Equal(t, 2, logs.with("INFO"), *logs)
	})
}
