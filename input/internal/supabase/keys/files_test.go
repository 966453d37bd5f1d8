package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

func TestFilesAreReadAtTheStartAndBeforeTheirTokenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "token")
		write := func(life time.Duration) string {
			token := jwt(0, map[string]any{"role": "authenticated", "ref": ref, "exp": time.Now().Add(life).Unix()})
			require.NoError(t, os.WriteFile(path, []byte(token+"\n"), 0o600))
			return token
		}
		conf := settings(supabase.TypeSessionToken)
		conf.Credentials.Files = map[string]string{"credentials.user_token": path}
		s, l := start(t, newWorld(t), conf, 0)
		_, err := s.Credentials(t.Context())
		permanent(t, err, "credentials.user_token_file: ", "can't be read")
		require.NoError(t, os.WriteFile(path, []byte("no-token\n"), 0o600))
		time.Sleep(firstPause)
		_, err = s.Credentials(t.Context())
		permanent(t, err, "credentials.user_token_file: ", "is not a JWT")

		first := write(time.Hour)
		time.Sleep(2 * firstPause)
		require.Equal(t, first, good(t, s).SessionToken)
		time.Sleep(30 * time.Minute)
		second := write(time.Hour)
		require.Equal(t, first, good(t, s).SessionToken, "there is no need yet")
		time.Sleep(25 * time.Minute)
		require.Equal(t, second, good(t, s).SessionToken)
		require.Empty(t, l.left)

		for range 30 { // nobody writes a third one
			time.Sleep(time.Minute)
			_, _ = s.Credentials(t.Context())
		}
		require.Len(t, l.left, 1, "five minutes before its end")
		time.Sleep(5 * time.Minute)
		require.Equal(t, second, good(t, s).SessionToken, "over by this clock, and the server's decides")
		third := write(time.Hour)
		time.Sleep(lookAgain)
		require.Equal(t, third, good(t, s).SessionToken)
		time.Sleep(26 * time.Hour)
		_, err = s.Credentials(t.Context())
		permanent(t, err, "credentials.user_token_file: ", "expired on")
	})
}

func TestFilesAreReadAgainWhenAKeyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		write := func(name, value string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600))
		}
		write("id", "0123456789abcdef0123456789abcdef\n")
		write("secret", "old secret\r\n")
		conf := settings(supabase.TypeAccessKey)
		conf.Credentials.Files = map[string]string{
			"credentials.access_key_id":     filepath.Join(dir, "id"),
			"credentials.secret_access_key": filepath.Join(dir, "secret"),
		}
		s, _ := start(t, newWorld(t), conf, 0)
		_, err := s.Credentials(t.Context())
		permanent(t, err, "credentials.secret_access_key_file: ", "white space")
		write("secret", "old-secret-of-this-project\r\n")
		time.Sleep(firstPause)
		old := good(t, s)
		require.Equal(t, "old-secret-of-this-project", old.SecretAccessKey)
		require.Equal(t, "service_role", s.Project().Identity.Role)

		ok, err := s.Renew(t.Context(), old)
		require.NoError(t, err)
		require.False(t, ok, "it has not changed yet")
		write("secret", "new-secret-of-this-project\n")
		time.Sleep(firstPause)
		ok, err = s.Renew(t.Context(), old)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, "new-secret-of-this-project", good(t, s).SecretAccessKey)
	})
}

// TestFilesThatAreReplacedLaterAreWaitedFor is how Kubernetes hands on a secret
// that was changed: the server refuses the old keys, and the mounted files follow
// more than a minute later.
func TestFilesThatAreReplacedLaterAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "secret")
		write := func(value string) { require.NoError(t, os.WriteFile(file, []byte(value), 0o600)) }
		write("old-secret-of-this-project")
		conf := settings(supabase.TypeAccessKey)
		conf.Credentials.AccessKeyID = "0123456789abcdef0123456789abcdef"
		conf.Credentials.Files = map[string]string{"credentials.secret_access_key": file}
		s, _ := start(t, newWorld(t), conf, 0)
		old := good(t, s)
		time.Sleep(time.Hour)

		replaced := time.AfterFunc(90*time.Second, func() { write("new-secret-of-this-project") })
		defer replaced.Stop()
		began := time.Now()
		ok, err := s.Renew(t.Context(), old)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, "new-secret-of-this-project", good(t, s).SecretAccessKey)
		require.LessOrEqual(t, time.Since(began), 90*time.Second+firstPause)

		// Where nobody replaces them the refusal is told in the end.
		time.Sleep(time.Hour)
		began = time.Now()
		ok, err = s.Renew(t.Context(), good(t, s))
		require.NoError(t, err)
		require.False(t, ok)
		require.LessOrEqual(t, time.Since(began), fileLag+firstPause)
	})
}

func TestAFileThatIsNoSecretIsNotReadWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "core")
		require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("x", maxSecret+1)), 0o600))
		conf := settings(supabase.TypeUser)
		conf.Credentials.Password = ""
		conf.Credentials.Files = map[string]string{"credentials.password": path}
		w := newWorld(t)
		s, _ := start(t, w, conf, 0)
		_, err := s.Credentials(t.Context())
		permanent(t, err, "credentials.password_file: ", "it is no secret")
		require.NoError(t, os.WriteFile(path, []byte(password+"\n"), 0o600))
		time.Sleep(firstPause)
		good(t, s)
		require.Equal(t, 1, w.count("grant_type=password"))
	})
}
