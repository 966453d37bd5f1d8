package config

import "gopkg.in/yaml.v3"

// scannerToTheEnd is the default scanner: an object becomes one message.
const scannerToTheEnd = "to_the_end"

// readScanner reads the scanner, and what the input has to know of it.
func (c *Config) readScanner(f *fields) {
	var err error
	c.Scanner, err = f.parsed.FieldScanner(fieldScanner)
	f.check(At(fieldScanner, err))
	raw := read(f, decoded, fieldScanner)
	conf, _ := raw.(map[string]any)
	name, _ := scannerParts(conf)
	c.ToTheEnd = name == scannerToTheEnd
	c.WholeScanner = holdsWhole(raw)
}

// decoded is a value that Benthos may leave as YAML.
func decoded(v any) (value any, err error) {
	if node, ok := v.(*yaml.Node); ok {
		err = node.Decode(&value)
		return value, err
	}
	return v, nil
}

// piecemeal are the scanners that read an object piece by piece.
var piecemeal = map[string]bool{
	"avro": true, "chunker": true, "csv": true, "json_array": true,
	"json_documents": true, "lines": true, "re_match": true, "tar": true,
}

// holdsWhole reports whether a scanner configuration holds an object in memory
// whole. A scanner that is not known counts as one that does: the budget of bytes is then
// kept, at the price of fewer downloads at a time.
func holdsWhole(scanner any) bool {
	conf, _ := scanner.(map[string]any)
	name, plugin := scannerParts(conf)
	switch name {
	case "decompress", "skip_bom":
		// Both hand on to another scanner, by default one that holds it whole.
		child, _ := plugin.(map[string]any)
		return holdsWhole(child["into"])
	case "switch":
		cases, _ := plugin.([]any)
		for _, c := range cases {
			if one, _ := c.(map[string]any); holdsWhole(one["scanner"]) {
				return true
			}
		}
		return false
	}
	return !piecemeal[name]
}

// scannerParts splits a scanner configuration, in either of its two forms, into
// the name of the scanner and its own configuration.
func scannerParts(conf map[string]any) (name string, plugin any) {
	if name, ok := conf["type"].(string); ok {
		if plugin, ok := conf[name]; ok {
			return name, plugin
		}
		return name, conf["plugin"]
	}
	for name, plugin := range conf {
		return name, plugin
	}
	return "", nil
}
