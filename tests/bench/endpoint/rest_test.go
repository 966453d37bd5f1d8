package endpoint

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheRESTRoutesListAndReadTheSameObjects(t *testing.T) {
	s := start(t, Options{Objects: 2500, Size: 5})
	var page struct {
		HasNext bool `json:"hasNext"`
		Objects []struct {
			Name     string
			Metadata struct {
				ETag string `json:"eTag"`
				Size int64
			}
		}
	}
	ask1 := func(cursor string) int {
		body := fmt.Sprintf(`{"prefix":"objects/","limit":1000,"cursor":%q}`, cursor)
		resp, err := http.Post(s.URL()+restList+Bucket, typeJSON, strings.NewReader(body))
		require.NoError(t, err)
		defer resp.Body.Close()
		doc, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		page.Objects = nil
		if resp.StatusCode == http.StatusOK {
			require.NoError(t, json.Unmarshal(doc, &page), "%.300s", doc)
		}
		return resp.StatusCode
	}
	cursor, n := "", 0
	for more := true; more; more = page.HasNext {
		require.Equal(t, http.StatusOK, ask1(cursor))
		for _, o := range page.Objects {
			require.Equal(t, s.keys.key(n), o.Name)
			require.Equal(t, int64(5), o.Metadata.Size)
			n++
		}
		last := page.Objects[len(page.Objects)-1]
		cursor = base64.StdEncoding.EncodeToString([]byte("l:" + last.Name))
		read := ask(t, s, http.MethodGet, restRead+Bucket+"/"+last.Name+"?cacheNonce=1", "Range", "bytes=1-2")
		require.Equal(t, http.StatusPartialContent, read.StatusCode)
		require.Equal(t, last.Metadata.ETag, read.Header.Get("ETag"))
	}
	require.Equal(t, 2500, n)
	require.Equal(t, http.StatusBadRequest, ask1("not base64"))
	stats := statsOf(t, s)
	require.Equal(t, 2500, stats.Listed)
	require.Equal(t, 4, stats.Lists)
	require.Equal(t, 3, stats.Gets)
}
