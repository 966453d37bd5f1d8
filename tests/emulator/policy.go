package emulator

import "sync"

// The roles that the database knows. A token's role decides what it may do.
const (
	roleAnon          = "anon"
	roleAuthenticated = "authenticated"
	roleService       = "service_role"
)

// caller is who makes a request.
type caller struct {
	role   string
	claims map[string]any
}

// bypass reports whether row level security does not apply.
func (c caller) bypass() bool { return c.role == roleService }

// rules are the row level security policies of the buckets.
type rules struct {
	mu       sync.RWMutex
	byBucket map[string]ruleSet
}

type ruleSet struct {
	read, write func(claims map[string]any, key string) bool
	bucket      func(claims map[string]any) bool
}

// AllowRead sets the policy on storage.objects for SELECT in a bucket: which
// keys a caller with these claims may see. It applies to every role except
// service_role; without a policy nothing is visible. A nil rule removes it.
func (s *Server) AllowRead(bucket string, rule func(claims map[string]any, key string) bool) {
	s.rules.change(bucket, func(r *ruleSet) { r.read = rule })
}

// AllowWrite is [Server.AllowRead] for INSERT, UPDATE and DELETE.
func (s *Server) AllowWrite(bucket string, rule func(claims map[string]any, key string) bool) {
	s.rules.change(bucket, func(r *ruleSet) { r.write = rule })
}

// AllowBucket sets the policy on storage.buckets for SELECT: who may see the
// bucket in HeadBucket and ListBuckets. Its objects have policies of their own.
func (s *Server) AllowBucket(bucket string, rule func(claims map[string]any) bool) {
	s.rules.change(bucket, func(r *ruleSet) { r.bucket = rule })
}

func (r *rules) change(bucket string, f func(*ruleSet)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byBucket == nil {
		r.byBucket = map[string]ruleSet{}
	}
	set := r.byBucket[bucket]
	f(&set)
	r.byBucket[bucket] = set
}

func (r *rules) of(bucket string) ruleSet {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byBucket[bucket]
}

// mayRead returns the test for the keys that the caller sees in a bucket.
func (x *exchange) mayRead(bucket string) func(key string) bool {
	return x.may(x.s.rules.of(bucket).read)
}

// mayWrite returns the test for the keys that the caller may write or delete.
func (x *exchange) mayWrite(bucket string) func(key string) bool {
	return x.may(x.s.rules.of(bucket).write)
}

func (x *exchange) may(rule func(map[string]any, string) bool) func(key string) bool {
	switch {
	case x.caller.bypass():
		return func(string) bool { return true }
	case rule == nil:
		return func(string) bool { return false }
	}
	return func(key string) bool { return rule(x.caller.claims, key) }
}

// seesBucket reports whether the caller sees the bucket itself.
func (x *exchange) seesBucket(bucket string) bool {
	if x.caller.bypass() {
		return true
	}
	rule := x.s.rules.of(bucket).bucket
	return rule != nil && rule(x.caller.claims)
}
