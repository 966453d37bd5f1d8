package configfile

import (
	"fmt"
	"regexp"
	"strings"
)

// unquotedPath finds a source_path whose pattern is not in quotes: YAML reads its first
// character as its own, such as the "*" of an alias.
var unquotedPath = regexp.MustCompile(`(?m)^[ \t]*(?:-[ \t]+)?source_path:[ \t]+([*{\[][^#\r\n]*)`)

// unquoted says that a config that is no YAML has such a source_path, nil where it has
// none.
func unquoted(name, content string) error {
	at := unquotedPath.FindStringSubmatchIndex(content)
	if at == nil {
		return nil
	}
	line := 1 + strings.Count(content[:at[2]], "\n")
	pattern := strings.TrimSpace(content[at[2]:at[3]])
	if !strings.ContainsAny(pattern, "'\"\\") {
		return fmt.Errorf("%s(%d,1) source_path: YAML reads the first character of a pattern as its own; write it in quotes: %q", name, line, pattern)
	}
	return fmt.Errorf("%s(%d,1) source_path: YAML reads the first character of a pattern as its own; write it in quotes", name, line)
}
