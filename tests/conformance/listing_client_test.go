package conformance

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// listing is a page as ListObjectsV2 answers it.
type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	Prefix                string
	ContinuationToken     string
	NextContinuationToken string
	EncodingType          *string
	StartAfter            *string
	IsTruncated           bool
	MaxKeys               int
	KeyCount              int
	Contents              []listed
	CommonPrefixes        []struct{ Prefix string }
}

type listed struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
	Owner        *struct{ ID string }
}

func (l listing) keys() []string {
	keys := make([]string, len(l.Contents))
	for i, o := range l.Contents {
		keys[i] = o.Key
	}
	return keys
}

// ask sends a ListObjectsV2 request, or over REST the list-v2 that asks for the same, with parameters, given as name, value,
// name, value.
func (tg *target) ask(t *testing.T, as *credentials, parameters ...string) *response {
	t.Helper()
	q := url.Values{"list-type": {"2"}}
	for i := 0; i < len(parameters); i += 2 {
		q.Set(parameters[i], parameters[i+1])
	}
	return tg.send(t, request{method: http.MethodGet, query: q, as: as})
}

// page is ask for a listing that must succeed.
func (tg *target) page(t *testing.T, as *credentials, parameters ...string) listing {
	t.Helper()
	res := tg.ask(t, as, parameters...)
	require.Equal(t, http.StatusOK, res.status, "%s", res.body)
	if tg.plane == overREST {
		l := restListing(t, tg, res, valueOf(parameters, "prefix"))
		require.Equal(t, l.IsTruncated, l.NextContinuationToken != "", "a cursor goes with a page that has a next, and only with one")
		return l
	}
	require.Contains(t, res.header.Get("Content-Type"), "application/xml")
	var l listing
	require.NoError(t, xml.Unmarshal(res.body, &l), "%s", res.body)
	require.Equal(t, tg.bucket, l.Name)
	require.Equal(t, len(l.Contents), l.KeyCount, "a flat listing counts its objects")
	require.Equal(t, l.IsTruncated, l.NextContinuationToken != "", "a token goes with a truncated page, and only with one")
	return l
}

// valueOf finds the value of a parameter.
func valueOf(parameters []string, name string) string {
	for i := 0; i < len(parameters); i += 2 {
		if parameters[i] == name {
			return parameters[i+1]
		}
	}
	return ""
}

// walk follows the tokens of prefix from page to page, and returns the pages.
func (tg *target) walk(t *testing.T, as *credentials, prefix string, maxKeys int) []listing {
	t.Helper()
	var pages []listing
	parameters := []string{"prefix", prefix, "max-keys", strconv.Itoa(maxKeys)}
	for {
		l := tg.page(t, as, parameters...)
		pages = append(pages, l)
		if !l.IsTruncated {
			return pages
		}
		require.Len(t, l.Contents, min(maxKeys, 1000), "a page with more to come is full")
		parameters = []string{"prefix", prefix, "max-keys", strconv.Itoa(maxKeys), "continuation-token", l.NextContinuationToken}
	}
}

// allKeys are the keys of a walk, in the order in which they came.
func (tg *target) allKeys(t *testing.T, as *credentials, prefix string, maxKeys int) []string {
	t.Helper()
	var keys []string
	for _, l := range tg.walk(t, as, prefix, maxKeys) {
		keys = append(keys, l.keys()...)
	}
	return keys
}
