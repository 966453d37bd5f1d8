package kafka_test

import (
	"fmt"
	"math/rand/v2"
)

// object is what is stored, and what has to arrive.
type object struct {
	content     []byte
	contentType string
	metadata    map[string]string
}

const (
	corpusSize = 2000
	// largest is what config/to_kafka.yaml lets through, so that a record with
	// its headers stays below what a broker takes when nothing was set.
	largest = 900_000
)

// oddKeys are the ones that are easily mangled on the way: all of them are
// legal in Supabase Storage.
var oddKeys = []string{
	"f.txt", "f.txt.bak", "f.txt-1", "f.txt 2", "f.txt/child",
	"/leading", "double//slash", "trailing ", " leading space",
	"it's (1) & co, a=b;c:d@e!+?.txt", "*stars*.bin", "$dollar.txt",
	"dots/...hidden", "UPPER/lower/MiXeD.TXT",
}

// corpus is the same in every run: what has to arrive, by its key.
func corpus() map[string]object {
	random := rand.NewChaCha8([32]byte{})
	objects := make(map[string]object, corpusSize)
	for i := range corpusSize {
		key := fmt.Sprintf("folder-%02d/sub/object-%04d.bin", i%37, i)
		if i < len(oddKeys) {
			key = oddKeys[i]
		}
		content := make([]byte, size(i))
		_, _ = random.Read(content) // never fails
		o := object{
			content:     content,
			contentType: contentTypes[i%len(contentTypes)],
		}
		if i%3 == 0 {
			o.metadata = map[string]string{"owner": fmt.Sprintf("user-%d", i), "caption": "a = b, c"}
		}
		objects[key] = o
	}
	return objects
}

var contentTypes = []string{"text/plain;charset=UTF-8", "image/jpeg", "application/octet-stream", "video/mp4"}

// size is mostly a few kilobytes, sometimes nothing, seldom much.
func size(i int) int {
	switch {
	case i == corpusSize-1:
		return largest
	case i%20 == 0:
		return 0
	case i%50 == 1:
		return i * largest / corpusSize
	default:
		return i * 37 % (8 << 10)
	}
}
