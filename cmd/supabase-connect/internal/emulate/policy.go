package emulate

import (
	"fmt"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// demoUser can be signed in as. It protects nothing.
var demoUser = emulator.User{Email: "user@example.com", Password: "emulator"}

// policy is what row level security lets callers read who are not the service
// role.
type policy struct {
	name string
	// user says what the signed-in user may read.
	user string
	may  func(claims map[string]any, key string) bool
}

// policies are the values of --policy; the first is the default.
var policies = []policy{
	{"authenticated", "all objects", func(claims map[string]any, _ string) bool { return claims["role"] == "authenticated" }},
	{"own-folder", "the objects in the folder of the user's id", func(claims map[string]any, key string) bool {
		folder, _, _ := strings.Cut(key, "/")
		return claims["role"] == "authenticated" && claims["sub"] == folder
	}},
	{"public", "all objects, as everybody may", func(map[string]any, string) bool { return true }},
	{"none", "no objects", func(map[string]any, string) bool { return false }},
}

func policyNames() string {
	var names []string
	for _, p := range policies {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

func findPolicy(name string) (policy, error) {
	for _, p := range policies {
		if p.name == name {
			return p, nil
		}
	}
	return policy{}, fmt.Errorf("--%s %s is no policy; write one of %s", flagPolicy, name, policyNames())
}

// apply sets the policy for buckets.
func (p policy) apply(storage *emulator.Server, buckets []string) {
	for _, bucket := range buckets {
		storage.AllowRead(bucket, p.may)
	}
}
