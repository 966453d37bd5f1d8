package s3

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// openAt tries a GET with the client's own transport.
func openAt(t *testing.T, endpoint string) error {
	t.Helper()
	c := inMemory(t, emulator.New(emulator.Options{}), func(o *plane.Options) {
		o.Endpoint, o.Transport, o.ConnectTimeout, o.ResponseTimeout = endpoint, nil, 5*time.Second, 5*time.Second
	})
	t.Cleanup(c.Close)
	_, err := c.Open(t.Context(), "k", 0)
	require.Error(t, err)
	return err
}

func TestNobodyThereIsUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	err = openAt(t, "http://"+l.Addr().String())
	require.ErrorIs(t, err, object.ErrUnreachable)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorContains(t, err, "connecting")

	err = openAt(t, "http://no-such-project.invalid")
	require.ErrorIs(t, err, object.ErrUnreachable)
	require.ErrorContains(t, err, "looking up the host no-such-project.invalid")
}

func TestTLSTroubleIsUnreachableAndSaysWhat(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it expects no client to hang up
	secure.StartTLS()
	t.Cleanup(secure.Close)
	err := openAt(t, secure.URL)
	require.ErrorIs(t, err, object.ErrUnreachable)
	require.ErrorContains(t, err, "certificate")

	open := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(open.Close)
	err = openAt(t, "https"+open.URL[len("http"):])
	require.ErrorIs(t, err, object.ErrUnreachable)
	require.ErrorContains(t, err, "http:// instead of https://")
}

func TestConnectionThatBreaksMayHoldTheNextTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*net.TCPConn).SetLinger(0)
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
	}()
	err = openAt(t, "http://"+l.Addr().String())
	require.ErrorIs(t, err, object.ErrUnavailable)
}

// The network's own timeouts claim to be context.DeadlineExceeded.
func TestTimeoutOfTheNetworkIsNotTheCallers(t *testing.T) {
	for _, cause := range []error{
		os.ErrDeadlineExceeded, context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF, syscall.ECONNRESET,
		&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded},
	} {
		c := inMemory(t, emulator.New(emulator.Options{}), func(o *plane.Options) {
			o.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, cause })
		})
		_, err := c.Open(t.Context(), "k", 0)
		e, ok := errors.AsType[*object.Error](err)
		require.True(t, ok)
		require.Equal(t, object.ErrUnavailable, e.Kind)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, cause.Error())
	}
}
