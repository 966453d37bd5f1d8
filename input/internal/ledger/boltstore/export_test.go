package boltstore

import "os"

// Lasting marks what no later attempt changes.
var Lasting = lasting

// Verify looks through the file at path.
func Verify(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return verify(f)
}
