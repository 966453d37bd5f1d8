package filter

// Rule is the reason why an object is left out.
type Rule int

// The rules. Their names are the values of the metric label `rule`.
const (
	// Pass means that no rule takes the object.
	Pass Rule = iota
	// Include takes what no include pattern matches.
	Include
	// Exclude takes what an exclude pattern matches.
	Exclude
	// ModifiedSince takes what was last modified too long ago.
	ModifiedSince
	// ModifiedBefore takes what was last modified too late.
	ModifiedBefore
	// MinAge takes what was modified too short a time ago.
	MinAge
	// Size takes what is too large.
	Size
	// Empty takes objects without content.
	Empty
	// Placeholder takes the rows that keep an empty folder alive.
	Placeholder
	// ContentTypes takes what has a media type that was not asked for.
	ContentTypes
	// Moved takes what lies where delivered objects are moved to.
	Moved
)

var ruleNames = [...]string{
	"", "include", "exclude", "modified_since", "modified_before", "min_age", "size", "empty", "placeholder", "content_types", "moved",
}

// Rules are all but [Pass].
func Rules() []Rule {
	return []Rule{Include, Exclude, ModifiedSince, ModifiedBefore, MinAge, Size, Empty, Placeholder, ContentTypes, Moved}
}

// String is the name of the rule, "" for [Pass].
func (r Rule) String() string { return ruleNames[r] }
