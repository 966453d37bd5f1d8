package boltstore

import "errors"

// ErrInUse means that another process, or another input of this one, has the file
// open: it can be opened when that one ends.
var ErrInUse = errors.New("it is in use by another process or another input; stop that one, or give each input a state of its own")
