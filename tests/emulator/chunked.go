package emulator

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
)

// chunkReader takes the aws-chunked encoding off a body: chunks of a length in
// hex, "\r\n", the bytes, "\r\n"; a chunk of no bytes is followed by trailers.
// Signatures and checksums of chunks are not verified.
type chunkReader struct {
	r    *bufio.Reader
	left int64
	done bool
}

func newChunkReader(r io.Reader) *chunkReader { return &chunkReader{r: bufio.NewReader(r)} }

var errChunk = errors.New("malformed aws-chunked body")

// Read fails with errChunk if the encoding is broken and with
// io.ErrUnexpectedEOF if the body is cut off.
func (c *chunkReader) Read(p []byte) (int, error) {
	for c.left == 0 {
		if c.done {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.left == 0 && err == nil {
		_, err = c.line()
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads the head of a chunk, and the trailers behind the last.
func (c *chunkReader) next() error {
	head, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(head, ";")
	n, err := strconv.ParseInt(size, 16, 64)
	if err != nil || n < 0 {
		return errChunk
	}
	if c.left = n; n > 0 {
		return nil
	}
	c.done = true
	for {
		trailer, err := c.line()
		if errors.Is(err, io.EOF) || err == nil && trailer == "" {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// line reads up to "\r\n". A long line means that the body is not in this encoding.
func (c *chunkReader) line() (string, error) {
	line, err := c.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errChunk
	}
	return strings.TrimRight(string(line), "\r\n"), err
}
