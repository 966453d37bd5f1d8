package boltstore

import (
	"bytes"
	"os"
)

// Lasting marks what no later attempt changes.
var Lasting = lasting

// Verify looks through the file at path.
func Verify(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return VerifyBytes(b)
}

// VerifyBytes looks through what a file holds.
func VerifyBytes(b []byte) error { return verify(bytes.NewReader(b), int64(len(b))) }
