package input

import (
	"fmt"

	"github.com/redpanda-data/benthos/v4/public/service"
	"gopkg.in/yaml.v3"
)

// scannerToTheEnd is the default scanner: an object becomes one message.
const scannerToTheEnd = "to_the_end"

// readScanner reads the scanner, and what the input has to know of it.
func (c *config) readScanner(pConf *service.ParsedConfig) (err error) {
	if c.scanner, err = pConf.FieldScanner(ssFieldScanner); err != nil {
		return fmt.Errorf("%s: %w", ssFieldScanner, err)
	}
	raw, err := pConf.FieldAny(ssFieldScanner)
	if err != nil {
		return fmt.Errorf("%s: %w", ssFieldScanner, err)
	}
	if node, ok := raw.(*yaml.Node); ok {
		raw = nil
		if err := node.Decode(&raw); err != nil {
			return fmt.Errorf("%s: %w", ssFieldScanner, err)
		}
	}
	conf, _ := raw.(map[string]any)
	name, _ := scannerParts(conf)
	c.toTheEnd = name == scannerToTheEnd
	c.wholeScanner = holdsWhole(raw)
	return nil
}

// piecemeal are the scanners that read an object piece by piece.
var piecemeal = map[string]bool{
	"avro": true, "chunker": true, "csv": true, "json_array": true,
	"json_documents": true, "lines": true, "re_match": true, "tar": true,
}

// holdsWhole reports whether a scanner configuration holds an object in memory
// whole. A scanner that is not known is taken to: the budget of bytes is then
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
