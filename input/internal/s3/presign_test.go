package s3

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestAPresignedURLOpensOneObjectUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := emulator.New(emulator.Options{})
		c := inMemory(t, s, nil)
		open := func(url string) (int, string) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
			require.NoError(t, err)
			res, err := s.Transport().RoundTrip(r)
			require.NoError(t, err)
			defer func() { _ = res.Body.Close() }()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			return res.StatusCode, string(body)
		}
		for _, key := range []string{"a b+c?d=e&f", "//x", "trailing ", "dir/", "(1)!*'"} {
			s.Put(testBucket, key, []byte("of "+key), emulator.WithRawKey())
			signed, err := c.Presign(t.Context(), accessKey(s), key, time.Minute)
			require.NoError(t, err)
			status, body := open(signed.URL)
			require.Equal(t, 200, status, body)
			require.Equal(t, "of "+key, body)
			require.NotContains(t, signed.URL, s.Settings().SecretAccessKey)
			require.NotContains(t, fmt.Sprintf("%v %+v %s", signed, signed, signed), "X-Amz-Signature")
			time.Sleep(62 * time.Second)
			status, body = open(signed.URL)
			require.Equal(t, 400, status)
			require.Contains(t, body, "ExpiredToken")
		}
	})
}

func TestNoTokenIsPutIntoAURL(t *testing.T) {
	s := emulator.New(emulator.Options{})
	c := inMemory(t, s, nil)
	for _, cred := range []object.Credentials{{AccessKeyID: "ref", SecretAccessKey: "anon", SessionToken: "token"}, {APIKey: "sb_secret_x"}} {
		signed, err := c.Presign(t.Context(), cred, "k", time.Minute)
		require.ErrorContains(t, err, "no S3 access keys")
		require.Empty(t, signed.URL)
	}
}
