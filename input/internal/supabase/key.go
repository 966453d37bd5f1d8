package supabase

import (
	"regexp"
	"strings"
	"unicode"
)

// keyKind is what a secret value looks like.
type keyKind int

const (
	kindOther keyKind = iota
	kindJWT
	kindNewSecret   // sb_secret_...
	kindPublishable // sb_publishable_...
	kindAccessToken // sbp_..., a personal access token
	kindS3ID        // 32 hex digits
	kindS3Secret    // 64 hex digits
	kindAWS         // the id of an AWS key
)

var (
	hex32  = regexp.MustCompile(`^[0-9a-f]{32}$`)
	hex64  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	awsKey = regexp.MustCompile(`^A[KS]IA[A-Z0-9]{16}$`)
)

// kindOf classifies a value by its form alone.
func kindOf(value string) keyKind {
	switch {
	case strings.HasPrefix(value, "sb_secret_"):
		return kindNewSecret
	case strings.HasPrefix(value, "sb_publishable_"):
		return kindPublishable
	case strings.HasPrefix(value, "sbp_"):
		return kindAccessToken
	case strings.HasPrefix(value, "eyJ"):
		return kindJWT
	case hex32.MatchString(value):
		return kindS3ID
	case hex64.MatchString(value):
		return kindS3Secret
	case awsKey.MatchString(value):
		return kindAWS
	}
	return kindOther
}

// String names the kind for an error about a value that is in the wrong field.
func (k keyKind) String() string {
	switch k {
	case kindJWT:
		return "a JWT"
	case kindNewSecret:
		return "an API secret key (sb_secret_...)"
	case kindPublishable:
		return "a publishable API key (sb_publishable_...)"
	case kindAccessToken:
		return "a personal access token (sbp_...)"
	case kindS3ID:
		return "the id of an S3 access key"
	case kindS3Secret:
		return "the secret of an S3 access key"
	case kindAWS:
		return "the id of an AWS key"
	}
	return "something else"
}

// Where the Dashboard keeps the keys.
const (
	whereS3Keys  = "S3 access keys are made in the Dashboard under Project Settings -> Storage -> S3 access keys"
	whereAPIKeys = "it is in the Dashboard under Project Settings -> API keys -> Legacy API keys"
)

// checkText finds what is wrong with a value of any kind, before its kind is
// looked at. It reports whether the value can be looked at further.
func checkText(field, value string, problems *Problems) bool {
	switch {
	case strings.Contains(value, "${"):
		problems.add(field, "holds the text of an environment variable that was not replaced",
			"set the variable, and write it as ${NAME} or ${NAME:default}")
	case strings.TrimSpace(value) != value:
		problems.add(field, "begins or ends with white space", "remove it; files and pasted values often end with a line break")
	case strings.ContainsAny(value, `"'`):
		problems.add(field, "contains quotation marks", "remove them: they are not part of the key")
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII || r == 0x7f }):
		problems.add(field, "contains white space or characters that no key has", "copy it again, as a single line")
	default:
		return true
	}
	return false
}
