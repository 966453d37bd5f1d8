package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"github.com/cespare/xxhash/v2"
)

// bbolt trusts the pages of a file. If they are damaged, it reads wrong values or
// writes over pages that are in use, and its own check runs in a goroutine where
// a page that points nowhere ends the process. So a file is verified before bbolt
// gets it. Every byte that bbolt itself relies on is looked at:
//
//	the two header pages     both whole: the newer page says what is true, and the
//	                         older page in its place would undo what was written
//	branch and leaf pages    of the right number, kind and length, with the keys
//	                         in order, and each used only once; the first key of a
//	                         page is what the page above has for it, since by that
//	                         key bbolt finds the place to write the page's new number
//	the list of free pages   names no page that is in use, and none twice
//	the keys of our bucket   are the keys that were written (digest)
//
// The values are not read: they carry checksums of their own.

// The layout of bbolt's format 2, in the byte order of the machine.
const (
	pageHeader    = 16 // id, flags, count, overflow
	elementHeader = 16
	bucketHeader  = 16 // root, sequence
	metaSize      = 64
	metaSummed    = metaSize - 8
	boltMagic     = 0xED0CDAED
	boltVersion   = 2

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10

	leafIsBucket = 0x01

	noFreelist = ^uint64(0)
	// deepest is above the height of any tree that fits on a disk.
	deepest = 64
)

var order = binary.NativeEndian

// header is what one of the two header pages says.
type header struct {
	pageSize             uint64
	root, freelist, high uint64
	txid                 uint64
}

// pages looks through the pages of a file.
type pages struct {
	file io.ReaderAt
	header
	used []bool
	ours *bucketPages // nil until the bucket is found
	// others names another program's bucket, nil where there is none.
	others []byte
}

// bucketPages is what was found of the bucket that holds the values.
type bucketPages struct {
	sequence uint64
	keys     digest
}

var errForeign = errors.New("it is the database of another program")

// verify looks through a file of the given size, whatever program wrote it.
func verify(f io.ReaderAt, size int64) error {
	p := &pages{file: f}
	if err := p.readHeaders(); err != nil {
		return err
	}
	if need := p.high * p.pageSize; uint64(size) < need {
		return fmt.Errorf("it is cut off (%d of %d bytes are there)", size, need)
	}
	p.used = make([]bool, p.high)
	if err := p.tree(p.root, nil, nil, nil, 0); err != nil {
		return err
	}
	if err := p.free(); err != nil {
		return err
	}
	switch {
	case p.ours == nil && p.others != nil:
		return fmt.Errorf("%w (it holds %q); name another file", errForeign, p.others)
	case p.ours == nil && p.txid > 1:
		// The first transaction after the creation makes the bucket.
		return errors.New("it does not hold what every state file does")
	case p.ours != nil && !p.ours.keys.agrees(p.ours.sequence):
		return errors.New("its keys are not the keys that were written")
	}
	return nil
}

func (p *pages) readHeaders() error {
	first, err := p.readHeader(0)
	if err != nil {
		return err
	}
	second, err := p.readHeader(first.pageSize)
	if err != nil {
		return err
	}
	p.header = first
	if second.txid > first.txid {
		p.header = second
	}
	if second.pageSize != first.pageSize || p.high < 2 || p.high > 1<<40 {
		return errors.New("its header pages contradict each other")
	}
	return nil
}

func (p *pages) readHeader(at uint64) (header, error) {
	b := make([]byte, pageHeader+metaSize)
	if _, err := p.file.ReadAt(b, int64(at)); err != nil {
		return header{}, fmt.Errorf("a header page can't be read: %w", err)
	}
	m := b[pageHeader:]
	sum := fnv.New64a()
	_, _ = sum.Write(m[:metaSummed])
	if order.Uint32(m) != boltMagic || order.Uint32(m[4:]) != boltVersion || order.Uint64(m[metaSummed:]) != sum.Sum64() {
		return header{}, errors.New("a header page is not as it was written")
	}
	h := header{
		pageSize: uint64(order.Uint32(m[8:])), root: order.Uint64(m[16:]),
		freelist: order.Uint64(m[32:]), high: order.Uint64(m[40:]), txid: order.Uint64(m[48:]),
	}
	if h.pageSize < pageHeader+metaSize || h.pageSize > 1<<20 {
		return header{}, fmt.Errorf("a header page says that pages have %d bytes", h.pageSize)
	}
	return h, nil
}

// page is one node of a tree, with the pages that it goes on to.
type page struct {
	id       uint64
	flags    uint16
	count    int
	overflow uint64
	// first is the first page, the rest is read where it is needed.
	first []byte
	file  io.ReaderAt
	at    int64
}

// use reads the head of a page, which must not be used elsewhere.
func (p *pages) use(id uint64) (*page, error) {
	if id < 2 || id >= p.high {
		return nil, fmt.Errorf("page %d does not exist", id)
	}
	g := &page{first: make([]byte, p.pageSize), file: p.file, at: int64(id * p.pageSize)}
	if _, err := p.file.ReadAt(g.first, g.at); err != nil {
		return nil, fmt.Errorf("page %d can't be read: %w", id, err)
	}
	g.parse()
	if g.id != id || g.overflow >= p.high-id {
		return nil, fmt.Errorf("page %d is another one, or cut off", id)
	}
	for i := id; i <= id+g.overflow; i++ {
		if p.used[i] {
			return nil, fmt.Errorf("page %d is used twice", i)
		}
		p.used[i] = true
	}
	return g, nil
}

func (g *page) parse() {
	g.id = order.Uint64(g.first)
	g.flags = order.Uint16(g.first[8:])
	g.count = int(order.Uint16(g.first[10:]))
	g.overflow = uint64(order.Uint32(g.first[12:]))
}

// bytes reads a part of the page.
func (g *page) bytes(off, n uint64) ([]byte, error) {
	if off+n <= uint64(len(g.first)) {
		return g.first[off : off+n], nil
	}
	if g.file == nil {
		return nil, io.ErrUnexpectedEOF // a page inside a value ends with it
	}
	b := make([]byte, n)
	if _, err := g.file.ReadAt(b, g.at+int64(off)); err != nil {
		return nil, fmt.Errorf("page %d can't be read: %w", g.id, err)
	}
	return b, nil
}

// free looks at the list of free pages, after all that are in use.
func (p *pages) free() error {
	if p.freelist == noFreelist {
		return nil
	}
	g, err := p.use(p.freelist)
	if err != nil {
		return fmt.Errorf("the list of free pages: %w", err)
	}
	if g.flags != flagFreelist {
		return errors.New("the list of free pages is something else")
	}
	off, count := uint64(pageHeader), uint64(g.count)
	if count == 0xFFFF { // then the true number comes first
		b, err := g.bytes(off, 8)
		if err != nil {
			return err
		}
		off, count = off+8, order.Uint64(b)
	}
	if count > p.high || off+8*count > (g.overflow+1)*p.pageSize {
		return errors.New("the list of free pages is longer than its pages")
	}
	ids, err := g.bytes(off, 8*count)
	if err != nil {
		return err
	}
	before := uint64(1)
	for ; len(ids) > 0; ids = ids[8:] {
		id := order.Uint64(ids)
		if id <= before || id >= p.high || p.used[id] {
			return fmt.Errorf("the list of free pages names page %d, which is not free", id)
		}
		before = id
	}
	return nil
}

// tree looks at the node with the given number and all below it, whose keys lie
// in [lo, hi); nil is no bound. in is the bucket that holds the values, nil within
// another bucket.
func (p *pages) tree(id uint64, lo, hi []byte, in *bucketPages, depth int) error {
	g, err := p.use(id)
	if err != nil {
		return err
	}
	end, err := p.node(g, lo, hi, in, depth)
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	if need := (end + p.pageSize - 1) / p.pageSize; need != g.overflow+1 {
		return fmt.Errorf("page %d: it goes on for %d pages and needs %d", id, g.overflow+1, need)
	}
	return nil
}

// node looks at the elements of a node, and returns where the last one ends.
func (p *pages) node(g *page, lo, hi []byte, in *bucketPages, depth int) (end uint64, err error) {
	switch {
	case depth > deepest:
		return 0, errors.New("the tree is too deep")
	case g.flags != flagBranch && g.flags != flagLeaf:
		return 0, errors.New("it is no part of a tree")
	case g.count == 0 && (g.flags == flagBranch || depth > 0):
		return 0, errors.New("it is empty")
	}
	elements, err := g.bytes(pageHeader, uint64(g.count)*elementHeader)
	if err != nil {
		return 0, err
	}
	// The data of all elements lies behind their headers, in order, with no gap.
	end = pageHeader + uint64(len(elements))
	type child struct {
		id  uint64
		key []byte
	}
	var children []child
	before := lo
	for i := range g.count {
		e := elements[i*elementHeader:]
		var pos, keySize, valueSize uint64
		if g.flags == flagBranch {
			pos, keySize = uint64(order.Uint32(e)), uint64(order.Uint32(e[4:]))
		} else {
			pos, keySize, valueSize = uint64(order.Uint32(e[4:])), uint64(order.Uint32(e[8:])), uint64(order.Uint32(e[12:]))
		}
		start := uint64(pageHeader+i*elementHeader) + pos
		if start != end || keySize == 0 || keySize > 1<<15 || end+keySize+valueSize > (g.overflow+1)*p.pageSize {
			return 0, fmt.Errorf("its element %d is out of place", i)
		}
		key, err := g.bytes(start, keySize)
		if err != nil {
			return 0, err
		}
		if i == 0 && lo != nil && !bytes.Equal(key, lo) {
			return 0, fmt.Errorf("its first key is %q, and the page above says %q", key, lo)
		}
		if c := bytes.Compare(key, before); c < 0 || c == 0 && i > 0 || hi != nil && bytes.Compare(key, hi) >= 0 {
			return 0, fmt.Errorf("its key %q is out of order", key)
		}
		before = key
		end += keySize + valueSize
		switch {
		case g.flags == flagBranch:
			children = append(children, child{order.Uint64(e[8:]), key})
		case order.Uint32(e) == 0:
			if in != nil {
				in.keys.add(key)
			}
		case order.Uint32(e) != leafIsBucket || in != nil:
			return 0, fmt.Errorf("its element %q is of no known kind", key)
		default:
			value, err := g.bytes(start+keySize, valueSize)
			if err != nil {
				return 0, err
			}
			if err := p.bucket(key, value); err != nil {
				return 0, fmt.Errorf("bucket %q: %w", key, err)
			}
		}
	}
	for i, c := range children {
		above := hi
		if i+1 < len(children) {
			above = children[i+1].key
		}
		if err := p.tree(c.id, c.key, above, in, depth+1); err != nil {
			return 0, err
		}
	}
	return end, nil
}

// bucket looks at a bucket, which is a tree of its own, or a page inside its
// value.
func (p *pages) bucket(name, value []byte) error {
	if len(value) < bucketHeader {
		return errors.New("it is cut off")
	}
	var in *bucketPages
	if bytes.Equal(name, bucketName) {
		in = &bucketPages{sequence: order.Uint64(value[8:])}
		p.ours = in
	} else {
		p.others = name
	}
	if root := order.Uint64(value); root != 0 {
		return p.tree(root, nil, nil, in, 0)
	}
	g := &page{first: value[bucketHeader:]}
	if len(g.first) < pageHeader {
		return errors.New("it is cut off")
	}
	g.parse()
	if g.flags != flagLeaf || g.overflow != 0 {
		return errors.New("it is no part of a tree")
	}
	end, err := p.node(g, nil, nil, in, 0)
	if err == nil && end != uint64(len(g.first)) {
		err = errors.New("it is longer than what it holds")
	}
	return err
}

// digest sums up the keys of the bucket. It is kept as the bucket's sequence
// number, which bbolt stores and does not use. Without it, a key that damage has
// removed or changed would look as if it had never been written.
type digest uint64

// agrees reports whether a sequence number is the digest of the keys. It is 0 in
// files that were written only before there were digests.
func (d digest) agrees(sequence uint64) bool { return sequence == 0 || sequence == d.sequence() }

func (d *digest) add(key []byte)    { *d += digest(xxhash.Sum64(key)) }
func (d *digest) remove(key []byte) { *d -= digest(xxhash.Sum64(key)) }

// sequence is the digest as a number that is not 0.
func (d digest) sequence() uint64 { return uint64(d)<<1 | 1 }

func digestOf(sequence uint64) digest { return digest(sequence >> 1) }
