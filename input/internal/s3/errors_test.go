package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// s3Error is an error document as the storage writes it.
func s3Error(code, message string) string {
	message = strings.NewReplacer(`"`, "&quot;", "<", "&lt;").Replace(message)
	return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Resource>photos</Resource><Code>` +
		code + `</Code><Message>` + message + `</Message></Error>`
}

func TestAnswersBecomeKinds(t *testing.T) {
	for _, tc := range []struct {
		status        int
		code, message string
		onList, onGet error
	}{
		{403, "SignatureDoesNotMatch", "The request signature we calculated does not match", object.ErrCredentials, object.ErrCredentials},
		{403, "InvalidAccessKeyId", "", object.ErrCredentials, object.ErrCredentials},
		{403, "InvalidClientTokenId", "", object.ErrCredentials, object.ErrCredentials},
		{403, "AccessDenied", "Invalid Access Key", object.ErrCredentials, object.ErrCredentials},
		{403, "AccessDenied", "Invalid Compact JWS", object.ErrCredentials, object.ErrCredentials},
		{403, "AccessDenied", "signature verification failed", object.ErrCredentials, object.ErrCredentials},
		{403, "AccessDenied", `"exp" claim timestamp check failed`, object.ErrCredentials, object.ErrCredentials},
		{403, "AccessDenied", "Missing signature", object.ErrCredentials, object.ErrCredentials},
		{403, "AccessDenied", "Invalid Service", object.ErrCredentials, object.ErrCredentials},
		{403, "FeatureNotEnabled", "", object.ErrCredentials, object.ErrCredentials},
		{400, "ExpiredToken", "", object.ErrCredentials, object.ErrCredentials},
		{400, "TenantNotFound", "", object.ErrCredentials, object.ErrCredentials},
		{403, "AccessDenied", "Access denied", object.ErrDenied, object.ErrDenied},
		{404, "NoSuchBucket", "Bucket not found", object.ErrNoBucket, object.ErrNotFound},
		{404, "NoSuchKey", "Object not found", object.ErrNoBucket, object.ErrNotFound},
		{404, "S3Error", "Object not found", object.ErrNoBucket, object.ErrNotFound},
		{400, "InvalidKey", "Invalid key: a#b", object.ErrInvalid, object.ErrInvalid},
		{400, "InvalidParameter", "", object.ErrInvalid, object.ErrInvalid},
		{400, "RequestTimeout", "", object.ErrUnavailable, object.ErrUnavailable},
		{403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", object.ErrUnavailable, object.ErrUnavailable},
		{409, "OperationAborted", "", object.ErrUnavailable, object.ErrUnavailable},
		{416, "InvalidRange", "invalid range provided", object.ErrRange, object.ErrRange},
		{416, "S3Error", "invalid range provided", object.ErrRange, object.ErrRange},
		{423, "ResourceLocked", "", object.ErrUnavailable, object.ErrUnavailable},
		{429, "SlowDown", "Too many connections issued to the database", object.ErrThrottled, object.ErrThrottled},
		{503, "SlowDown", "", object.ErrThrottled, object.ErrThrottled},
		{500, "InternalError", "Internal Server Error", object.ErrUnavailable, object.ErrUnavailable},
		{500, "DatabaseError", "database error, code: 22023", object.ErrUnavailable, object.ErrUnavailable},
		{503, "DatabaseSchemaMismatch", "", object.ErrUnavailable, object.ErrUnavailable},
		{544, "DatabaseTimeout", "The connection to the database timed out", object.ErrUnavailable, object.ErrUnavailable},
		{501, "NotImplemented", "", object.ErrInvalid, object.ErrInvalid},
	} {
		c := answering(t, func(*http.Request) *http.Response { return plain(tc.status, s3Error(tc.code, tc.message)) })
		_, listErr := list(t.Context(), c, Range{})
		_, getErr := c.Open(t.Context(), "k", 0)
		for err, kind := range map[error]error{listErr: tc.onList, getErr: tc.onGet} {
			e, ok := errors.AsType[*object.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, kind, e.Kind, "%d %s %s", tc.status, tc.code, tc.message)
			require.Equal(t, tc.status, e.Status)
			require.Equal(t, tc.code, e.Code)
			require.Equal(t, tc.message, e.Message)
		}
	}
}

func TestAnswersOfOthersSayWhatTheyAre(t *testing.T) {
	html := "<!DOCTYPE html>\n<html>\n  <body>" + strings.Repeat("very long ", 100) + "</body></html>"
	for _, tc := range []struct {
		status        int
		kind, body    string
		onList, onGet error
	}{
		{502, "text/html", html, object.ErrUnavailable, object.ErrUnavailable},
		{429, "text/html", html, object.ErrThrottled, object.ErrThrottled},
		{402, "application/json", `{"message":"quota"}`, object.ErrUnavailable, object.ErrUnavailable},
		{404, "text/plain", "404 page not found", object.ErrUnavailable, object.ErrUnavailable},
		{404, "application/json; charset=utf-8", `{"message":"Route GET:/docs not found","statusCode":404}`, object.ErrUnavailable, object.ErrInvalid},
		{401, "application/json", `{"message":"No API key found in request"}`, object.ErrUnavailable, object.ErrInvalid},
		{403, "text/html", html, object.ErrUnavailable, object.ErrDenied},
		{400, "text/html", html, object.ErrUnavailable, object.ErrInvalid},
		{407, "text/html", html, object.ErrUnavailable, object.ErrUnavailable},
	} {
		c := answering(t, func(*http.Request) *http.Response {
			r := plain(tc.status, tc.body)
			r.Header.Set("Content-Type", tc.kind)
			return r
		})
		_, listErr := list(t.Context(), c, Range{})
		_, getErr := c.Open(t.Context(), "k", 0)
		for err, want := range map[error]error{listErr: tc.onList, getErr: tc.onGet} {
			require.ErrorIs(t, err, want)
			require.ErrorIs(t, err, object.ErrNotS3)
			mime, _, _ := strings.Cut(tc.kind, ";")
			if mime == "application/json" {
				var doc struct{ Message string }
				require.NoError(t, json.Unmarshal([]byte(tc.body), &doc))
				require.ErrorContains(t, err, fmt.Sprintf("%q, not an answer of the S3 protocol but %s", doc.Message, mime))
			} else {
				require.ErrorContains(t, err, mime+" that begins")
			}
			require.Less(t, len(err.Error()), 300)
		}
	}
}

func TestRedirectIsToldNotFollowed(t *testing.T) {
	requests := 0
	c := answering(t, func(*http.Request) *http.Response {
		requests++
		r := plain(http.StatusMovedPermanently, "<html>moved</html>")
		r.Header.Set("Location", "https://me:hunter2@other.example.com/login?token=abc")
		return r
	})
	_, err := list(t.Context(), c, Range{})
	require.ErrorIs(t, err, object.ErrUnavailable)
	require.ErrorContains(t, err, "a redirect to https://other.example.com,")
	require.NotContains(t, err.Error(), "hunter2")
	require.NotContains(t, err.Error(), "token")
	require.Equal(t, 1, requests)
}

func TestServerThatEchoesTheKeysDoesNotPutThemIntoErrors(t *testing.T) {
	cred := object.Credentials{AccessKeyID: "id", SecretAccessKey: "the-secret-key", SessionToken: "eyJ.the.token"}
	echo := "you sent the-secret-key and eyJ.the.token"
	for _, status := range []int{200, 301, 400, 403, 404, 500, 503} {
		for _, doc := range []string{echo, s3Error("AccessDenied", echo), "<html>" + echo, `{"message":"` + echo + `"}`} {
			c := answering(t, func(*http.Request) *http.Response {
				r := plain(status, doc)
				r.Header.Set("Location", "/"+echo)
				return r
			}, func(o *plane.Options) { o.Credentials = static(cred) })
			_, listErr := list(t.Context(), c, Range{})
			_, _, probeErr := c.Probe(t.Context(), "", retry.Policy{})
			_, _, listedErr := c.Listed(t.Context(), "k")
			_, openErr := c.Open(t.Context(), "k", 0)
			for _, err := range []error{listErr, probeErr, listedErr, openErr, c.Delete(t.Context(), "k")} {
				text := fmt.Sprintf("%v %+v", err, err)
				require.NotContains(t, text, cred.SecretAccessKey)
				require.NotContains(t, text, cred.SessionToken)
			}
		}
	}
}

func TestWhatAServerWritesReachesNoErrorAsItIs(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln"
	dirty := []string{"\x1b[31mred", "a\nlevel=error msg=forged", "tok\xffen " + token, "eyJhbGciOiJI\xffUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln", "sb_secret_AbCdEfGh12345"}
	for _, text := range dirty {
		for name, answer := range map[string]func() *http.Response{
			"code":    func() *http.Response { return plain(403, s3Error(text, "")) },
			"message": func() *http.Response { return plain(403, s3Error("AccessDenied", text)) },
			"json":    func() *http.Response { return plain(400, `{"code":"`+text+`","message":"`+text+`"}`) },
			"page":    func() *http.Response { return plain(200, "<html>"+text) },
			"size": func() *http.Response {
				return plain(200, strings.Replace(xmlPage("", false, "a"), "<Size>1", "<Size>"+text, 1))
			},
			"location": func() *http.Response { r := plain(302, ""); r.Header.Set("Location", "https://"+text+"/x"); return r },
			"type":     func() *http.Response { r := plain(502, "x"); r.Header.Set("Content-Type", text); return r },
			"encoding": func() *http.Response { r := plain(502, "x"); r.Header.Set("Content-Encoding", text); return r },
			"range":    func() *http.Response { r := plain(206, "x"); r.Header.Set("Content-Range", "bytes "+text); return r },
			"region":   func() *http.Response { return plain(200, "<LocationConstraint>"+text+"</LocationConstraint>") },
		} {
			c := answering(t, func(*http.Request) *http.Response { return answer() }, func(o *plane.Options) {
				o.Credentials = static(object.Credentials{AccessKeyID: "id", SecretAccessKey: "secret-of-the-pair", SessionToken: token})
			})
			objs, listErr := list(t.Context(), c, Range{})
			_, openErr := c.Open(t.Context(), "k", 3)
			region, regionErr := c.Region(t.Context())
			all := fmt.Sprint(listErr, openErr, regionErr, region)
			for _, o := range objs {
				all += o.Odd
			}
			for _, never := range []string{"\x1b", "\n", "eyJ", "c2ln", "AbCd", "\xff"} {
				require.NotContains(t, all, never, "%s %q", name, text)
			}
			for _, err := range []error{listErr, openErr} {
				if e, ok := errors.AsType[*object.Error](err); ok {
					require.Regexp(t, `^[A-Za-z0-9._-]{0,64}$`, e.Code)
				}
			}
		}
	}
}

func TestHowFarTheClocksAreApartIsSaid(t *testing.T) {
	for offset, words := range map[time.Duration]string{-20 * time.Minute: "20m", 3 * time.Hour: "behind the server's"} {
		c := answering(t, func(*http.Request) *http.Response {
			r := plain(403, s3Error("RequestTimeTooSkewed", ""))
			r.Header.Set("Date", time.Now().Add(offset).UTC().Format(http.TimeFormat))
			return r
		})
		_, err := list(t.Context(), c, Range{})
		require.ErrorContains(t, err, words)
		require.ErrorContains(t, err, "the clock of this machine is")
	}
	c := answering(t, func(*http.Request) *http.Response {
		r := plain(403, s3Error("RequestTimeTooSkewed", ""))
		r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
		return r
	})
	_, err := list(t.Context(), c, Range{})
	require.ErrorContains(t, err, "RequestTimeTooSkewed")
	require.NotContains(t, err.Error(), "the clock of this machine is", "the two clocks agree")
}

func TestDeleteOfAnAbsentObjectIsNoError(t *testing.T) {
	s := emulator.New(emulator.Options{})
	require.NoError(t, inMemory(t, s, nil).Delete(t.Context(), "not there"))
	// Older servers answer 404.
	c := answering(t, func(r *http.Request) *http.Response {
		if r.Method == http.MethodDelete {
			return plain(404, s3Error("NoSuchKey", "Object not found"))
		}
		return plain(200, "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>")
	})
	require.NoError(t, c.Delete(t.Context(), "not there"))
}

func TestADeletionIsBelievedOnlyOfTheAPIOrOfTheListing(t *testing.T) {
	for _, answer := range []*http.Response{plain(404, ""), plain(404, s3Error("NoSuchKey", "x")), plain(200, "<html>ok</html>")} {
		c := answering(t, func(r *http.Request) *http.Response {
			if r.Method == http.MethodDelete {
				return plain(answer.StatusCode, "")
			}
			return plain(200, "<ListBucketResult><Contents><Key>k</Key><ETag>x</ETag><Size>1</Size></Contents></ListBucketResult>")
		})
		require.ErrorContains(t, c.Delete(t.Context(), "k"), "it is still listed")
	}
}

func TestDeleteThatIsForbiddenSaysSo(t *testing.T) {
	s := emulator.New(emulator.Options{})
	s.Put(testBucket, "k", []byte("x"))
	s.AllowRead(testBucket, func(map[string]any, string) bool { return true })
	set := s.Settings()
	c := inMemory(t, s, func(o *plane.Options) {
		o.Credentials = static(object.Credentials{AccessKeyID: set.ProjectRef, SecretAccessKey: set.AnonKey, SessionToken: s.UserToken("u", time.Hour)})
	})
	require.ErrorIs(t, c.Delete(t.Context(), "k"), object.ErrDenied)
}

func TestDeleteIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		s.Put(testBucket, "k", []byte("x"))
		s.SetFaults(func(r emulator.Request) emulator.Fault {
			if r.N < 3 {
				return emulator.Fault{Status: 544}
			}
			return emulator.Fault{}
		})
		c := inMemory(t, s, func(o *plane.Options) { o.Retry = patient })
		require.NoError(t, c.Delete(t.Context(), "k"))
		require.Equal(t, 3, s.Count(emulator.OpDelete))
	})
}

func TestRegionIsToldEvenWhenTheConfiguredOneIsWrong(t *testing.T) {
	s := emulator.New(emulator.Options{})
	c := inMemory(t, s, func(o *plane.Options) { o.Region = "mars-1" })
	_, err := list(t.Context(), c, Range{})
	require.ErrorIs(t, err, object.ErrCredentials)
	region, err := c.Region(t.Context())
	require.NoError(t, err)
	require.Equal(t, s.Settings().Region, region)
}

func TestRegionIsNotGuessedWithAWrongSecret(t *testing.T) {
	s := emulator.New(emulator.Options{})
	c := inMemory(t, s, func(o *plane.Options) {
		o.Credentials = static(object.Credentials{AccessKeyID: s.Settings().AccessKeyID, SecretAccessKey: "wrong"})
	})
	region, err := c.Region(t.Context())
	require.ErrorIs(t, err, object.ErrCredentials)
	require.Empty(t, region)
}

func TestRegionThatIsNotToldIsTheOneThatWorked(t *testing.T) {
	for _, answer := range []*http.Response{
		plain(404, s3Error("NoSuchBucket", "")), plain(403, s3Error("AccessDenied", "Access denied")),
		plain(200, `<LocationConstraint xmlns="x"/>`), plain(200, "<LocationConstraint></LocationConstraint>"), plain(200, "{}"),
	} {
		region, err := answering(t, func(*http.Request) *http.Response { return answer }).Region(t.Context())
		require.NoError(t, err)
		require.Equal(t, universalRegion, region)
	}
}

func TestFailingCredentialsAreNoRequest(t *testing.T) {
	boom := errors.New("sign-in failed")
	s := emulator.New(emulator.Options{})
	c := inMemory(t, s, func(o *plane.Options) {
		o.Credentials = func(context.Context) (object.Credentials, error) { return object.Credentials{}, boom }
	})
	_, err := c.Open(t.Context(), "k", 0)
	require.ErrorIs(t, err, boom)
	require.Empty(t, s.Log())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Open(ctx, "k", 0)
	require.Equal(t, context.Canceled, err)
}
