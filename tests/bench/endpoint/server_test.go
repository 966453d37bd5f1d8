package endpoint

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneConnectionServesManyRequestsAndOthersAreCut(t *testing.T) {
	s := start(t, Options{Objects: 1, Size: 3})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	require.NoError(t, err)
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 3 {
		_, err = io.WriteString(conn, "GET "+object0+" HTTP/1.1\r\nHost: x\r\nrange: bytes=1-1\r\n\r\n")
		require.NoError(t, err)
		resp, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusPartialContent, resp.StatusCode)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
	}
	require.Equal(t, 1, s.Stats().Connections)
	_, err = io.WriteString(conn, "nonsense\r\n\r\n")
	require.NoError(t, err)
	_, err = in.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}

func TestAMistakenOptionIsRefused(t *testing.T) {
	for _, o := range []Options{{Objects: -1}, {Size: -1}, {Shape: "spiral"}, {Objects: 10, Buckets: 3}, {Down: -1}} {
		_, err := Start(o, "")
		require.Error(t, err)
	}
}
