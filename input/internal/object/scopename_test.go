package object

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

const shopRef = "abcdefghijklmnopqrst"

func TestAScopeHasOneNameInListsAndOneInSentences(t *testing.T) {
	for _, c := range []struct {
		name                  ScopeName
		short, list, sentence string
	}{
		{ScopeName{Bucket: "docs"}, "docs", "docs", `bucket "docs"`},
		{ScopeName{}, "the project", "the project", "the project"},
		{ScopeName{Ref: shopRef, Bucket: "docs"}, shopRef + "/docs", shopRef + "/docs", `bucket "docs" of project ` + shopRef},
		{ScopeName{Ref: shopRef, Project: "Shop", Bucket: "docs"}, shopRef + "/docs", shopRef + "/docs (Shop)", `bucket "docs" of project "Shop" (` + shopRef + ")"},
		{ScopeName{Ref: shopRef, Project: "Shop"}, shopRef, shopRef + " (Shop)", `project "Shop" (` + shopRef + ")"},
		{ScopeName{Ref: shopRef}, shopRef, shopRef, "project " + shopRef},
		{
			ScopeName{Ref: shopRef, Project: "a \"b\"\n\x1b[2Jc\u202e", Bucket: "x\u202ey"},
			shopRef + `/"x\u202ey"`, shopRef + `/"x\u202ey" (a "b" c)`, `bucket "x\u202ey" of project "a \"b\" c" (` + shopRef + ")",
		},
	} {
		require.Equal(t, c.short, c.name.Short())
		require.Equal(t, c.list, c.name.String())
		require.Equal(t, c.sentence, c.name.Sentence())
	}
}

func TestTheNameOfAScopeIsShortAndHarmless(t *testing.T) {
	for _, evil := range []string{
		strings.Repeat("x", 500), "\x1b]0;title\a", "\u202eevil\u2066", "a\r\nlevel=info msg=forged", "\xff\xfe", `"); drop`, "sbp_0123456789abcdef0123456789abcdef01234567", "😀 नमस्ते",
	} {
		n := ScopeName{Ref: shopRef, Project: evil, Bucket: "docs"}
		of := ScopeName{Ref: shopRef, Project: "Shop", Bucket: evil}
		for _, text := range []string{n.String(), n.Sentence(), n.Short(), of.String(), of.Sentence(), of.Short()} {
			for _, r := range text {
				require.True(t, unicode.IsPrint(r), "%q", text)
			}
			require.NotContains(t, text, "sbp_0123")
		}
		require.Less(t, len([]rune(n.String())), 120)
	}
}

func TestWhatIsShownOfAScopeCanBeTyped(t *testing.T) {
	for _, n := range []ScopeName{
		{Bucket: "docs"},
		{Ref: shopRef, Bucket: "docs"},
		{Ref: shopRef, Project: "Shop", Bucket: "docs"},
		{Ref: shopRef, Project: "Shop (old)/new", Bucket: "docs (old)"},
		{Ref: shopRef, Project: strings.Repeat("x", 500), Bucket: "docs"},
		{Ref: shopRef, Project: "a\x1b[2J \"b\"", Bucket: "x\u202ey"},
	} {
		for _, typed := range []string{n.Bucket, n.Short(), n.String()} {
			bucket, ok := n.BucketIn(typed)
			require.True(t, ok, "%q", typed)
			require.Equal(t, n.Bucket, bucket, "%q", typed)
		}
		if n.Ref == "" {
			continue
		}
		whole := n
		whole.Bucket = ""
		for _, typed := range []string{n.Ref, whole.String(), n.Project, n.ProjectName()} {
			require.True(t, typed == "" || n.IsProject(typed), "%q", typed)
		}
		other := ScopeName{Ref: "zzzzzzzzzzzzzzzzzzzz", Project: "Other"}
		_, ok := other.BucketIn(n.Short())
		require.False(t, ok)
		require.False(t, other.IsProject(n.Ref))
	}
	require.False(t, ScopeName{Ref: shopRef}.IsProject(""), "a project without a name is not every project")
}

func TestTextsAboutScopesAreAlikeWithoutTheirNames(t *testing.T) {
	of := func(n ScopeName) string {
		return n.General("the role may not list " + n.Sentence() + "; see project/" + n.Ref)
	}
	a, b := ScopeName{Ref: shopRef, Project: "Shop", Bucket: "docs"}, ScopeName{Ref: "zzzzzzzzzzzzzzzzzzzz", Project: "Other \"x\"", Bucket: "it's\u202e"}
	require.Equal(t, of(a), of(b))
	require.NotContains(t, of(a), "docs")
	require.Equal(t, "", ScopeName{}.General(""))
}
