package emulator

import (
	"bytes"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const htmlType = "text/html; charset=utf-8"

// pageOf is a page that a gateway shows instead of an answer.
func pageOf(title string) []byte {
	title = html.EscapeString(title)
	return []byte("<!DOCTYPE html>\n<html>\n<head><title>" + title + "</title></head>\n<body><h1>" + title + "</h1></body>\n</html>\n")
}

func htmlPage(*exchange) *reply {
	return answerOf(http.StatusOK, htmlType, pageOf("We will be right back"))
}

// sizedPage replaces the body by as many bytes of a page. An empty object has no
// bytes to replace.
func sizedPage(_ *exchange, t *reply) bool {
	if len(t.body) == 0 {
		return false
	}
	t.header.Set("Content-Type", htmlType)
	t.header.Del("ETag")
	t.body = fit(pageOf("We will be right back"), len(t.body))
	return true
}

// fit repeats or cuts b to n bytes. b must not be empty.
func fit(b []byte, n int) []byte { return bytes.Repeat(b, n/len(b)+1)[:n:n] }

// emptyBody removes the body. The body of an empty object is already empty.
func emptyBody(etag bool) func(*exchange, *reply) bool {
	return func(_ *exchange, t *reply) bool {
		if len(t.body) == 0 {
			return false
		}
		t.status, t.body = http.StatusOK, nil
		t.header.Del("Content-Range")
		if !etag {
			t.header.Del("ETag")
		}
		return true
	}
}

func bare(status int) func(*exchange) *reply {
	return func(*exchange) *reply { return answerOf(status, "", nil) }
}

// refusal is an error in the form of the interface.
func refusal(f *failure) func(*exchange) *reply {
	return func(x *exchange) *reply { return x.truthOf(func(inner *exchange) { inner.refused = f }) }
}

// signatureRefused is the refusal of one key by an interface that lost what proves
// who asks.
func signatureRefused(x *exchange) *reply {
	if x.surface == surfaceREST {
		return refusal(failDenied("Invalid Compact JWS"))(x)
	}
	return refusal(failSignature)(x)
}

func challengePage(*exchange) *reply {
	t := answerOf(http.StatusForbidden, htmlType, pageOf("Just a moment..."))
	t.header.Set("Cf-Mitigated", "challenge")
	t.header.Set("Server", "cloudflare")
	return t
}

func tooMany(x *exchange) *reply {
	t := refusal(byStatus[http.StatusTooManyRequests])(x)
	t.header.Set("Retry-After", "1")
	return t
}

// busyFor is how far ahead the date of LieBusy is. HTTP dates are whole seconds, so
// up to a second of it is lost.
const busyFor = 2 * time.Second

func busy(x *exchange) *reply {
	t := refusal(byStatus[http.StatusServiceUnavailable])(x)
	t.header.Set("Retry-After", time.Now().Add(busyFor).UTC().Format(http.TimeFormat))
	return t
}

func quota(*exchange) *reply {
	return answerOf(http.StatusPaymentRequired, "application/json",
		[]byte(`{"message":"service for this project is restricted: exceed_egress_quota"}`))
}

func proxyAuth(*exchange) *reply {
	t := answerOf(http.StatusProxyAuthRequired, htmlType, pageOf("Proxy Authentication Required"))
	t.header.Set("Proxy-Authenticate", `Basic realm="proxy"`)
	return t
}

func unknownError(*exchange) *reply {
	t := answerOf(520, htmlType, pageOf("520 Web server is returning an unknown error"))
	t.header.Set("Server", "cloudflare")
	return t
}

// redirectAway leads to a host that does not exist. A client in memory reaches this
// server under every name, so the path does not exist either.
func redirectAway(*exchange) *reply {
	t := answerOf(http.StatusFound, htmlType, pageOf("Found"))
	t.header.Set("Location", "http://elsewhere.invalid/login")
	return t
}

// hugeHeader adds a megabyte of headers, in lines short enough for any client.
func hugeHeader(_ *exchange, t *reply) bool {
	const lines, length = 256, 4096
	padding := strings.Repeat("p", length)
	for i := range lines {
		t.header.Set("X-Padding-"+strconv.Itoa(i), padding)
	}
	return true
}
