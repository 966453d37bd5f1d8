package supabase

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func refused(status int, kind error, code, message string) error {
	return &object.Error{Op: "listing", Kind: kind, Status: status, Code: code, Message: message}
}

func absent(cause error) error {
	return &object.Error{Op: "listing", Kind: object.ErrUnreachable, Err: fmt.Errorf("connecting: %w", cause)}
}

func TestEveryRefusalNamesItsFieldAndRemedy(t *testing.T) {
	access, session := accessKeySettings(), sessionSettings()
	user := sessionSettings()
	user.Credentials.ServiceRoleKey, user.Credentials.UserToken = "", userToken(ref, time.Now().Add(time.Hour))
	keyless := sessionSettings()
	keyless.Credentials.AnonKey = ""
	own := accessKeySettings()
	own.ProjectRef, own.Endpoint = "", "https://files.example.com/storage/v1/s3"
	denied := func(message string) error { return refused(403, object.ErrCredentials, "AccessDenied", message) }
	mismatch := refused(403, object.ErrCredentials, "SignatureDoesNotMatch", "The request signature we calculated does not match")
	foreign := func(status int) error {
		return &object.Error{Op: "listing", Kind: object.ErrInvalid, Status: status, Err: fmt.Errorf("%w but text/html", object.ErrNotS3)}
	}
	for name, tc := range map[string]struct {
		s      Settings
		err    error
		region string
		field  string
		words  []string
	}{
		"wrong region":           {access, mismatch, "us-east-2", "region", []string{"eu-central-1", "write region: us-east-2"}},
		"wrong secret":           {access, mismatch, "", "credentials.secret_access_key", []string{"region is not eu-central-1", "X-Forwarded-Host", "S3 access keys"}},
		"pages out of order":     {access, &object.Error{Op: "listing", Kind: object.ErrMisled, Err: fmt.Errorf("out of order")}, "", "project_ref", []string{"not in key order", "a proxy may cache listings", "ask Storage directly"}},
		"page of another":        {own, &object.Error{Op: "listing", Kind: object.ErrUnavailable, Err: fmt.Errorf("%w: of another bucket", object.ErrMisled)}, "", "endpoint", []string{"are of something else"}},
		"right region":           {access, mismatch, "eu-central-1", "credentials.secret_access_key", nil},
		"wrong anon key":         {session, mismatch, "", "credentials.anon_key", []string{"region is not eu-central-1", "API keys"}},
		"no anon key":            {keyless, mismatch, "", "credentials.anon_key", []string{"newer servers", "write the anon key"}},
		"unknown key":            {access, denied("Invalid Access Key"), "", "credentials.access_key_id", []string{"another project", "S3 access keys"}},
		"unknown key, AWS":       {access, refused(403, object.ErrCredentials, "InvalidAccessKeyId", ""), "", "credentials.access_key_id", nil},
		"wrong project":          {session, denied("Invalid Access Key"), "", "project_ref", []string{ref}},
		"other project's token":  {user, denied("signature verification failed"), "", "credentials.user_token", []string{"not signed by this project"}},
		"other project's key":    {session, denied("signature verification failed"), "", "credentials.service_role_key", nil},
		"expired":                {user, denied(`"exp" claim timestamp check failed`), "", "credentials.user_token", []string{"expired on 20", "sign the user in again"}},
		"expired key":            {session, denied(`"exp" claim timestamp check failed`), "", "credentials.service_role_key", []string{"API keys"}},
		"no jwt":                 {session, denied("Invalid Compact JWS"), "", "credentials.service_role_key", []string{"valid JWT"}},
		"missing signature":      {access, denied("Missing signature"), "", "endpoint", []string{"proxy", "Authorization"}},
		"s3 off":                 {access, refused(403, object.ErrCredentials, "FeatureNotEnabled", ""), "", "project_ref", []string{"switched off", "Project Settings -> Storage"}},
		"no tenant":              {own, refused(400, object.ErrCredentials, "TenantNotFound", ""), "", "endpoint", []string{"no such project"}},
		"region by name":         {own, refused(400, object.ErrCredentials, "AuthorizationHeaderMalformed", "expecting 'eu-west-1'"), "", "region", []string{"eu-central-1", "eu-west-1"}},
		"clock":                  {own, refused(403, object.ErrCredentials, "RequestTimeTooSkewed", ""), "", "endpoint", []string{"clock"}},
		"unknown role":           {user, refused(500, object.ErrUnavailable, "DatabaseError", "database error, code: 22023"), "", "credentials.user_token", []string{`no role "authenticated"`}},
		"no bucket":              {access, refused(404, object.ErrNoBucket, "NoSuchBucket", "Bucket not found"), "", "source_path", []string{`the bucket "photos" does not exist in this project; compare`}},
		"no bucket for a user":   {user, refused(404, object.ErrNoBucket, "NoSuchBucket", "Bucket not found"), "", "source_path", []string{"or the role authenticated may not see it"}},
		"denied":                 {user, refused(403, object.ErrDenied, "AccessDenied", "Access denied"), "", "credentials.user_token", []string{"policy"}},
		"database timeout":       {access, refused(544, object.ErrUnavailable, "DatabaseTimeout", ""), "", "source_path", []string{"timed out"}},
		"anon key in token mode": {user, refused(403, object.ErrCredentials, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your credentials. The session token should be a valid JWT token"), "", "credentials.anon_key", []string{"region"}},
		"fails forever":          {access, refused(503, object.ErrUnavailable, "InternalError", ""), "", "project_ref", []string{"every attempt", "retry.max_attempts"}},
		"throttles forever":      {own, refused(429, object.ErrThrottled, "SlowDown", ""), "", "endpoint", []string{"every attempt"}},
		"no such host":           {access, absent(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}), "", "project_ref", []string{"paused", ref + ".supabase.co"}},
		"no such own host":       {own, absent(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}), "", "endpoint", []string{"files.example.com"}},
		"refused":                {own, absent(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), "", "endpoint", []string{"nothing listens"}},
		"unreachable":            {own, absent(&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}), "", "endpoint", []string{"firewalls"}},
		"certificate":            {own, absent(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), "", "tls", []string{"root_cas_file"}},
		"no tls":                 {own, absent(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), "", "endpoint", []string{"http://"}},
		"html":                   {own, foreign(200), "", "endpoint", []string{"no S3 server", "/storage/v1/s3"}},
		"html of a gateway":      {access, foreign(502), "", "project_ref", []string{"at the moment", "Dashboard"}},
		"json":                   {access, foreign(404), "", "project_ref", []string{"no S3 server"}},
		"paused":                 {access, foreign(540), "", "project_ref", []string{"paused"}},
		"redirect":               {own, refused(301, object.ErrInvalid, "", ""), "", "endpoint", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Resolve(tc.s)
			require.NoError(t, err)
			wrapped := fmt.Errorf("listing: %w", tc.err)
			got := p.Explain(wrapped, tc.region)
			field, ok := errors.AsType[*FieldError](got)
			require.True(t, ok, "%v", got)
			require.Equal(t, tc.field, field.Field)
			require.NotEmpty(t, field.Problem)
			require.NotEmpty(t, field.Remedy)
			require.ErrorIs(t, got, tc.err)
			require.ErrorContains(t, got, tc.err.Error())
			require.Regexp(t, "^"+tc.field+": ", got.Error())
			for _, word := range tc.words {
				require.ErrorContains(t, got, word)
			}
			require.Equal(t, got.Error(), p.Explain(wrapped, tc.region).Error())
			noSecrets(t, tc.s, got.Error())
		})
	}
}

func TestWhatNoFieldCanHelpIsNotExplained(t *testing.T) {
	p, err := Resolve(accessKeySettings())
	require.NoError(t, err)
	for _, err := range []error{
		nil, context.Canceled, errors.New("disk full"),
	} {
		require.Equal(t, err, p.Explain(err, ""))
	}
}
