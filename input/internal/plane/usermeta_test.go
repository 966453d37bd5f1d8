package plane

import (
	"net/http"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestUserMetadataIsReadAsText(t *testing.T) {
	for value, want := range map[string]string{
		"plain":                                  "plain",
		"Grüße":                                  "Grüße",
		"=?UTF-8?B?R3LDvMOfZQ==?=":               "Grüße",
		"=?utf-8?q?Gr=C3=BC=C3=9Fe_aus?= Berlin": "Grüße aus Berlin",
		"=?ISO-8859-1?Q?Gr=FC=DFe?=":             "Grüße",
		"=?UTF-8?Q?caf?= =?UTF-8?Q?=C3=A9?=":     "café",
		"=?UTF-8?B?8J+Y?= =?UTF-8?B?gA==?=":      "\U0001f600", // a character in two words
		"=?UTF-8?B?!!!?=":                        "=?UTF-8?B?!!!?=",
		"=?UTF-8?Q?=ZZ?=":                        "=?UTF-8?Q?=ZZ?=",
		"=?UTF-8?B?/w==?=":                       "=?UTF-8?B?/w==?=", // a byte that is no UTF-8
		"=?Shift_JIS?B?g2WDWINn?=":               "=?Shift_JIS?B?g2WDWINn?=",
		"=?UTF-8?X?abc?=":                        "=?UTF-8?X?abc?=",
		"=?is this a question?=":                 "=?is this a question?=",
		"=?":                                     "=?",
		"M\xfcller":                              "Müller",
		"\xff\xfe":                               "ÿþ",
		"M\xfcller =?UTF-8?B?R3LDvMOfZQ==?=":     "Müller Grüße",
	} {
		got := userMetadata(http.Header{"X-Amz-Meta-Note": {value}, "X-Amz-Meta-": {"no name"}, "X-Amz-Other": {"x"}})
		require.Equal(t, map[string]string{"note": want}, got)
	}
	require.Equal(t, map[string]string{"note": "é,ü"},
		userMetadata(http.Header{"X-Amz-Meta-Note": {"=?UTF-8?Q?=C3=A9?=", "ü"}}), "a header that comes twice")
	require.Nil(t, userMetadata(http.Header{"Content-Type": {"text/plain"}}))
}

func TestMetadataThatTheServerLeftOutIsCounted(t *testing.T) {
	for value, want := range map[string]int{"": 0, "3": 3, " 2 ": 2, "-1": 0, "many": 0} {
		require.Equal(t, want, missingMeta(http.Header{"X-Amz-Missing-Meta": {value}}), value)
	}
}

func FuzzHeaderText(f *testing.F) {
	for _, seed := range []string{"plain", "=?UTF-8?B?R3LDvMOfZQ==?=", "=?ISO-8859-1?Q?=FC?=", "\xff=?utf-8?q?=FF?="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if text := headerText(value); !utf8.ValidString(text) {
			t.Fatalf("%q became %q", value, text)
		}
	})
}
