package emulator

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// The server's validator is written in JavaScript. It converts a value to the type
// that it wants as JavaScript does: "2" is a number, and so is " 0x10 ".

// jsDecimal is JavaScript's form of a number that has no prefix.
var jsDecimal = regexp.MustCompile(`^[+-]?(Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)$`)

// jsNumber is JavaScript's Number(s), and whether that is a number.
func jsNumber(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, true
	}
	if len(s) > 2 && s[0] == '0' {
		if base := map[byte]int{'x': 16, 'o': 8, 'b': 2}[s[1]|0x20]; base != 0 {
			n, err := strconv.ParseUint(s[2:], base, 64)
			return float64(n), err == nil
		}
	}
	if !jsDecimal.MatchString(s) {
		return 0, false
	}
	n, _ := strconv.ParseFloat(s, 64) // out of range is infinite, as it should be
	return n, true
}

// jsInteger reads an integer from a parameter or a JSON string. A number beyond any
// count is infinite or just large; empty text is not a number.
func jsInteger(s string) (float64, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return float64(n), true
	}
	n, ok := jsNumber(s)
	return n, ok && s != "" && (math.IsInf(n, 0) || n == math.Trunc(n))
}

// single unwraps a list with one element.
func single(v any) any {
	if list, ok := v.([]any); ok && len(list) == 1 {
		return list[0]
	}
	return v
}

// coerceInteger, coerceString and coerceBool turn a value of a JSON body into
// the wanted type, and report whether that is possible.
func coerceInteger(v any) (float64, bool) {
	switch v := single(v).(type) {
	case float64:
		return v, v == math.Trunc(v)
	case string:
		return jsInteger(v)
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case nil:
		return 0, true
	}
	return 0, false
}

func coerceString(v any) (string, bool) {
	switch v := single(v).(type) {
	case string:
		return v, true
	case bool, float64:
		text, err := json.Marshal(v) // in JavaScript's form
		return string(text), err == nil
	case nil:
		return "", true
	}
	return "", false
}

func coerceBool(v any) (value, ok bool) {
	switch single(v) {
	case true, "true", 1.0:
		return true, true
	case false, "false", 0.0, nil:
		return false, true
	}
	return false, false
}
