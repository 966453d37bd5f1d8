package foreign

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

const (
	hidden = "a-token-that-is-secret"
	aJWT   = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl"
)

func TestATextIsOneShortLineOfValidUTF8(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                                "plain",
		" two\r\nlines\tand\u2028more ":        "two lines and more",
		"bro\xffken \xc3(":                     "broken (",
		"a\x00b\x07c\x7fd\u200be\u202ef":       "abcdef",
		"\x1b[31mred\x1b[0m \u009b1mbold":      "red bold",
		"\x1b]0;title\x07x\x1b]8;;u\x1b\\link": "xlink",
		"\x1b(Bcharset\x1bc":                   "charset",
		"é € 😀":                                "é € 😀",
		"":                                     "",
		"level=error msg=\"x\"\nlevel=info":    `level=error msg="x" level=info`,
		strings.Repeat("é", 50):                strings.Repeat("é", 30) + "...",
		strings.Repeat("x", 30):                strings.Repeat("x", 30),
	} {
		require.Equal(t, want, Text(text, 30), "%q", text)
	}
}

func TestNoSecretIsShownInWhateverFormItComes(t *testing.T) {
	const awkward = `p&ss/w"rd+1 é`
	for _, text := range []string{
		"you sent " + hidden, hidden, hidden + hidden, "a-token-\xffthat-is-secret", "a-token-\x1b[1mthat-is-secret",
		"a-token-\nthat-\r\n is-secret", "a-\u200btoken-that-is-secret", "a\x00-token-that-is-secret",
		"it begins a-token-that-is", url.QueryEscape(awkward), url.PathEscape(awkward),
		`p&amp;ss/w&#34;rd+1 é`, `p&ss/w\"rd+1 é`, awkward,
		strings.Repeat("x", 190) + hidden,
	} {
		got := Text(text, 200, hidden, awkward)
		require.NotContains(t, got, "that-is", text)
		require.NotContains(t, got, "ss/w", text)
		require.NotContains(t, got, "ss%2Fw", text)
		if len(text) < 190 {
			require.Contains(t, got, redacted, text)
		}
	}
}

func TestWhatLooksLikeASecretIsNotShown(t *testing.T) {
	hex := strings.Repeat("0123456789abcdef", 4)
	for text, secret := range map[string]string{
		"the token " + aJWT + " may not":             "eyJ",
		"eyJhbGci\xffOiJIUzI1NiJ9.e":                 "eyJ",
		"key sb_secret_AbCd_1234567890":              "AbCd",
		"sbp_0102030405060708 is wrong":              "0102",
		"sbp_\x0001020304\xff05060708":               "0102",
		"Signature=" + hex + ", x":                   hex[:20],
		"<SignatureProvided>" + hex + "<":            hex[:20],
		"got X-Amz-Signature=abcdef0123":             "abcdef",
		"/x?token=abcdef0123&y=1":                    "abcdef",
		`{"access_token":"abcdef0123"}`:              "abcdef",
		"Authorization: Bearer abcdefghijklmnopqrst": "abcdef",
		"http://me:hunter2@proxy:3128/":              "hunter2",
	} {
		got := Text(text, 200)
		require.NotContains(t, got, secret, text)
		require.Contains(t, got, redacted, text)
	}
	for _, harmless := range []string{
		`"exp" claim timestamp check failed`, "signature verification failed", "Invalid Compact JWS", "Bearer token is missing",
		"The request signature we calculated does not match the signature you provided. Check your credentials.",
		"d41d8cd98f00b204e9800998ecf8427e", "service for this project is restricted: exceed_egress_quota",
	} {
		require.Equal(t, harmless, Text(harmless, 200))
	}
}

func TestOnlyASimpleWordTravelsAsACode(t *testing.T) {
	for _, code := range []string{"NoSuchKey", "user_banned", "PGRST301", "23505", "a.b-c_d"} {
		require.Equal(t, code, Code(code, hidden))
	}
	for _, code := range []string{"", "two words", "line\nbreak", "\x1b[31m", "<b>", "é", hidden, aJWT, "eyJhbGciOiJIUzI1NiJ9", strings.Repeat("x", 65)} {
		require.Empty(t, Code(code, hidden), "%q", code)
	}
	code, message := CodeAndMessage("Not a\ncode", "and so on", hidden)
	require.Equal(t, "", code)
	require.Equal(t, "Not a code and so on", message)
	code, message = CodeAndMessage("NoSuchKey", "gone "+hidden, hidden)
	require.Equal(t, "NoSuchKey", code)
	require.Equal(t, "gone "+redacted, message)
}

func TestAKeyIsShownWhole(t *testing.T) {
	sum := strings.Repeat("0123456789abcdef", 4)
	require.Equal(t, `"blobs/`+sum+`.tar"`, Key("blobs/"+sum+".tar"))
	require.Equal(t, `"a\nb\x1b[31m\xff"`, Key("a\nb\x1b[31m\xff"))
	require.Equal(t, `"a/[redacted]"`, Key("a/"+aJWT))
	require.Len(t, Key(strings.Repeat("k", 1024)), 1024+2)
	require.Less(t, len(Key(strings.Repeat("k", 1<<20))), 1200)
}

func TestACauseIsFoundBeneathItsText(t *testing.T) {
	dns := &net.DNSError{Err: "no such\nhost " + hidden, Name: "x", IsNotFound: true}
	err := Cause(fmt.Errorf("dialling: %w", dns), hidden)
	found, ok := errors.AsType[*net.DNSError](err)
	require.True(t, ok)
	require.Same(t, dns, found)
	require.NotContains(t, err.Error(), "\n")
	require.NotContains(t, err.Error(), hidden)
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded, os.ErrDeadlineExceeded} {
		err := Cause(ended)
		require.NotErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, ended.Error(), err.Error())
	}
}

var errNotIt = errors.New("not an answer of the API")

func TestAnAnswerSaysWhatItIsAndWhoWroteIt(t *testing.T) {
	type headers map[string]string
	for name, tc := range map[string]struct {
		status int
		h      headers
		doc    string
		by     Writer
		words  string
	}{
		"page":           {200, headers{"Content-Type": "text/html; charset=utf-8"}, "<html>\n<b>" + hidden, Somebody, `text/html that begins "<html> <b>[redacted]"`},
		"odd type":       {200, headers{"Content-Type": "text/\x1b[31mhtml"}, "x", Somebody, "text/html that"},
		"token as type":  {200, headers{"Content-Type": aJWT}, "x", Somebody, redacted},
		"message":        {404, headers{"Content-Type": "application/json"}, `{"message":"no Route matched"}`, Somebody, "but application/json"},
		"empty":          {200, nil, " \n", Somebody, "an empty one"},
		"zipped":         {200, headers{"Content-Encoding": "gzip", "Content-Type": "application/xml"}, "\x1f\x8b\x08", Somebody, "application/xml in gzip"},
		"redirect":       {302, headers{"Location": "https://me:hunter2@other.example.com/login?token=abc"}, "", Somebody, "a redirect to https://other.example.com,"},
		"relative":       {302, headers{"Location": "/login?token=abc"}, "", Somebody, "a redirect, which"},
		"same scheme":    {302, headers{"Location": "//other/x"}, "", Somebody, "a redirect to http://other,"},
		"odd target":     {302, headers{"Location": "javascript://alert/1"}, "", Somebody, "a redirect, which"},
		"broken target":  {302, headers{"Location": "http://[::1"}, "", Somebody, "a redirect, which"},
		"token as host":  {302, headers{"Location": "https://" + hidden + "/x"}, "", Somebody, "a redirect to https://[redacted],"},
		"cloudflare":     {403, headers{"Cf-Mitigated": "challenge", "Content-Type": "text/html"}, "<html>", Firewall, ""},
		"just a moment":  {503, headers{"Content-Type": "text/html"}, "<!DOCTYPE html><html><title>Just a moment...</title>", Firewall, ""},
		"captcha":        {200, headers{"Content-Type": "text/html"}, "<form class=h-Captcha>", Firewall, ""},
		"captcha of API": {400, headers{"Content-Type": "application/json"}, `{"msg":"captcha failed"}`, Somebody, ""},
		"407":            {407, nil, "", ForwardProxy, ""},
		"squid":          {503, headers{"X-Squid-Error": "ERR_CONNECT_FAIL 111", "Content-Type": "text/html"}, "<html>", ForwardProxy, ""},
		"zscaler":        {403, headers{"Content-Type": "text/html"}, "<html>Zscaler makes the internet safe", ForwardProxy, ""},
	} {
		t.Run(name, func(t *testing.T) {
			resp := &http.Response{StatusCode: tc.status, Header: http.Header{}, Request: &http.Request{URL: &url.URL{Scheme: "http", Host: "asked"}}}
			for k, v := range tc.h {
				resp.Header.Set(k, v)
			}
			a := NewAnswer(errNotIt, resp, []byte(tc.doc), hidden)
			require.ErrorIs(t, a, errNotIt)
			require.Equal(t, tc.by, a.By)
			require.ErrorContains(t, a, tc.words)
			for _, never := range []string{hidden, "hunter2", "abc", "\x1b", "\n", "eyJ"} {
				require.NotContains(t, a.Error(), never)
			}
		})
	}
}

func TestRefusalsInJSONAreRead(t *testing.T) {
	for doc, want := range map[string][2]string{
		`{"code":400,"error_code":"user_banned","msg":"m"}`:  {"user_banned", "m"},
		`{"error":"invalid_grant","error_description":"no"}`: {"invalid_grant", "no"},
		`{"message":["one","two"]}`:                          {"", "one two"},
		`{}`:                                                 {"", ""},
	} {
		code, message, ok := JSON([]byte(doc))
		require.True(t, ok)
		require.Equal(t, want[0], code, doc)
		require.Equal(t, strings.ReplaceAll(want[1], " ", ""), strings.ReplaceAll(message, " ", ""), doc)
	}
	for _, doc := range []string{"", "null", "[]", "<html>", `{"a":`} {
		_, _, ok := JSON([]byte(doc))
		require.False(t, ok, doc)
	}
}

func FuzzATextIsShortAndHoldsNoSecret(f *testing.F) {
	f.Add("x "+hidden, hidden)
	f.Add("a-token-\xffthat-is-secret", hidden)
	f.Add("\x1b[31m\x00", "p w")
	f.Add("%41", "A")
	f.Fuzz(func(t *testing.T, text, secret string) {
		if len(secret) < 4 || strings.Contains(redacted, secret) || strings.Contains("...", secret) || !utf8.ValidString(secret) {
			return // no secret: too short, or what is shown in its place
		}
		got := Text(text+secret, 100, secret)
		require.True(t, utf8.ValidString(got))
		require.LessOrEqual(t, utf8.RuneCountInString(got), 103)
		for _, r := range got {
			require.True(t, unicode.IsPrint(r), "%q", got)
		}
		if plain(secret) == secret && strings.TrimSpace(secret) == secret && !strings.ContainsAny(secret, "[].") {
			require.NotContains(t, got, secret)
		}
	})
}

// Some proxies show the header Authorization as they got it, or the name and password in
// it.
func TestSecretsInBase64AreNotShown(t *testing.T) {
	const secret, other = "correct-horse-battery-staple-0123", "sb_secret_aaaaaaaaaaaaaaaaaaaaaa_12345678"
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
		for _, before := range []string{"", "a", "ab", "abc", "user:", "apikey "} {
			shown := Text("refused: "+encoding.EncodeToString([]byte(before+secret+"\n")), Short, secret)
			require.Contains(t, shown, "[redacted]", before)
			for i := range 3 {
				require.NotContains(t, shown, base64.RawStdEncoding.EncodeToString([]byte(secret[i:]))[:12], before)
			}
		}
		require.Equal(t, "refused: [redacted]", strings.Trim(Text("refused: "+encoding.EncodeToString([]byte(other)), Short), "="), "a key that nobody here knows")
		require.Equal(t, "refused: [redacted]", strings.Trim(Text("refused: "+encoding.EncodeToString([]byte("sbp_0123456789abcdef0123456789abcdef01234567")), Short), "="))
	}
}
