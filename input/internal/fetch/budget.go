package fetch

const (
	// wholeBytes is the size up to which an object is read with one request, and
	// whole before it is handed on, and what a larger one counts for while it streams.
	wholeBytes = 8 << 20
	// maxWhole is the size up to which a single piece of memory is made for an
	// object on the word of the endpoint. What is larger grows as it comes.
	maxWhole = 1 << 30
	// maxHeld is the size above which an object is not read where it would become a
	// single message: no machine holds that, and nothing that it could be sent to
	// accepts it. Such a size is a mistake of the listing, or a reason for a scanner
	// that reads in pieces.
	maxHeld = 64 << 30
	// minCharge is what the smallest object counts for: the buffers of its
	// connection and its message.
	minCharge = 64 << 10
	// smallPart is the part of the budget that only small objects may use where there are
	// several runs, and smallest the part up to which one is small: 16 of them fit.
	smallPart, smallest = 16, 256
)

// budget counts the bytes that downloads under way may hold.
type budget struct {
	total, used int64
	small       int64 // of used, that of small objects
	// whole says that an object is held whole whatever its size.
	whole bool
	// none says that objects are not read, and count for nothing.
	none bool
}

// chargeFor is what an object of the given size counts for. One that is larger
// than the whole budget counts for all of it, and so is read alone.
func (b *budget) chargeFor(size int64) int64 {
	if b.none {
		return 0
	}
	if !b.whole {
		size = min(size, wholeBytes)
	}
	return min(max(size, minCharge), b.total)
}

// has reports whether there are so many bytes for one of several runs, or for the only
// one. A part is kept for small objects, so that a bucket of them does not wait for each
// large object of another. What is more than the rest has to be alone with them.
func (b *budget) has(charge int64, several bool) bool {
	switch large := b.used - b.small; {
	case b.used == 0:
		return true
	case b.used+charge > b.total:
		return false
	case !several || b.isSmall(charge) || large == 0:
		return true
	default:
		return large+charge <= b.total-b.kept()
	}
}

// hasNextTo reports whether there are so many bytes although a large object waits for
// its charge: that has to find them once the other large ones are gone.
func (b *budget) hasNextTo(large, charge int64) bool {
	return b.isSmall(charge) && !b.isSmall(large) && large <= b.total-b.kept() && b.small+charge <= b.kept() && b.used+charge <= b.total
}

func (b *budget) isSmall(charge int64) bool { return charge <= b.total/smallest }

// kept is how much is for small objects: nothing where none is small enough.
func (b *budget) kept() int64 {
	if !b.isSmall(minCharge) {
		return 0
	}
	return b.total / smallPart
}

func (b *budget) use(charge int64) {
	b.used += charge
	if b.isSmall(max(charge, -charge)) {
		b.small += charge
	}
}
