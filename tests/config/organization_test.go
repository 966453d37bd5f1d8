package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestAnOrganizationIsCopiedIntoAFolderForEachProjectAndBucket(t *testing.T) {
	org := emulator.NewOrganization(emulator.OrganizationOptions{})
	for _, name := range []string{"shop", "blog", "shop-test"} {
		s := org.AddProject(emulator.Options{Name: name})
		for _, bucket := range []string{"avatars", "docs"} {
			s.CreateBucket(bucket)
			s.Put(bucket, "a/../same.txt", []byte(name+" "+bucket), emulator.WithRawKey())
		}
	}
	l, err := org.Start("")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	dir := t.TempDir()
	env := map[string]string{
		"SUPABASE_ORGANIZATION": org.Slug(), "SUPABASE_ACCESS_TOKEN": org.AccessToken(),
		"SUPABASE_API_URL": l.APIURL(), "SUPABASE_S3_ENDPOINT": l.EndpointTemplate(),
		"SYNC_MODE": "one_time", "OUTPUT_DIR": filepath.Join(dir, "out"), "STATE_PATH": filepath.Join(dir, "state.db"),
	}
	report := runConfig(t, readConfig(t, "organization.yaml"), env)
	require.NoError(t, report.Err)
	require.Len(t, report.Scopes, 4, "a project whose name is excluded is not read")
	contents := map[string]bool{}
	require.NoError(t, filepath.WalkDir(filepath.Join(dir, "out"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		contents[string(text)] = true
		return err
	}))
	require.Equal(t, map[string]bool{"shop avatars": true, "shop docs": true, "blog avatars": true, "blog docs": true}, contents)

	again := runConfig(t, readConfig(t, "organization.yaml"), env)
	require.NoError(t, again.Err)
	require.Zero(t, again.Delivered)
}
