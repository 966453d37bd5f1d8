package conformance

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const why = "S3 requests are signed: the tests of signatures are their counterpart"

// requireDeleted requires that a deletion over REST names exactly these keys.
func requireDeleted(t *testing.T, res *response, keys ...string) {
	t.Helper()
	require.Equal(t, http.StatusOK, res.status, "%s", res.body)
	var rows []struct {
		Name string `json:"name"`
	}
	require.NoError(t, json.Unmarshal(res.body, &rows), "%s", res.body)
	got := []string{}
	for _, r := range rows {
		got = append(got, r.Name)
	}
	require.ElementsMatch(t, keys, got)
}

func TestEveryGoodKeyIsAcceptedOverREST(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overREST, why)
		key := hello(t, tg)
		cases := map[string]credentials{"service_role token": {bearer: tg.serviceToken}}
		if tg.gateway != emulator.GatewayNone {
			cases["secret key"] = credentials{apiKey: tg.secretKey}
			cases["service_role token with a publishable key"] = credentials{apiKey: tg.publishable, bearer: tg.serviceToken}
			cases["service_role token with an unknown key"] = credentials{apiKey: "sb_publishable_0123456789abcdefghijkl", bearer: tg.serviceToken}
		}
		for name, as := range cases {
			t.Run(name, func(t *testing.T) {
				accepted(t, tg, key, as)
				require.Equal(t, "hello world", string(tg.send(t, request{method: http.MethodGet, key: key, as: &as}).body))
			})
		}
	})
}

func TestEveryBadKeyIsRefusedOverREST(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overREST, why)
		key := hello(t, tg)
		const secret = "sb_secret_0123456789abcdefghijkl"
		for name, c := range map[string]struct {
			as      credentials
			message string
		}{
			"other project's token":       {credentials{bearer: forgedToken("zyxwvutsrqponmlkjihg", "service_role")}, "signature verification failed"},
			"token that is no JWT":        {credentials{bearer: "garbage"}, "Invalid Compact JWS"},
			"secret key as token":         {credentials{bearer: tg.secretKey}, "Invalid Compact JWS"},
			"unknown secret key":          {credentials{apiKey: secret}, "Invalid Compact JWS"},
			"unknown secret key as token": {credentials{apiKey: secret, bearer: secret}, "Invalid Compact JWS"},
			"nothing":                     {credentials{}, "Invalid Compact JWS"},
		} {
			t.Run(name, func(t *testing.T) {
				f := tg.requireFailure(t, tg.ask(t, &c.as, "max-keys", "1"), http.StatusForbidden, "AccessDenied")
				require.Equal(t, c.message, f.Message)
				res := tg.send(t, request{method: http.MethodGet, key: key, as: &c.as})
				require.Equal(t, http.StatusBadRequest, res.status, "%s", res.body)
				head := tg.send(t, request{method: http.MethodHead, key: key, as: &c.as})
				require.Equal(t, http.StatusBadRequest, head.status)
				require.Empty(t, head.body)
			})
		}
	})
}

func TestPublishableKeyAloneSeesNothing(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overREST, why)
		if tg.gateway == emulator.GatewayNone || tg.publishable == "" {
			t.Skip("no gateway, or no publishable key")
		}
		own, others, ownPrefix, othersPrefix := shared(t, tg)
		as := credentials{apiKey: tg.publishable}
		require.Empty(t, tg.allKeys(t, &as, ownPrefix, 1000))
		require.Empty(t, tg.allKeys(t, &as, othersPrefix, 1000))
		for _, key := range append(own, others...) {
			tg.requireFailure(t, tg.send(t, request{method: http.MethodGet, key: key, as: &as}), http.StatusNotFound, "NoSuchKey")
		}
	})
}

func TestInfoHasTheWholeMetadata(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overREST, "S3 has no such request")
		key := tg.prefix() + "info.txt"
		tg.removeAtEnd(t, key)
		const metadata = "eyJhIjoiYiIsIm4iOjEsInUiOiLDvCIsImRlZXAiOnsibCI6WzEsbnVsbF19fQ=="
		put := tg.send(t, request{method: http.MethodPut, key: key, body: []byte("x"), header: http.Header{"X-Metadata": {metadata}}})
		require.Equal(t, http.StatusOK, put.status, "%s", put.body)
		res := tg.send(t, request{method: http.MethodGet, key: key, route: "object/info/"})
		require.Equal(t, http.StatusOK, res.status, "%s", res.body)
		var info struct {
			Name     string          `json:"name"`
			ETag     string          `json:"etag"`
			Size     int64           `json:"size"`
			Metadata json.RawMessage `json:"metadata"`
		}
		require.NoError(t, json.Unmarshal(res.body, &info))
		require.Equal(t, key, info.Name)
		require.EqualValues(t, 1, info.Size)
		require.JSONEq(t, `{"a":"b","n":1,"u":"ü","deep":{"l":[1,null]}}`, string(info.Metadata))
		require.Equal(t, tg.get(t, key).header.Get("Etag"), info.ETag)
	})
}

func TestBucketsAreListedOverREST(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overREST, "over S3 the buckets are in the listing of all buckets, which the suite leaves alone")
		res := tg.send(t, request{method: http.MethodHead})
		require.Equal(t, http.StatusOK, res.status)
		require.Equal(t, http.StatusBadRequest, tg.send(t, request{method: http.MethodHead, bucket: runName()}).status)
		require.Equal(t, http.StatusBadRequest, tg.send(t, request{method: http.MethodHead, as: &tg.user}).status, "a user without a policy on buckets sees none")
		require.Empty(t, tg.page(t, &tg.user, "prefix", tg.prefix()).keys())
	})
}
