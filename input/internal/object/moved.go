package object

// Moved is what one request of a move did.
type Moved struct {
	// Whole says that the object was moved, or was to be; otherwise it was copied, and its
	// source is still to be deleted.
	Whole bool
	// ETag is that of the copy, as the answer says; "" where it does not.
	ETag string
}
