package filter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTypesAreMatchedByTheirMediaTypeAlone(t *testing.T) {
	for _, test := range []struct {
		globs   []string
		matches []string
		not     []string
	}{
		{
			[]string{"image/*", "Application/PDF"},
			[]string{"image/png", "IMAGE/PNG", "image/svg+xml; charset=utf-8", " image/webp ;q=1", "application/pdf", "image/x-icon"},
			[]string{"", "image", "images/png", "application/pdfx", "application/x-pdf", "text/plain; note=image/png", "ximage/png"},
		},
		{[]string{"application/*+json"}, []string{"application/ld+json", "application/geo+json;v=1"}, []string{"application/json", "text/ld+json"}},
		{[]string{"*/*"}, []string{"a/b", "application/octet-stream"}, []string{"", "text"}},
		{[]string{"{image,video}/*"}, []string{"image/png", "video/mp4"}, []string{"audio/mp4"}},
		{[]string{"image/{png,jpeg}"}, []string{"image/png", "image/jpeg"}, []string{"image/gif"}},
		{[]string{"text/?sv"}, []string{"text/csv", "text/tsv"}, []string{"text/sv"}},
		{nil, []string{"", "anything", "text/plain"}, nil},
	} {
		f := compiled(t, Options{ContentTypes: test.globs})
		require.Equal(t, len(test.globs) > 0, f.ByType())
		for _, text := range test.matches {
			require.True(t, f.MatchType(text), "%q by %q", text, test.globs)
		}
		for _, text := range test.not {
			require.False(t, f.MatchType(text), "%q by %q", text, test.globs)
		}
	}
}

func TestWhatIsNoTypeIsNamedWithARemedy(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "the type is empty; remove it, or write one such as image/*, application/pdf or application/*+json",
		"jpg":                      `pattern "jpg": this is no media type, which has two parts with a slash between them at character 1; write one such as image/*`,
		"*":                        `pattern "*": this is no media type`,
		"/png":                     `pattern "/png": this is no media type`,
		"image/":                   `pattern "image/": this is no media type`,
		"text/plain;charset=utf-8": `pattern "text/plain;charset=utf-8": parameters are not compared at character 11; write "text/plain"`,
		"image /png":               `pattern "image /png": a type has no space at character 6; write one`,
		"image/{png":               `pattern "image/{png": `,
		"image/[":                  `pattern "image/[": `,
	} {
		require.ErrorContains(t, CheckType(text), want, "%q", text)
	}
	_, err := New(Options{ContentTypes: []string{"image/*", "pdf"}})
	require.ErrorContains(t, err, `content_types[1]: pattern "pdf"`)
	require.NoError(t, CheckType("application/vnd.openxmlformats-officedocument.*"))
}
