package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// Values of after_delivery.
const (
	afterKeep   = "keep"
	afterDelete = "delete"
	afterMove   = "move"
)

func afterDeliveryField() *service.ConfigField {
	return service.NewStringAnnotatedEnumField(fieldAfterDelivery, map[string]string{
		afterKeep: "It stays where it is. This is the default.",
		afterDelete: "It is deleted from the bucket, unless it was overwritten since it was read; the server has no conditional deletion, so an overwrite between this check and the deletion is deleted too. " +
			"Objects that yield no message, such as an empty object with `lines`, are deleted as well.",
		afterMove: "It is moved to `move_to` in the same bucket, with its content type, cache control and metadata, unless it was overwritten since it was read. " +
			"Nothing is ever overwritten there: where another object has the key, the delivered one is kept, and the log says so; where a copy of it is there already, its source is deleted. " +
			"The listing decides before and after each step. With a JWT or a secret key the server moves the object in one request, and a user's token needs policies for SELECT and UPDATE. " +
			"With S3 access keys it is copied, the copy is looked at, and the source is deleted: an overwrite of either key between a look and the next request is lost.",
	}).
		Description("What becomes of an object when all its messages are delivered. Objects that the patterns and limits leave out always stay. What could not be deleted or moved is told, counted, and makes a one-time run end with an error. " +
			"With a `state`, or in a run that repeats, it is tried again by a later pass without being delivered again, also after a crash; without one, the next run delivers it again, and deletes or moves it then.").
		Optional().
		LintRule(lintRule(fieldAfterDelivery))
}

// moveToField has no example: `create` writes those of optional fields into its
// templates, which must work as they are.
func moveToField() *service.ConfigField {
	return service.NewStringField(FieldMoveTo).
		Description("Where `after_delivery: move` puts objects: a literal prefix in the same bucket, which takes the place of the prefix of `source_path`. With `source_path: uploads/in/` and `move_to: done/`, `in/2024/a.jpg` becomes `done/2024/a.jpg`. With `done` it would become `done2024/a.jpg`, and a warning says so. " +
			"What has this prefix is never read by this input: where it lies below `source_path`, it is listed and left out (`filtered` with the rule `moved`), so a prefix elsewhere saves the listing. An object whose new key would have more than 1024 bytes is kept.").
		Optional().
		LintRule(lintRule(FieldMoveTo))
}

// parseAfterDelivery reads what is to be done; nothing is "".
func parseAfterDelivery(v any) (string, error) {
	if valueText(v) == "" {
		return "", nil
	}
	return oneOf("something to do after delivery", afterKeep, afterDelete, afterMove)(v)
}

// keyChars are what the Storage API accepts in a key.
var keyChars = regexp.MustCompile(`^[A-Za-z0-9_/!.*'() &$@=;:+,?-]*$`)

// parseMoveTo reads a prefix of keys. Nothing of it is changed.
func parseMoveTo(v any) (string, error) {
	const remedy = "write a prefix of keys in the same bucket, such as done/"
	text := valueText(v)
	parts := strings.Split(text, "/")
	switch {
	case strings.Contains(text, "://"):
		return "", Wrong(fmt.Sprintf("%q is a URL", text), remedy)
	case !keyChars.MatchString(text):
		return "", Wrong(fmt.Sprintf("%q has characters that no key may have", text), remedy)
	case slices.Contains(parts, "."), slices.Contains(parts, ".."):
		return "", Wrong(fmt.Sprintf("%q has a part that is . or .., which the server refuses", text), remedy)
	}
	return text, nil
}

// readAfter reads what becomes of an object after its delivery. It comes before the
// filter.
func (c *Config) readAfter(f *fields) {
	after, err := parseAfterDelivery(f.text(fieldAfterDelivery))
	f.check(At(fieldAfterDelivery, err))
	deletes := read(f, parseBool, fieldDeleteObjects)
	moveTo, err := parseMoveTo(f.text(FieldMoveTo))
	f.check(At(FieldMoveTo, err))
	if f.err != nil {
		return
	}
	if problems := checkAfter(after, deletes, moveTo, c.Prefix); len(problems) > 0 {
		f.check(problems)
	}
	c.DeleteObjects, c.MoveTo, c.AfterField = deletes || after == afterDelete, moveTo, afterField(deletes)
	if c.namesNoFolder() {
		// Not a lint, which would keep a run from starting.
		c.Project.Warnings = append(c.Project.Warnings, problemsAt(FieldMoveTo, Wrong(
			fmt.Sprintf("%q is a prefix of keys and no folder: %s becomes %s", moveTo, c.Prefix+"a.txt", moveTo+"a.txt"), "write "+moveTo+"/"))...)
	}
}

// namesNoFolder reports whether move_to becomes the beginning of names. That is hardly
// meant where it ends with a letter or digit, as done does and done- does not. In the
// place of a prefix that names a folder without its "/", it names another one.
func (c *Config) namesNoFolder() bool {
	last, _ := utf8.DecodeLastRuneInString(c.MoveTo)
	return c.MoveTo != "" && (unicode.IsLetter(last) || unicode.IsDigit(last)) && (c.Prefix == "" || strings.HasSuffix(c.Prefix, "/"))
}

// afterField is the field that says what becomes of an object.
func afterField(deletes bool) string {
	if deletes {
		return fieldDeleteObjects
	}
	return fieldAfterDelivery
}

// removalField is the field that has objects deleted or moved, "" where none does.
func removalField(after string, deletes bool) string {
	if !deletes && (after == "" || after == afterKeep) {
		return ""
	}
	return afterField(deletes)
}

// removalField is that of the configuration.
func (c *Config) removalField() string {
	if !c.DeleteObjects && c.MoveTo == "" {
		return ""
	}
	return c.AfterField
}

// checkAfter checks what the fields say together.
func checkAfter(after string, deletes bool, moveTo, prefix string) (all supabase.Problems) {
	if deletes && after != "" && after != afterDelete {
		all = append(all, problemsAt(fieldDeleteObjects, Wrong(fmt.Sprintf("true contradicts %s: %s", fieldAfterDelivery, after), "remove one of the two"))...)
	}
	switch {
	case after != afterMove && moveTo != "":
		all = append(all, problemsAt(FieldMoveTo, Wrong("has no effect without a move", fmt.Sprintf("write %s: %s, or remove it", fieldAfterDelivery, afterMove)))...)
	case after != afterMove:
	case moveTo == "":
		all = append(all, problemsAt(FieldMoveTo, Wrong("it is empty, so that nothing says where to move objects", "write a prefix of keys in the same bucket, such as done/"))...)
	case moveTo == prefix:
		all = append(all, problemsAt(FieldMoveTo, Wrong(fmt.Sprintf("%q is the prefix of %s, so that every object would stay where it is", moveTo, FieldSourcePath), "write another prefix"))...)
	case strings.HasPrefix(prefix, moveTo):
		all = append(all, problemsAt(FieldMoveTo, Wrong(fmt.Sprintf("everything below %s has the prefix %q, so that nothing would be read", FieldSourcePath, moveTo), "write another prefix"))...)
	}
	return all
}

// lintAfter is checkAfter for values that may be missing or wrong.
func lintAfter(conf map[string]any) supabase.Problems {
	after, err1 := parseAfterDelivery(conf[fieldAfterDelivery])
	deletes, err2 := parseBool(cmp.Or(conf[fieldDeleteObjects], any(false)))
	moveTo, err3 := parseMoveTo(conf[FieldMoveTo])
	source, err4 := parseSourcePath(conf[FieldSourcePath])
	if err1 != nil || err2 != nil || err3 != nil {
		return nil //nolint:nilerr // Their own rules say so.
	}
	if err4 != nil {
		source.prefix = "\x00" // no prefix that can be compared
	}
	_, toWritten := conf[FieldMoveTo]
	_, afterWritten := conf[fieldAfterDelivery]
	if moveTo == "" && toWritten || after == "" && afterWritten && !deletes {
		return nil // what a variable that is not set leaves
	}
	return checkAfter(after, deletes, moveTo, source.prefix)
}

// MoveKey is where the object with a key is moved to, or why it can't be moved: no two
// keys ever become one.
func (c Config) MoveKey(key string) (to, kept string) {
	rest := strings.TrimPrefix(key, c.Prefix)
	// The prefix names a folder without its "/", and move_to another one with it.
	if c.Prefix != "" && !strings.HasSuffix(c.Prefix, "/") && strings.HasSuffix(c.MoveTo, "/") {
		var below bool
		if rest, below = strings.CutPrefix(rest, "/"); !below {
			return "", fmt.Sprintf("it does not lie in the folder %q of %s, which %s takes the place of", c.Prefix+"/", FieldSourcePath, FieldMoveTo)
		}
	}
	to = c.MoveTo + rest
	if len(to) > longestKey {
		return "", fmt.Sprintf("its key below %s would have %d bytes, and the longest have %d", FieldMoveTo, len(to), longestKey)
	}
	return to, ""
}

// longestKey is the most that S3 stores keep.
const longestKey = 1024
