package format

import (
	"encoding/binary"
	"fmt"
)

// Most keys are UUIDs and numbers between words that repeat. So the part of a key
// that it does not share with the key before it is cut into literals and runs of
// lower-case hex digits. The literals, and the shape (where the runs are), are the
// same for many keys and take almost no room when they are packed. The digits take
// half a byte each; without this, zstd needs 22 % more for a manifest of UUIDs (48
// bytes an object in place of 39), and 60 % more for one of SHA-256 names.
//
//	keys:   the number of shapes, and each as pairs of lengths (literal, digits),
//	        the last of which has no digits; for all keys, the length shared; for
//	        all keys, the number of the shape; all literals
//	digits: two to a byte

// minRun is the least number of hex digits that make a run.
const minRun = 4

// run is a literal and the digits after it.
type run struct{ literal, digits int }

// keyWriter accepts keys in order.
type keyWriter struct {
	before   string
	shapes   map[string]uint64
	table    []byte
	lengths  []byte
	numbers  []byte
	literals []byte
	digits   []byte
	// half says that the last byte of digits has room for one more.
	half  bool
	shape []byte
}

func (w *keyWriter) add(key string) {
	n := shared(w.before, key)
	w.before = key
	w.lengths = binary.AppendUvarint(w.lengths, uint64(n))
	rest := key[n:]
	w.shape = w.shape[:0]
	for {
		at, end := nextRun(rest)
		w.shape = binary.AppendUvarint(w.shape, uint64(at))
		w.shape = binary.AppendUvarint(w.shape, uint64(end-at))
		w.literals = append(w.literals, rest[:at]...)
		if at == end {
			break
		}
		for i := at; i < end; i++ {
			w.digit(rest[i])
		}
		rest = rest[end:]
	}
	number, ok := w.shapes[string(w.shape)]
	if !ok {
		number = uint64(len(w.shapes))
		w.shapes[string(w.shape)] = number
		w.table = append(w.table, w.shape...)
	}
	w.numbers = binary.AppendUvarint(w.numbers, number)
}

func (w *keyWriter) digit(c byte) {
	v := hexValue(c)
	if w.half {
		w.digits[len(w.digits)-1] |= v
	} else {
		w.digits = append(w.digits, v<<4)
	}
	w.half = !w.half
}

func (w *keyWriter) text() []byte {
	b := binary.AppendUvarint(nil, uint64(len(w.shapes)))
	for _, part := range [][]byte{w.table, w.lengths, w.numbers, w.literals} {
		b = append(b, part...)
	}
	return b
}

// nextRun finds the first run in s; without one, both are the end of s.
func nextRun(s string) (at, end int) {
	start := 0
	for i := range len(s) {
		if hexValue(s[i]) > 15 {
			if i-start >= minRun {
				return start, i
			}
			start = i + 1
		}
	}
	if len(s)-start >= minRun {
		return start, len(s)
	}
	return len(s), len(s)
}

const hexDigits = "0123456789abcdef"

// hexValue is above 15 for everything except lower-case hex digits.
func hexValue(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	default:
		return 16
	}
}

// shape says how a key is made, after what it shares with the key before it.
type shape struct {
	runs   []run
	length int
}

// readShapes reads the table and refuses numbers above limit.
func readShapes(r *reader, limit int) []shape {
	shapes := make([]shape, r.count(2))
	for i := range shapes {
		s := &shapes[i]
		for !r.bad {
			literal, digits := r.uvarint(), r.uvarint()
			if literal > uint64(limit) || digits > uint64(limit) {
				r.fail()
				break
			}
			s.runs = append(s.runs, run{int(literal), int(digits)})
			s.length += int(literal + digits)
			if digits == 0 {
				break
			}
		}
	}
	return shapes
}

// decodeKeys sets the keys of entries, all in one piece of memory.
func decodeKeys(entries []Entry, text, digits []byte) error {
	r := reader{b: text}
	shapes := readShapes(&r, len(text)+2*len(digits))
	n := len(entries)
	if n > len(r.b)/2 {
		return fmt.Errorf("%d keys in %d bytes", n, len(text))
	}
	lengths, numbers := make([]int, n), make([]int, n)
	for i := range lengths {
		lengths[i] = int(min(r.uvarint(), maxBody))
	}
	total, before := 0, 0
	for i := range numbers {
		v := r.uvarint()
		if v >= uint64(len(shapes)) || lengths[i] > before {
			return fmt.Errorf("key %d of %d cannot be read", i, n)
		}
		numbers[i] = int(v)
		before = lengths[i] + shapes[v].length
		if total += before; total > maxBody {
			return fmt.Errorf("more than %d bytes of keys", maxBody)
		}
	}
	b := make([]byte, 0, total)
	d := digitReader{b: digits}
	start := 0
	for i := range entries {
		begin := len(b)
		b = append(b, b[start:start+lengths[i]]...)
		for _, run := range shapes[numbers[i]].runs {
			b = append(b, r.bytes(uint64(run.literal))...)
			b = d.read(b, run.digits)
		}
		start = begin
		if len(b) != begin+lengths[i]+shapes[numbers[i]].length {
			return fmt.Errorf("key %d of %d is cut off", i, n)
		}
		lengths[i] = len(b)
	}
	return cutKeys(entries, string(b), lengths, r.end())
}

// cutKeys cuts all, which holds all keys, at their ends.
func cutKeys(entries []Entry, all string, ends []int, err error) error {
	begin := 0
	for i := range entries {
		entries[i].Key = all[begin:ends[i]]
		if i > 0 && entries[i].Key <= entries[i-1].Key {
			return fmt.Errorf("key %d of %d is out of order", i, len(entries))
		}
		begin = ends[i]
	}
	return err
}

// digitReader reads what digit wrote.
type digitReader struct {
	b []byte
	// at counts digits.
	at int
}

// read appends n digits, or as many as there are.
func (d *digitReader) read(b []byte, n int) []byte {
	n = min(n, 2*len(d.b)-d.at)
	for ; n >= 2; n -= 2 {
		v := d.b[d.at/2]
		if d.at%2 == 1 {
			v = v<<4 | d.b[d.at/2+1]>>4
		}
		b = append(b, hexDigits[v>>4], hexDigits[v&15])
		d.at += 2
	}
	if n == 1 {
		b = append(b, hexDigits[d.b[d.at/2]>>(4-4*(d.at%2))&15])
		d.at++
	}
	return b
}
