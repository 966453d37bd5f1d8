package cmdline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFlagsMayFollowTheConfig(t *testing.T) {
	for typed, want := range map[string]string{
		"p run a.yaml":                                 "p run a.yaml",
		"p run a.yaml --set x=y":                       "p run --set x=y a.yaml",
		"p run --set x=y a.yaml":                       "p run --set x=y a.yaml",
		"p run -r r.yaml a.yaml -s x=y --chilled":      "p run -r r.yaml -s x=y --chilled a.yaml",
		"p run a.yaml --set=x=y -e .env":               "p run --set=x=y -e .env a.yaml",
		"p run a.yaml -- --set":                        "p run a.yaml -- --set",
		"p run a.yaml b.yaml --set x=y":                "p run --set x=y a.yaml b.yaml",
		"p run a.yaml --set":                           "p run --set a.yaml",
		"p run - --set x=y":                            "p run --set x=y -",
		"p --set x=y run a.yaml -w":                    "p --set x=y run -w a.yaml",
		"p -c a.yaml run":                              "p -c a.yaml run",
		"p -c run":                                     "p -c run",
		"p streams a.yaml b.yaml -o root.yaml":         "p streams -o root.yaml a.yaml b.yaml",
		"p lint a.yaml --skip-env-var-check b.yaml":    "p lint --skip-env-var-check a.yaml b.yaml",
		"p run --set input.type=stdin":                 "p run --set input.type=stdin",
		"p run --help":                                 "p run --help",
		"p check a.yaml --set x=y":                     "p check a.yaml --set x=y", // reads them itself
		"p create stdin/a/b":                           "p create stdin/a/b",
		"p blobl run --set":                            "p blobl run --set",
		"p --version":                                  "p --version",
		"p unknown --set x":                            "p unknown --set x",
		"p run a.yaml --log.level=debug --set a=b -tx": "p run --log.level=debug --set a=b -tx a.yaml",
	} {
		got, err := Rewrite(strings.Fields(typed), nil)
		require.NoError(t, err, typed)
		require.Equal(t, strings.Fields(want), got, typed)
	}
}

func TestNothingToRunIsHelpOrAnError(t *testing.T) {
	config := filepath.Join(t.TempDir(), "supabase-connect.yaml")
	got, err := Rewrite([]string{"p"}, []string{config})
	require.NoError(t, err)
	require.Equal(t, []string{"p", "--help"}, got)
	for _, args := range [][]string{{"p", "run"}, {"p", "run", "--chilled"}} {
		_, err = Rewrite(args, []string{config})
		require.EqualError(t, err, "run needs the config of the pipeline: run CONFIG")
	}
	// A config at one of the usual places is one to run.
	require.NoError(t, os.WriteFile(config, nil, 0o600))
	for _, args := range [][]string{{"p"}, {"p", "run"}} {
		got, err = Rewrite(args, []string{"nowhere.yaml", config})
		require.NoError(t, err)
		require.Equal(t, args, got)
	}
}

func TestOnlyTheVersionIsAskedFor(t *testing.T) {
	require.True(t, AsksVersion([]string{"p", "--version"}))
	require.True(t, AsksVersion([]string{"p", "-v"}))
	require.False(t, AsksVersion([]string{"p"}))
	require.False(t, AsksVersion([]string{"p", "run", "-v"}))
}
