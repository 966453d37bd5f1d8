package emulator

import (
	"strings"
	"testing"
	"time"
)

const recordedKey = "b585f311d839730f8a980a3457be2787"

// recordedServer is the server of the recordings, except for the secret of its
// access key, which the recordings do not contain.
func recordedServer(t *testing.T, o Options) *Server {
	t.Helper()
	o.ProjectRef, o.Region = "abcdefghijklmnopqrst", "us-west-2"
	o.AccessKeyID = recordedKey
	o.Gateway = GatewayNone
	o.JWTSecret = "super-secret-jwt-token-with-at-least-32-characters-long"
	o.Clock = func() time.Time { return at("19:05:00") }
	s := New(o)
	s.prefix = ""
	for _, r := range readRecordings(t, "auth") {
		if r.name == "auth-22-token-anon" {
			s.project.change(func(p *snapshot) { p.settings.AnonKey = r.header.Get("X-Amz-Security-Token") })
		}
	}
	return s
}

// at is a time of the day of the recordings.
func at(clock string) time.Time {
	t, err := time.Parse(time.RFC3339, "2026-11-20T"+clock+"Z")
	if err != nil {
		panic(err)
	}
	return t
}

// place stores an object with the times that the recordings show.
func place(s *Server, bucket, key, body, updated string, opts ...PutOption) {
	opts = append([]PutOption{WithContentType("text/plain"), WithLastModified(at(updated))}, opts...)
	s.Put(bucket, key, []byte(body), opts...)
}

// retime gives a row a created time and its blob a time of its own.
func retime(s *Server, bucket, key, created, written string) {
	b, _ := s.store.bucket(bucket)
	m := b.(*memoryRows)
	block, pos, _ := m.seek(key)
	r := *m.blocks[block][pos]
	if created != "" {
		r.created = at(created).UnixMicro()
	}
	r.written = at(written).UnixMicro()
	m.blocks[block][pos] = &r
}

// docs is the bucket of most recordings.
func docs(s *Server) {
	s.CreateBucket("docs")
	s.CreateBucket("empty")
	m := s.store.(*memory)
	m.order[0].created, m.order[1].created = at("19:01:01.568").UnixMicro(), at("19:01:01.582").UnixMicro()
	place(s, "docs", "a/b.txt", "x", "19:01:35.954")
	place(s, "docs", "a/b/c.txt", "abc", "19:01:35.933")
	place(s, "docs", "hello.txt", "hello world", "19:01:35.967", WithUserMetadata(map[string]string{"foo": "bar"}))
	retime(s, "docs", "a/b.txt", "", "19:01:35.949")
	retime(s, "docs", "a/b/c.txt", "", "19:01:35.929")
	retime(s, "docs", "hello.txt", "19:01:01.605", "19:01:35.965")
}

func gone(s *Server) {
	place(s, "docs", "gone.txt", "soon gone..", "19:04:05.049",
		WithETag("175b6a029e3365e413e7b7a6a311b952"), WithMissingContent())
	retime(s, "docs", "gone.txt", "", "19:04:05.045")
}

// odd is the bucket with odd keys, some of them inserted by SQL.
func odd(s *Server) {
	for key, updated := range map[string]string{
		"/leading.txt": "42.771", "A/x.txt": "42.868", "UPPER.txt": "23.695", "Zed.txt": "23.711", "_under.txt": "23.855",
		"a-b.txt": "23.742", "a.txt": "23.785", "a/b.txt": "23.761", "a0.txt": "23.803", "aXc.txt": "23.879", "a_c.txt": "23.868",
		"amp&x.txt": "23.413", "dbl//slash.txt": "23.67", "eq=1;semi:colon,comma@at$dollar?q.txt": "23.496", "excl!.txt": "23.478",
		"paren(1).txt": "23.444", "plain.txt": "23.364", "plus+sign.txt": "23.398", "quote'x.txt": "23.43", "star*.txt": "23.462",
		"trail/": "42.838", "with space.txt": "23.379",
	} {
		place(s, "odd", key, "x", "19:02:"+updated)
	}
	place(s, "odd", "fold/", "", "19:02:42.896")
	place(s, "odd", "folder-s3/", "", "19:02:42.915")
	const sql = "19:02:43.295"
	place(s, "odd", "<b>&amp;.txt", "", sql, WithRawKey(), WithoutMetadata())
	place(s, "odd", "pct%20enc+plus.txt", "", sql, WithRawKey(), WithoutMetadata())
	place(s, "odd", "uml-ü.txt", "x", sql, WithRawKey(), WithETag("x"))
	place(s, "odd", "nl-\n-x.txt", "x", sql, WithRawKey(), WithoutETag())
}

// rls is the bucket where users see what is in the folder of their own.
func rls(s *Server) {
	for _, o := range [][2]string{{"f1.txt", "35.087"}, {"f2.txt", "35.266"}, {"f3.txt", "35.359"}} {
		key := "11111111-1111-4111-8111-111111111111/" + o[0]
		place(s, "rls", key, "data "+o[0][1:2], "19:05:"+o[1])
	}
	retime(s, "rls", "11111111-1111-4111-8111-111111111111/f1.txt", "", "19:05:35.085")
	retime(s, "rls", "11111111-1111-4111-8111-111111111111/f2.txt", "", "19:05:35.265")
	retime(s, "rls", "11111111-1111-4111-8111-111111111111/f3.txt", "", "19:05:35.357")
	place(s, "rls", "22222222-2222-4222-8222-222222222222/f1.txt", "data 1", "19:05:35.2")
	s.AllowRead("rls", func(claims map[string]any, key string) bool {
		sub, _ := claims["sub"].(string)
		return sub != "" && strings.HasPrefix(key, sub+"/")
	})
}

// lm is the bucket of the recordings about LastModified.
func lm(s *Server) {
	for _, o := range [][3]string{
		{"zz3", "19:07:11.938", "19:07:11.933"},
		{"slow-1", "19:07:13.268", "19:07:13.265"},
		{"slow-2", "19:07:53.665", "19:07:53.661"},
		{"zz4", "19:07:54.669", "19:07:54.665"},
	} {
		place(s, "lm", o[0], "x", o[1])
		retime(s, "lm", o[0], "", o[2])
	}
	place(s, "lm", "before", "x", "19:06:59")
}

// xm is the object whose metadata do not all fit into headers.
func xm(s *Server) {
	place(s, "docs", "xm.txt", "m", "19:22:47", WithUserMetadata(map[string]string{"a": "b", "Uml": "ü", "n": "é"}))
}

// b2 is the bucket of the server whose blobs were in S3.
func b2(s *Server) {
	place(s, "b2", "hello.txt", "hello world", "19:16:26", WithUserMetadata(map[string]string{"foo": "bar"}))
	place(s, "b2", "gone.txt", "gone..", "19:16:26", WithETag("00afd5fc58239813aad7829aabe75b04"), WithMissingContent())
}
