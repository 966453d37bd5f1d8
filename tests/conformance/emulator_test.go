package conformance

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	emulatorBucket = "conformance"
	emulatorUser   = "11111111-1111-4111-8111-111111111111"
)

// startEmulator serves a new project behind a gateway on loopback until the test ends.
func startEmulator(t *testing.T, gateway emulator.Gateway, p plane) *target {
	t.Helper()
	s := emulator.New(emulator.Options{Region: "us-west-2", Gateway: gateway})
	s.CreateBucket(emulatorBucket)
	s.AllowRead(emulatorBucket, ownFolder)
	s.AllowWrite(emulatorBucket, ownFolder)
	listener, err := s.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })

	project := s.Settings()
	tg := newTarget(t, p, settings{
		endpoint:        listener.Endpoint(),
		region:          project.Region,
		bucket:          emulatorBucket,
		projectRef:      project.ProjectRef,
		accessKeyID:     project.AccessKeyID,
		secretAccessKey: project.SecretAccessKey,
		anonKey:         project.AnonKey,
		serviceRoleKey:  project.ServiceRoleKey,
		userToken:       s.UserToken(emulatorUser, time.Hour),
		expiredToken:    s.UserToken(emulatorUser, -time.Hour),
		secretKey:       project.SecretKey,
		publishableKey:  project.PublishableKey,
	})
	tg.local, tg.gateway, tg.server = true, gateway, s
	if gateway == emulator.GatewayNone && p == overREST {
		tg.key = tg.serviceRole // nobody is there to translate a secret key
	}
	s.SetUser(emulator.User{ID: emulatorUser, Email: "user@example.com", Password: "the password of the user"})
	tg.email, tg.password = "user@example.com", "the password of the user"
	tg.accessToken, tg.apiURL = project.AccessToken, strings.TrimSuffix(listener.Endpoint(), "/storage/v1/s3")
	return tg
}

// ownFolder is the policy that the package documentation requires of a real
// project.
func ownFolder(claims map[string]any, key string) bool {
	folder, _, found := strings.Cut(key, "/")
	return found && folder == claims["sub"]
}
