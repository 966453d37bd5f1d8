package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDrainWaitsForWhatWasSentBefore(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{})
	s, err := openSite(t.Context(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	}))
	require.NoError(t, err)
	defer func() { _ = s.close() }()
	require.NoError(t, s.drain(t.Context()), "nobody sent anything")

	ctx, hangUp := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url(), nil)
	require.NoError(t, err)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		tr := &http.Transport{}
		defer tr.CloseIdleConnections()
		if resp, err := tr.RoundTrip(r); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}()
	<-entered
	hangUp()
	<-gone
	drained := make(chan error)
	go func() { drained <- s.drain(t.Context()) }()
	select {
	case err := <-drained:
		require.NoError(t, err)
		require.Fail(t, "it was still being answered")
	case <-time.After(50 * time.Millisecond): // long enough to notice, and not too short to pass
	}
	close(release)
	require.NoError(t, <-drained)
}

func TestGateHoldsAnswersBackUntilTheStateIsWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	pages := make([]byte, 4*os.Getpagesize())
	write := func(at int, b byte) {
		pages[at] = b
		require.NoError(t, os.WriteFile(file, pages, 0o600))
	}
	g := &gate{file: file}
	pass := func() (n int) {
		for g.mayPass() {
			n++
		}
		return n
	}
	require.Equal(t, perWrite, pass(), "there is no state yet")
	write(0, 1)
	require.Equal(t, perWrite, pass())
	write(3*os.Getpagesize(), 1)
	require.Zero(t, pass(), "every write changes one of the first two pages")
	write(os.Getpagesize(), 1)
	require.Equal(t, perWrite, pass())
	g.reset()
	require.Equal(t, perWrite, pass(), "a new process has acknowledged nothing")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, g.pass(ctx))
	require.NoError(t, (*gate)(nil).pass(ctx))
}

func TestTheFieldsOfADrillAreInItsConfig(t *testing.T) {
	require.Contains(t, configWith("a: 1", "b: 2"), "\n    a: 1\n    b: 2\noutput:")
}
