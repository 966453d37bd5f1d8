package supabase

import (
	"os"
	"regexp"
	"slices"
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

	whereSecretKeys  = "secret keys are made in the Dashboard under Project Settings -> API keys -> Secret keys"
	wherePublishable = "it is in the Dashboard under Project Settings -> API keys -> Publishable key"
)

// checkText finds what is wrong with an address, a name or an id, before its kind
// is looked at. It reports whether the value can be looked at further.
func checkText(field, value string, problems *Problems) bool {
	if strings.Contains(value, "${") {
		problems.addUnreplaced(field)
		return false
	}
	return checkForm(field, value, problems)
}

// checkKey is checkText for a key, which the project's servers made: it has no
// character that a variable needs.
func (c *CredentialSettings) checkKey(field, value string, problems *Problems) bool {
	if c.unreplaced(field, value) {
		problems.addUnreplaced(field)
		return false
	}
	return checkForm(field, value, problems)
}

// checkSecret is checkKey for a secret that an operator made up: it may hold
// anything that fits on a line.
func (c *CredentialSettings) checkSecret(field, value string, problems *Problems) bool {
	switch {
	case c.unreplaced(field, value):
		problems.addUnreplaced(field)
	case hasSpaceAround(value):
		problems.addSpaceAround(field)
	case len(value) > 1 && strings.ContainsAny(value[:1], `"'`) && value[len(value)-1] == value[0]:
		problems.addQuoted(field)
	case strings.ContainsFunc(value, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }):
		problems.addOddCharacters(field)
	default:
		return true
	}
	return false
}

// checkForm finds what no key, address or name has.
func checkForm(field, value string, problems *Problems) bool {
	switch {
	case hasSpaceAround(value):
		problems.addSpaceAround(field)
	case strings.ContainsAny(value, `"'`):
		problems.addQuoted(field)
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII || r == 0x7f }):
		problems.addOddCharacters(field)
	default:
		return true
	}
	return false
}

// variable is a whole value that Benthos would have replaced, had the variable
// been there: ${NAME}, ${NAME:default} or ${NAME|function}.
var variable = regexp.MustCompile(`^\$\{[0-9A-Za-z_.]+(:((\$\{[^}]+\})|[^}])*)?(\|[0-9A-Za-z]+)?\}$`)

// unreplaced reports whether a secret is still the name of an environment
// variable. What a file holds is literal, and so is what the environment holds:
// a password may look like a variable, or hold the text of one.
func (c *CredentialSettings) unreplaced(field, value string) bool {
	if c.fromFile[field] || !variable.MatchString(value) {
		return false
	}
	return !slices.ContainsFunc(os.Environ(), func(pair string) bool {
		_, held, _ := strings.Cut(pair, "=")
		return held == value
	})
}

func hasSpaceAround(value string) bool { return strings.TrimSpace(value) != value }

func (p *Problems) addUnreplaced(field string) {
	p.add(field, "holds the text of an environment variable that was not replaced",
		"set the variable, and write it as ${NAME} or ${NAME:default}")
}

func (p *Problems) addSpaceAround(field string) {
	p.add(field, "begins or ends with white space", "remove it; files and pasted values often end with a line break")
}

func (p *Problems) addQuoted(field string) {
	p.add(field, "contains quotation marks", "remove them: they are not part of the key")
}

func (p *Problems) addOddCharacters(field string) {
	p.add(field, "contains white space or characters that no key has", "copy it again, as a single line")
}
