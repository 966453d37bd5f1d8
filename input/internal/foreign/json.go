package foreign

import (
	"cmp"
	"encoding/json"
	"fmt"
)

// JSON reads the code and the text of a refusal as Supabase's APIs and gateways
// write it, in half a dozen forms. A number as the code only repeats the status.
// It reports false for what is no JSON object. Neither is fit to be shown yet.
func JSON(doc []byte) (code, message string, ok bool) {
	var fields map[string]any
	if json.Unmarshal(doc, &fields) != nil || fields == nil {
		return "", "", false
	}
	text := func(name string) string {
		switch v := fields[name].(type) {
		case string:
			return v
		case []any: // a list of what is wrong with a request
			return fmt.Sprint(v...)
		}
		return ""
	}
	return cmp.Or(text("error_code"), text("code"), text("error")),
		cmp.Or(text("msg"), text("message"), text("error_description")), true
}
