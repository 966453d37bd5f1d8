package foreign

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// redacted is what is shown in place of a secret.
const redacted = "[redacted]"

// beginning is how many bytes of a secret are enough to recognise it: an answer
// may hold the first part of it alone. Shorter secrets are looked for whole.
const beginning = 12

// tokens have a form of their own, which is no key of an object: JWTs and the
// keys of Supabase.
var tokens = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,2}|sb_(?:secret|publishable)_[A-Za-z0-9_-]{4,}|sbp_[A-Za-z0-9_]{8,}`)

// lookalikes are what is likely to be a secret because of its form or of what
// stands before it.
var lookalikes = regexp.MustCompile(strings.Join([]string{
	`\b[0-9a-fA-F]{64}\b`, // a signature of SigV4, the secret of an S3 access key
	`(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{16,}`,
	`(?i)\b(?:x-amz-)?(?:signature|security-token|credential)=[^\s"'&,;<>]{8,}`,
	`(?i)"?\b(?:access_|refresh_)?(?:token|api_?key|password|secret)(?:=|"\s*:\s*")[^\s"'&,;<>]{4,}`,
	`://[^\s/@"'<>]+@`,
	`(?:ZXlK|c2Jfc2VjcmV0X|c2JwX)[A-Za-z0-9+/_-]{12,}`, // JWTs, secret keys and access tokens, in base64
}, "|"))

// redact replaces the secrets in a text, and all that looks like one.
func redact(text string, secrets []string) string {
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			text = hide(text, form)
		}
	}
	text = tokens.ReplaceAllString(text, redacted)
	return lookalikes.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "://") {
			return "://" + redacted + "@"
		}
		if strings.Contains(found, redacted) {
			return found
		}
		if i := strings.IndexAny(found, "=: "); i >= 0 {
			return found[:i+1] + redacted
		}
		return redacted
	})
}

// quotes are what JSON must escape; some encoders escape more.
var quotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// forms are the spellings in which an answer may hold a secret: as it is, in base64, and
// as it stands in a URL, in HTML, or in JSON.
func forms(secret string) []string {
	secret = plain(secret)
	if strings.TrimSpace(secret) == "" {
		return nil
	}
	inJSON, _ := json.Marshal(secret)
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret),
		string(inJSON[1 : len(inJSON)-1]), quotes.Replace(secret),
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		// With something before it, the first bytes are spelled otherwise, and the rest is
		// one of three.
		for skip := range 3 {
			whole := (len(secret) - skip) / 3 * 3 // the last bytes depend on what follows
			if whole/3*4 < beginning {
				continue // so few letters may be anything
			}
			all = append(all, encoding.EncodeToString([]byte(secret[skip:skip+whole])))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// hide replaces a secret, or the beginning of one, wherever it stands in the
// text. White space does not count: a text that was wrapped holds it all the
// same.
func hide(text, secret string) string {
	secret = strings.ReplaceAll(secret, " ", "")
	known := secret[:min(len(secret), beginning)]
	// The text without its spaces, and where each byte of that stands.
	bare, at := make([]byte, 0, len(text)), make([]int, 0, len(text))
	for i := range len(text) {
		if text[i] != ' ' {
			bare, at = append(bare, text[i]), append(at, i)
		}
	}
	var out strings.Builder
	rest, done := string(bare), 0
	for from := 0; ; {
		i := strings.Index(rest[from:], known)
		if i < 0 {
			break
		}
		i += from
		end := i + len(known)
		for end < len(rest) && end-i < len(secret) && rest[end] == secret[end-i] {
			end++
		}
		out.WriteString(text[done:at[i]])
		out.WriteString(redacted)
		done, from = at[end-1]+1, end
	}
	out.WriteString(text[done:])
	return out.String()
}
