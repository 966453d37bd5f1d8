package emulator

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// RotateJWTSecret gives the project a new JWT secret, and with it new anon and
// service_role keys, as a rotation in the dashboard and some upgrades do. From
// then on Storage refuses every token that was signed before (403 AccessDenied
// "signature verification failed") and the old anon key as the secret of a
// signature (403 SignatureDoesNotMatch), and the gateway refuses the old keys
// (401). Refresh tokens stay valid: they give an access token of the new secret.
func (s *Server) RotateJWTSecret() Settings {
	return s.project.change(func(p *snapshot) {
		p.jwtSecret = []byte(rand.Text() + rand.Text())
		p.tokens = new(tokenCache)
		p.sign()
	}).settings
}

// RotateAccessKey replaces the S3 access key pair. The old pair is refused: 403
// AccessDenied "Invalid Access Key", or, with [Options.MultiTenant], 403
// InvalidAccessKeyId.
func (s *Server) RotateAccessKey() Settings {
	return s.project.change(func(p *snapshot) {
		p.settings.AccessKeyID = randomHex()[:32]
		p.settings.SecretAccessKey = randomHex()
	}).settings
}

// RotateAPIKeys replaces the publishable key and all secret keys at once. The gateway
// does not know the old ones any more: Auth answers 401, and Storage gets no token.
// S3 accepts neither the old nor the new.
func (s *Server) RotateAPIKeys() Settings {
	return s.project.change(func(p *snapshot) {
		p.settings.PublishableKey = publishablePrefix + randomKey()
		p.settings.SecretKey, p.moreSecrets = secretPrefix+randomKey(), nil
	}).settings
}

// AddSecretKey gives the project one more secret key, as a rotation without a gap
// does: the gateway takes it next to the others. [Server.RemoveSecretKey] ends the
// old one.
func (s *Server) AddSecretKey() string {
	key := secretPrefix + randomKey()
	s.project.change(func(p *snapshot) { p.moreSecrets = append(slices.Clone(p.moreSecrets), key) })
	return key
}

// RemoveSecretKey deletes a secret key: the gateway does not know it any more. If it
// was the first, the next one that was added takes its place in [Settings].
func (s *Server) RemoveSecretKey(key string) Settings {
	return s.project.change(func(p *snapshot) {
		p.moreSecrets = slices.DeleteFunc(slices.Clone(p.moreSecrets), func(k string) bool { return k == key })
		if p.settings.SecretKey != key {
			return
		}
		p.settings.SecretKey = ""
		if len(p.moreSecrets) > 0 {
			p.settings.SecretKey, p.moreSecrets = p.moreSecrets[0], p.moreSecrets[1:]
		}
	}).settings
}

// secrets are the project's secret keys, oldest first.
func (p *snapshot) secrets() []string {
	if p.settings.SecretKey == "" {
		return nil
	}
	return append([]string{p.settings.SecretKey}, p.moreSecrets...)
}

func (p *snapshot) isSecret(key string) bool { return key != "" && slices.Contains(p.secrets(), key) }

// sign makes the legacy keys of the secret, and the tokens of the gateway.
func (p *snapshot) sign() {
	p.settings.AnonKey = p.projectKey(roleAnon)
	p.settings.ServiceRoleKey = p.projectKey(roleService)
	p.internal = map[string]string{}
	for _, role := range []string{roleAnon, roleService} {
		p.internal[role] = signToken(p.jwtSecret, map[string]any{
			"iss": "supabase-gateway", "ref": p.settings.ProjectRef, "role": role, "iat": keyIssued, "exp": keyExpires,
		})
	}
}

func (p *snapshot) projectKey(role string) string {
	return signToken(p.jwtSecret, map[string]any{
		"iss": "supabase", "ref": p.settings.ProjectRef, "role": role, "iat": keyIssued, "exp": keyExpires,
	})
}

// What the new API keys begin with. 22 characters follow, "_" and 8 more.
const (
	publishablePrefix = "sb_publishable_"
	secretPrefix      = "sb_secret_"
)

func randomKey() string {
	sum := sha256.Sum256([]byte(rand.Text()))
	text := base64.RawURLEncoding.EncodeToString(sum[:])
	return text[:22] + "_" + text[22:30]
}

func randomHex() string {
	sum := sha256.Sum256([]byte(rand.Text()))
	return hex.EncodeToString(sum[:])
}

// randomID is a random identifier in the form of a UUID.
func randomID() string { return uuid(rand.Text()) }

// randomRefreshToken is 12 characters, as Auth makes them.
func randomRefreshToken() string { return strings.ToLower(rand.Text())[:12] }
