package conformance

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// moved is what the server answers to a move.
type moved struct {
	status                    int
	StatusCode, Code, Message string
}

// move asks for a move over REST, with a token.
func (tg *target) move(t *testing.T, token, from, to string) moved {
	t.Helper()
	body, err := json.Marshal(map[string]string{"bucketId": tg.bucket, "sourceKey": from, "destinationKey": to})
	require.NoError(t, err)
	u := strings.TrimSuffix(tg.endpoint.String(), "/s3") + "/object/move"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Apikey", tg.anonKey)
	res, err := httpClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	doc, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	m := moved{status: res.StatusCode}
	require.NoError(t, json.Unmarshal(doc, &m), "%s", doc)
	return m
}

func TestAMoveIsOneStepAndOverwritesNothing(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overREST, "it is a route of REST")
		prefix := tg.prefix()
		tg.store(t, object{key: prefix + "a", body: []byte("a"), contentType: "text/x-after", meta: map[string]string{"n": "1"}},
			object{key: prefix + "b", body: []byte("b")})
		tg.removeAtEnd(t, prefix+"c")
		before := headOf(t, tg, prefix+"a")

		require.Equal(t, moved{200, "", "", "Successfully moved"}, tg.move(t, tg.serviceToken, prefix+"a", prefix+"c"))
		require.Equal(t, before, headOf(t, tg, prefix+"c"))
		require.Equal(t, []string{prefix + "b", prefix + "c"}, tg.allKeys(t, nil, prefix, 1000))

		gone := moved{400, "404", "NoSuchKey", "Object not found"}
		require.Equal(t, gone, tg.move(t, tg.serviceToken, prefix+"a", prefix+"c"), "again")
		require.Equal(t, gone, tg.move(t, tg.serviceToken, prefix+"a", prefix+"d"))
		require.Equal(t, moved{400, "409", "ResourceAlreadyExists", "The resource already exists"}, tg.move(t, tg.serviceToken, prefix+"b", prefix+"c"))
		require.Equal(t, "InvalidKey", tg.move(t, tg.serviceToken, prefix+"b", prefix+"d#").Code)
		require.Equal(t, "Successfully moved", tg.move(t, tg.serviceToken, prefix+"b", prefix+"b").Message, "to itself")
		require.Equal(t, []string{prefix + "b", prefix + "c"}, tg.allKeys(t, nil, prefix, 1000))
	})
}

// onlyReads takes the right to write from the user. A real server's policies give none.
func (tg *target) onlyReads() {
	if tg.server != nil {
		tg.server.AllowWrite(tg.bucket, func(map[string]any, string) bool { return false })
	}
}

func TestAUserWhoMayOnlyReadMovesNothing(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		own, _, ownPrefix, _ := shared(t, tg)
		tg.onlyReads()
		require.Equal(t, moved{400, "404", "NoSuchKey", "Object not found"}, tg.move(t, tg.userToken, own[0], ownPrefix+"moved/0"))
		require.Equal(t, own, tg.allKeys(t, nil, ownPrefix, 1000))
	})
}

func TestInputTellsThatAUserMayNotMove(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		own, _, ownPrefix, _ := shared(t, tg)
		tg.onlyReads()
		f := tg.withToken(ownPrefix, "user_token", tg.userToken)
		f["after_delivery"], f["move_to"] = "move", ownPrefix+"moved/"
		out := runInput(t, tg, f)
		require.Contains(t, out.log, "needs a policy for UPDATE")
		require.ErrorContains(t, out.report.Err, "5 objects delivered but not moved")
		require.EqualValues(t, 5, out.report.Delivered)
		require.Equal(t, own, tg.allKeys(t, nil, ownPrefix, 1000))
	})
}
