package endpoint

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(o, "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

type answer struct {
	*http.Response
	body string
}

func ask(t *testing.T, s *Server, method, path string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, nil)
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp, string(body)}
}

func statsOf(t *testing.T, s *Server) (stats Stats) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(ask(t, s, http.MethodGet, "/stats").body), &stats))
	return stats
}

// sameBytes does not print them.
func sameBytes(t *testing.T, want, got string) {
	t.Helper()
	if want != got {
		t.Fatalf("got %d bytes that are not the %d that were wanted", len(got), len(want))
	}
}
