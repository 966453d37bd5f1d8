package endpoint

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"math"
	"slices"
)

// sizes are the sizes of the objects, and their ETags.
type sizes struct {
	// of has the size of each object, nil where all have the same.
	of    []int64
	same  int64
	etags map[int64]string
}

// newSizes gives each of n objects the least size or, where most is larger, one of
// n sizes from least to most whose logarithms are evenly spaced, in an order
// that is always the same and looks random.
func newSizes(n int, least, most int64) *sizes {
	z := &sizes{same: least}
	if most <= least {
		return z
	}
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	slices.SortFunc(places, func(a, b int) int { return cmp.Compare(scatter(uint64(a+1)), scatter(uint64(b+1))) })
	z.of = make([]int64, n)
	for i, place := range places {
		along := (float64(i) + 0.5) / float64(n)
		z.of[place] = int64(float64(max(least, 1)) * math.Pow(float64(most)/float64(max(least, 1)), along))
	}
	return z
}

// size is how many bytes object i has.
func (z *sizes) size(i int) int64 {
	if z.of == nil {
		return z.same
	}
	return z.of[i]
}

func (z *sizes) etag(i int) string { return z.etags[z.size(i)] }

// sum finds the ETags. Each is the MD5 of the content, because clients compare it
// with what they received; a smaller object is the beginning of a larger one, so one
// pass over the largest is enough.
func (z *sizes) sum(block []byte) {
	all := z.of
	if all == nil {
		all = []int64{z.same}
	}
	z.etags = map[int64]string{}
	sum, at := md5.New(), int64(0)
	for _, size := range slices.Sorted(slices.Values(all)) {
		for at < size {
			start := at % blockBytes
			n := min(size-at, blockBytes-start)
			_, _ = sum.Write(block[start : start+n]) // never fails
			at += n
		}
		z.etags[size] = hex.EncodeToString(sum.Sum(nil))
	}
}

// Total is how many bytes all objects have.
func (o Options) Total() (sum int64) {
	z := newSizes(o.Objects, o.Size, o.MaxSize)
	for i := range o.Objects {
		sum += z.size(i)
	}
	return sum
}
