package foreign

import (
	"encoding/json"
	"strings"
)

// MissingPermissions is a cause beneath an error: the permissions that a token would
// need, as the Management API names them. They are fit to be shown.
type MissingPermissions []string

// Error lists them.
func (m MissingPermissions) Error() string {
	return "missing permissions: " + strings.Join(m, ", ")
}

// mostPermissions bounds how many are shown; one endpoint needs a few.
const mostPermissions = 10

// PermissionsIn reads the permissions that a refusal says are missing, nil where it
// names none.
func PermissionsIn(doc []byte, secrets ...string) MissingPermissions {
	var refusal struct {
		Missing []any `json:"missing_permissions"`
	}
	_ = json.Unmarshal(doc, &refusal) // what is no JSON names none
	var missing MissingPermissions
	for _, element := range refusal.Missing {
		name, _ := element.(string)
		if name = Text(name, maxPermission, secrets...); name != "" && len(missing) < mostPermissions {
			missing = append(missing, name)
		}
	}
	return missing
}

// maxPermission is how much of a permission's name is shown, in characters.
const maxPermission = 60
