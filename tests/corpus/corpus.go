// Package corpus makes the objects that tests carry through a whole pipeline: what
// is stored, and what has to arrive.
package corpus

import (
	"fmt"
	"math/rand/v2"
)

// Object is one object of a corpus.
type Object struct {
	Content     []byte
	ContentType string
	Metadata    map[string]string
}

// size is how many objects a corpus has.
const size = 2000

// Keys are easily mangled on the way, and legal in every store.
var Keys = []string{
	"f.txt", "f.txt.bak", "f.txt-1", "f.txt 2", "trailing ", " leading space",
	"it's (1) & co, a=b;c:d@e!+?.txt", "*stars*.bin", "$dollar.txt",
	"dots/...hidden", "UPPER/lower/MiXeD.TXT",
}

// KeysOfNoFile are legal in Supabase Storage as well. A store that keeps objects as
// files refuses them: one is the folder of another, or a segment is empty.
var KeysOfNoFile = []string{"f.txt/child", "/leading", "double//slash"}

// Objects are 2,000 objects by their keys, the same in every call: those of keys
// and others, of up to largest bytes.
func Objects(keys []string, largest int) map[string]Object {
	random := rand.NewChaCha8([32]byte{})
	objects := make(map[string]Object, size)
	for i := range size {
		key := fmt.Sprintf("folder-%02d/sub/object-%04d.bin", i%37, i)
		if i < len(keys) {
			key = keys[i]
		}
		content := make([]byte, length(i, largest))
		_, _ = random.Read(content) // never fails
		o := Object{Content: content, ContentType: contentTypes[i%len(contentTypes)]}
		if i%3 == 0 {
			o.Metadata = map[string]string{"owner": fmt.Sprintf("user-%d", i), "caption": "a = b, c"}
		}
		objects[key] = o
	}
	return objects
}

var contentTypes = []string{"text/plain;charset=UTF-8", "image/jpeg", "application/octet-stream", "video/mp4"}

// length is mostly a few kilobytes, sometimes nothing, seldom much.
func length(i, largest int) int {
	switch {
	case i == size-1:
		return largest
	case i%20 == 0:
		return 0
	case i%50 == 1:
		return i * largest / size
	default:
		return i * 37 % (8 << 10)
	}
}
