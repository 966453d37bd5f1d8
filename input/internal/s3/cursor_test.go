package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// scripted answers list requests with pages, and fails the test when asked for
// more than limit of them.
func scripted(t *testing.T, limit int, answer func(n int, token, after string) string) *Client {
	t.Helper()
	n := 0
	c, err := New(plane.Options{
		Endpoint: "http://scripted", Bucket: testBucket, Region: "r",
		Credentials: static(object.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}),
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if n++; n > limit {
				return nil, errors.New("the listing does not end")
			}
			q := r.URL.Query()
			doc := answer(n, q.Get("continuation-token"), q.Get("start-after"))
			return &http.Response{
				StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(doc)), ContentLength: int64(len(doc)), Header: http.Header{},
			}, nil
		}),
	})
	require.NoError(t, err)
	return c
}

// xmlPage writes a page of a listing.
func xmlPage(token string, truncated bool, keys ...string) string {
	type contents struct{ Key, LastModified, ETag, Size string }
	doc := struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name                  string
		Contents              []contents
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
	}{Name: testBucket, IsTruncated: truncated, NextContinuationToken: token}
	for _, key := range keys {
		doc.Contents = append(doc.Contents, contents{key, "2026-11-20T19:01:35.954Z", `"abc"`, "1"})
	}
	out, err := xml.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return xml.Header + string(out)
}

func TestServerThatLosesItsPlaceIsAskedByKey(t *testing.T) {
	byKey := func(after string) string {
		switch after {
		case "":
			return xmlPage("t1", true, "a", "b")
		case "b":
			return xmlPage("t2", true, "c", "d")
		case "d":
			return xmlPage("", false, "e")
		}
		return "asked after " + after
	}
	for name, answer := range map[string]func(n int, token, after string) string{
		"repeated token": func(_ int, token, after string) string {
			if token == "t1" {
				return xmlPage("t1", true, "c", "d")
			}
			return byKey(after)
		},
		"no token": func(_ int, _, after string) string {
			return strings.ReplaceAll(byKey(after), "NextContinuationToken", "Nothing")
		},
		"token that leads back": func(_ int, token, after string) string {
			if token == "t1" {
				return xmlPage("t9", true, "a", "b")
			}
			return byKey(after)
		},
		"empty page without a new token": func(_ int, token, after string) string {
			if token == "t1" {
				return xmlPage("t1", true)
			}
			return byKey(after)
		},
		"empty pages forever": func(n int, token, after string) string {
			if token != "" {
				return xmlPage(fmt.Sprint("t", n), true)
			}
			return byKey(after)
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := list(t.Context(), scripted(t, 1000, answer), Range{})
			require.NoError(t, err)
			require.Equal(t, []string{"a", "b", "c", "d", "e"}, keysOf(got))
		})
	}
}

func TestEmptyPageWithANewTokenIsFollowed(t *testing.T) {
	got, err := list(t.Context(), scripted(t, 3, func(n int, _, _ string) string {
		return []string{xmlPage("t1", true, "a"), xmlPage("t2", true), xmlPage("", false, "b")}[n-1]
	}), Range{})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, keysOf(got))
}

func TestListingThatGoesRoundEndsInAnError(t *testing.T) {
	for name, answer := range map[string]func(n int, token, after string) string{
		"same page forever":         func(int, string, string) string { return xmlPage("t", true, "a", "b") },
		"same page, new tokens":     func(n int, _, _ string) string { return xmlPage(fmt.Sprint(n), true, "a", "b") },
		"same page, no token":       func(int, string, string) string { return xmlPage("", true, "a", "b") },
		"empty, no token":           func(int, string, string) string { return xmlPage("", true) },
		"empty, new tokens":         func(n int, _, _ string) string { return xmlPage(fmt.Sprint(n), true) },
		"start after is overlooked": func(_ int, token, _ string) string { return xmlPage(token+"x", true, "b", "a") },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := list(t.Context(), scripted(t, 1000, answer), Range{})
			e, ok := errors.AsType[*object.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, object.ErrMisled, e.Kind)
			require.True(t, object.Transient(err), "the next answer may be right")
			require.ErrorContains(t, err, "the server's listing")
		})
	}
}
