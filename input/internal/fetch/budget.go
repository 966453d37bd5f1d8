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
)

// budget counts the bytes that downloads under way may hold.
type budget struct {
	total, used int64
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

func (b *budget) has(charge int64) bool { return b.used+charge <= b.total || b.used == 0 }
