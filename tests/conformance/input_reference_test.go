package conformance

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// reference is the document that names an object.
type reference struct {
	Bucket, Key, ETag, URL string
	Size                   int64
}

// requireReferences requires one reference for each object, whose URL gives its
// bytes to anybody, and to nobody without its signature.
func requireReferences(t *testing.T, tg *target, out outcome, objects ...object) []string {
	t.Helper()
	require.NoError(t, out.report.Err)
	refs := map[string]reference{}
	for _, m := range out.messages {
		var ref reference
		require.NoError(t, json.Unmarshal(m.body, &ref))
		require.Equal(t, m.key(), ref.Key)
		require.NotContains(t, refs, ref.Key, "once")
		refs[ref.Key] = ref
		require.NotContains(t, out.log, ref.URL)
		_, signature, _ := strings.Cut(ref.URL, "?")
		require.NotContains(t, out.log, signature)
	}
	require.Len(t, refs, len(objects))
	var urls []string
	for _, o := range objects {
		ref := refs[o.key]
		require.Equal(t, tg.bucket, ref.Bucket)
		require.EqualValues(t, len(o.body), ref.Size)
		res := open(t, ref.URL)
		require.Equalf(t, http.StatusOK, res.StatusCode, "%q: %s", o.key, ref.URL)
		require.Equal(t, string(o.body), res.body)
		require.Equal(t, `"`+ref.ETag+`"`, res.Header.Get("ETag"))
		urls = append(urls, ref.URL)
	}
	bare, _, _ := strings.Cut(urls[0], "?")
	require.GreaterOrEqual(t, open(t, bare).StatusCode, 400)
	return urls
}

type opened struct {
	*http.Response
	body string
}

// open reads a URL as anybody does, without keys.
func open(t *testing.T, url string) opened {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return opened{res, string(body)}
}

// hostile are objects of hostile keys.
func hostile(tg *target, prefix string) []object {
	var objects []object
	for i, key := range tg.hostileKeys(prefix) {
		objects = append(objects, object{key: key, body: pattern(i, i%50)})
	}
	return objects
}

func TestSignedURLsOfReferencesOpenEveryObject(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		objects := hostile(tg, prefix)
		tg.store(t, objects...)
		f := tg.withKey(prefix)
		f["emit"], f["reference_url_expiry"] = "reference", "1h"
		requireReferences(t, tg, runInput(t, tg, f), objects...)
	})
}

func TestURLsOfATokenHoldNeitherTheTokenNorAKey(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		objects := hostile(tg, prefix)[:20]
		tg.store(t, objects...)
		f := tg.withToken(prefix, "service_role_key", tg.serviceToken)
		f["emit"], f["reference_url_expiry"] = "reference", "2m"
		for _, url := range requireReferences(t, tg, runInput(t, tg, f), objects...) {
			for _, secret := range []string{tg.serviceToken, tg.anonKey, tg.publishable, tg.secretKey} {
				if secret != "" {
					require.NotContains(t, url, secret)
				}
			}
		}
	})
}

func TestContentTypesOfReferencesAreAskedFor(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		tg.store(t,
			object{key: prefix + "a.json", body: []byte("{}"), contentType: "application/json"},
			object{key: prefix + "b.png", body: pattern(1, 300_000), contentType: "image/png"},
			object{key: prefix + "empty.png", contentType: "image/png"},
			object{key: prefix + "c.txt", body: pattern(2, 100), contentType: "text/plain"},
		)
		f := tg.withKey(prefix)
		f["emit"], f["content_types"] = "reference", []string{"image/*"}
		out := runInput(t, tg, f)
		require.NoError(t, out.report.Err)
		require.Len(t, out.messages, 2)
		for _, m := range out.messages {
			require.Equal(t, "image/png", m.meta["supabase_storage_content_type"])
		}
		require.EqualValues(t, 2, out.report.Filtered["content_types"])
	})
}
