package input

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnOutageIsAFewLinesHoweverManyRequestsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := &logLines{}
		o := &outageLog{log: logs.logger(), what: "http://project"}
		failed := errors.New("HTTP 503")
		o.ended()
		require.Empty(t, logs.String(), "there was none")

		o.failed(failed)
		for range 3 * 60 * 60 * 10 { // ten failures a second for three hours
			time.Sleep(100 * time.Millisecond)
			o.failed(failed)
		}
		// After 0 and 30 s, 1.5, 3.5 and 7.5 minutes, then every 5 minutes.
		require.Equal(t, 5+34, strings.Count(logs.String(), "level=WARN"), logs.String())
		require.Contains(t, logs.String(), "Still waiting for http://project after 30s and 301 failed requests: HTTP 503")
		o.ended()
		o.ended()
		require.Len(t, logs.linesWith("level=INFO", "it answers again after 3h0m0s and 108001 failed requests"), 1)
		o.failed(failed)
		require.Len(t, logs.linesWith("Waiting for http://project: HTTP 503"), 2, "another outage begins anew")
	})
}
