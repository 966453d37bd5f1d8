package emulator

import (
	"net/http"
	"reflect"
	"slices"
	"time"
)

// FaultRule is a fault for the requests that Match, for [FaultRules].
type FaultRule struct {
	Match func(Request) bool
	Fault Fault
}

// FaultRules gives each request the fault of the first rule that matches, for
// [Server.SetFaults].
func FaultRules(rules ...FaultRule) func(Request) Fault {
	return func(r Request) Fault {
		for _, rule := range rules {
			if rule.Match(r) {
				return rule.Fault
			}
		}
		return Fault{}
	}
}

// FailEverything answers status to every request to Storage and Auth. The Management
// API, which does not run in the project, goes on.
func FailEverything(status int) FaultRule {
	return FaultRule{func(r Request) bool { return !isAPI(r.Op) }, Fault{Status: status}}
}

// listings are the operations that list objects.
var listings = []Op{OpList, OpListV1, OpListV2}

// SlowPages holds every page of a listing of objects up for d.
func SlowPages(d time.Duration) FaultRule {
	return FaultRule{func(r Request) bool { return slices.Contains(listings, r.Op) }, Fault{Delay: d}}
}

// DenyBucket refuses everything about one bucket, whatever the role: 403 AccessDenied.
// Row level security ([Server.AllowRead]) hides objects instead, and does not apply to
// service_role.
func DenyBucket(bucket string) FaultRule {
	return FaultRule{func(r Request) bool { return r.Bucket == bucket }, Fault{
		Status: http.StatusForbidden, Code: "AccessDenied", Message: "permission denied for table objects",
	}}
}

// faultFor draws the fault of a request. Those of the organization's Management API
// come before those of the project.
func (s *Server) faultFor(x *exchange) Fault {
	if s.org != nil && x.surface == surfaceManagement && s != s.org.account {
		if f := s.org.account.faults.Load(); f != nil {
			if fault := (*f)(x.req); !reflect.ValueOf(fault).IsZero() {
				return fault
			}
		}
	}
	if f := s.faults.Load(); f != nil {
		return (*f)(x.req)
	}
	return Fault{}
}

// RevokeKeys takes all keys away, also from who knows them: the S3 access key, the
// legacy keys and the tokens that were signed with the JWT secret, and the secret
// keys. The Management API lists no key that opens Storage until [Server.IssueKeys].
func (s *Server) RevokeKeys() {
	s.RotateJWTSecret()
	s.RotateAccessKey()
	s.RotateAPIKeys()
	s.project.change(func(p *snapshot) { p.settings.SecretKey, p.state.LegacyKeys = "", LegacyNone })
}

// IssueKeys gives a project new keys of all kinds.
func (s *Server) IssueKeys() Settings {
	s.RotateJWTSecret()
	s.RotateAccessKey()
	s.RotateAPIKeys()
	return s.project.change(func(p *snapshot) { p.state.LegacyKeys = LegacyEnabled }).settings
}
