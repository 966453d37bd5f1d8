package plane

import (
	"fmt"
	"net/url"
	"strings"
)

// BaseURL parses an endpoint. The default port is dropped, because a signature
// covers the host as it is sent. The paths of the result do not end in a slash.
func BaseURL(endpoint string) (url.URL, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return url.URL{}, fmt.Errorf("parsing the endpoint: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return url.URL{}, fmt.Errorf("endpoint %q: want http:// or https:// and a host", u.Redacted())
	}
	host := u.Host
	switch {
	case u.Scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	case u.Scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return url.URL{
		Scheme:  u.Scheme,
		Host:    host,
		Path:    strings.TrimRight(u.Path, "/"),
		RawPath: strings.TrimRight(u.EscapedPath(), "/"),
	}, nil
}

// EscapePath percent-encodes every byte except unreserved ones and "/". SigV4
// signs this form, and it is sent unchanged. Nothing is cleaned: "//", "." and a
// trailing space belong to the key.
func EscapePath(path string) string {
	n := 0
	for i := range len(path) {
		if !unreserved[path[i]] {
			n++
		}
	}
	if n == 0 {
		return path
	}
	const upperHex = "0123456789ABCDEF"
	out := make([]byte, 0, len(path)+2*n)
	for i := range len(path) {
		if c := path[i]; unreserved[c] {
			out = append(out, c)
		} else {
			out = append(out, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(out)
}

// unreserved are the bytes that stand for themselves in a path.
var unreserved = func() (t [256]bool) {
	for c := byte('a'); c <= 'z'; c++ {
		t[c] = true
		t[c-'a'+'A'] = true
	}
	for c := byte('0'); c <= '9'; c++ {
		t[c] = true
	}
	for _, c := range []byte("-._~/") {
		t[c] = true
	}
	return t
}()
