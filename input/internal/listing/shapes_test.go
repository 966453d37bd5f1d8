package listing_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// shapes are forms that the keys of real buckets have.
var shapes = []struct {
	name string
	key  func(r *rand.Rand, i int) string
}{
	{"flat uuid", func(r *rand.Rand, _ int) string { return uuid(r) + ".jpg" }},
	{"year/month/day/uuid", func(r *rand.Rand, _ int) string {
		return time.Date(2023, 3, 5+r.IntN(900), 0, 0, 0, 0, time.UTC).Format("2006/01/02/") + uuid(r)
	}},
	{"one hot folder of 300", func(r *rand.Rand, i int) string {
		if i%10 == 0 {
			return fmt.Sprintf("team-%d/%s.png", r.IntN(300), uuid(r))
		}
		return "shared/" + uuid(r) + ".png"
	}},
	{"img_<n>", func(_ *rand.Rand, i int) string { return fmt.Sprintf("img_%d.jpg", i+1) }},
	{"users/uuid/file, Zipf", func() func(*rand.Rand, int) string {
		users := make([]string, 20_000)
		seed := rand.New(rand.NewPCG(3, 4))
		for i := range users {
			users[i] = uuid(seed)
		}
		return func(r *rand.Rand, i int) string {
			z := rand.NewZipf(r, 1.1, 1, uint64(len(users)-1))
			return fmt.Sprintf("users/%s/photo-%d.jpg", users[z.Uint64()], i)
		}
	}()},
}

// keysOf makes n keys of a shape, always the same ones.
func keysOf(key func(*rand.Rand, int) string, n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([]string, n)
	for i := range keys {
		keys[i] = key(r, i)
	}
	return keys
}

func uuid(r *rand.Rand) string {
	const digits = "0123456789abcdef"
	out := []byte("xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx")
	for i, c := range out {
		if c == 'x' {
			out[i] = digits[r.IntN(16)]
		}
	}
	return string(out)
}

// oddBucket makes up the keys of a tree of folders of random depth, with names of
// random kinds and sizes that may be skewed.
func oddBucket(seed uint64, n int) []string {
	r := rand.New(rand.NewPCG(seed, 9))
	var parts []func() string
	for range r.IntN(4) {
		names := make([]string, []int{1, 3, 30, 1000, 10_000}[r.IntN(5)])
		kind := r.IntN(6)
		for i := range names {
			names[i] = name(r, kind)
		}
		pick := func() int { return r.IntN(len(names)) }
		if len(names) > 1 && r.IntN(2) == 0 {
			z := rand.NewZipf(r, 1.05+r.Float64(), 1, uint64(len(names)-1))
			pick = func() int { return int(z.Uint64()) }
		}
		parts = append(parts, func() string { return names[pick()] })
	}
	kind := r.IntN(6)
	keys := make([]string, n)
	for i := range keys {
		var b strings.Builder
		for _, part := range parts {
			b.WriteString(part() + "/")
		}
		keys[i] = b.String() + name(r, kind)
	}
	return keys
}

func name(r *rand.Rand, kind int) string {
	i := r.IntN(100_000_000)
	switch kind {
	case 0:
		return uuid(r)
	case 1:
		return fmt.Sprintf("IMG_%d.JPG", i)
	case 2:
		return fmt.Sprintf("%09d", i)
	case 3:
		return time.Unix(1_600_000_000+int64(i), 0).UTC().Format("2006-01-02T15:04:05")
	case 4:
		return fmt.Sprintf("a long name that never changes/and another/%06x", i)
	default:
		const letters = "авгдежзиклмнопрстуфхцчшщыэюя"
		runes := []rune(letters)
		return fmt.Sprintf("%c%c%c-%d.pdf", runes[r.IntN(len(runes))], runes[r.IntN(len(runes))], runes[r.IntN(len(runes))], i)
	}
}
