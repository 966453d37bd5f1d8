package endpoint

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Shape is how the keys of a bucket are made.
type Shape string

// The shapes. All keys end with the object's number, and rise with it.
const (
	// Flat is one folder with a sequence.
	Flat Shape = "flat"
	// Dated is a folder a day, over ten years.
	Dated Shape = "dated"
	// Users is a folder for each of many random ids, a few objects in each.
	Users Shape = "users"
	// Hot is a thousand folders, one of which holds nine of ten objects.
	Hot Shape = "hot"
)

// Shapes are all shapes.
var Shapes = []Shape{Flat, Dated, Users, Hot}

// perUser is how many objects share an id of [Users].
const perUser = 8

// hotFolder is the folder of [Hot] that holds nine objects of ten.
const hotFolder = 613

// naming makes the keys of a bucket, in byte order, and finds them again.
type naming struct {
	shape Shape
	n     int
}

func newNaming(shape Shape, n int) (naming, error) {
	if !slices.Contains(Shapes, shape) {
		return naming{}, fmt.Errorf("key shape %q: want one of %q", shape, Shapes)
	}
	return naming{shape, n}, nil
}

// append adds the key of object i to b.
func (k naming) append(b []byte, i int) []byte {
	switch k.shape {
	case Dated:
		const days = 3652
		day := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i*days/k.n)
		b = append(day.AppendFormat(b, "2006/01/02"), "/event-"...)
	case Users:
		users := uint64((k.n + perUser - 1) / perUser)
		user := uint64(i / perUser)
		// Evenly spread, and unlike one another in the digits that follow.
		id := ^uint64(0)/users*user + scatter(user)%(^uint64(0)/users/2+1)
		b = append(b, "users/"...)
		b = appendPadded(b, id>>32, 8, 16)
		b = append(b, '-')
		b = appendPadded(b, id&0xffffffff, 8, 16)
		b = append(b, "/upload-"...)
	case Hot:
		b = append(b, "folder-"...)
		b = appendPadded(b, uint64(k.folder(i)), 4, 10)
		b = append(b, "/object-"...)
	default:
		b = append(b, "objects/"...)
	}
	return append(appendPadded(b, uint64(i), digits, 10), ".bin"...)
}

// folder is the folder of object i in a [Hot] bucket: a tenth of the objects is
// spread over all folders, and the others are in the hot folder, in key order.
func (k naming) folder(i int) int {
	const folders = 1000
	spread := max(k.n/10, 1)
	before := spread * hotFolder / folders
	switch hot := k.n - spread; {
	case i < before:
		return i * folders / spread
	case i < before+hot:
		return hotFolder
	default:
		return max((i-hot)*folders/spread, hotFolder)
	}
}

// digits is how many digits a key has for the object's number.
const digits = 9

func (k naming) key(i int) string { return string(k.append(nil, i)) }

// index finds the object with the key.
func (k naming) index(key string) (int, bool) {
	number, ok := strings.CutSuffix(key, ".bin")
	if !ok || len(number) < digits {
		return 0, false
	}
	i, err := strconv.Atoi(number[len(number)-digits:])
	return i, err == nil && i >= 0 && i < k.n && k.key(i) == key
}

// after is the number of the first object whose key is greater than the given key,
// or, with orEqual, not less.
func (k naming) after(key string, orEqual bool) int {
	var b []byte
	return sort.Search(k.n, func(i int) bool {
		b = k.append(b[:0], i)
		return string(b) > key || orEqual && string(b) == key
	})
}

func appendPadded(b []byte, v uint64, width, base int) []byte {
	var room [20]byte
	s := strconv.AppendUint(room[:0], v, base)
	for range width - len(s) {
		b = append(b, '0')
	}
	return append(b, s...)
}

// scatter is a hash: every bit of x reaches every bit of the result.
func scatter(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
