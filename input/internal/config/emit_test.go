package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFieldsOfReferencesThatGoTogether(t *testing.T) {
	for fields, want := range map[string]string{
		"emit: content": "", "emit: Reference": "", "emit: reference\nscanner: {to_the_end: {}}": "", "emit: reference\ndelete_objects: false": "",
		"emit: reference\nreference_url_expiry: 168h": "", "emit: reference\nreference_url_expiry: 3600": "", "emit_failures: true": "",
		"emit: reference\nreference_url_expiry: 400h\ncredentials: {type: secret_key, secret_key: sb_secret_abcdefgh}": "",
		"emit: referenz":                        `emit: "referenz" is not something to send; write content or reference: did you mean reference?`,
		"emit: reference\ndelete_objects: true": "delete_objects: an object that was only named would be lost; remove it, or write emit: content",
		"emit: reference\nscanner: {lines: {}}": "scanner: nothing is read with emit: reference; remove it, or write emit: content",
		"emit: reference\nreference_url_expiry: 169h\ncredentials: {type: Access_Key, access_key_id: abcdefghijklmnopqrstuvwxyz012345, secret_access_key: x}": "reference_url_expiry: 169h0m0s is longer than 7 days, which is the most for an address that S3 access keys sign; write at most 168h, or use credentials of another type",
		"reference_url_expiry: 1h":                    "reference_url_expiry: has no effect without references; write emit: reference, or remove it",
		"emit: reference\nreference_url_expiry: 169h": "reference_url_expiry: 169h0m0s is longer than 7 days, which is the most for an address that S3 access keys sign; write at most 168h, or use credentials of another type",
		"emit: reference\nreference_url_expiry: 10ms": `reference_url_expiry: "10ms" is less than a second; write at least 1s, or remove it`,
		"emit: reference\nreference_url_expiry: soon": `reference_url_expiry: "soon" is not a duration; ` + durationRemedy,
		"emit_failures: perhaps":                      `emit_failures: "perhaps" is neither true nor false; write one of them`,
	} {
		var texts []string
		for _, l := range lintFields(t, withFields(fields), nil) {
			texts = append(texts, l.What)
		}
		parsed, err := Spec().ParseYAML(withFields(fields), nil)
		require.NoError(t, err)
		_, parseErr := Parse(parsed)
		if want == "" {
			require.Empty(t, texts, fields)
			require.NoError(t, parseErr, fields)
			continue
		}
		require.Equal(t, []string{want}, texts, fields)
		require.EqualError(t, parseErr, want, "the constructor says the same")
	}
}

func TestAnExpiryIsWholeSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "1s": time.Second, "1500ms": 2 * time.Second, "90": 90 * time.Second} {
		got, err := parseURLExpiry(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}
