package live

import (
	"bufio"
	"errors"
	"io"
	"os"
	"sync"
)

// capture has what is written to a file from now on read by the function, until
// restore is called, which returns when all of it was read. It changes the file that
// everybody has, since Benthos and others keep the os.Stdout and os.Stderr that they
// found when they began.
func capture(f *os.File, read func(io.Reader)) (restore func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	saved := *f
	*f = *w
	var reading sync.WaitGroup
	reading.Go(func() { read(r) })
	return func() {
		*f = saved
		_ = w.Close()
		reading.Wait()
		_ = r.Close()
	}, nil
}

// copyText copies what is read as it is.
func copyText(to io.Writer, from io.Reader) {
	if _, err := io.Copy(to, from); err != nil { // the terminal may be gone
		_, _ = io.Copy(io.Discard, from) // nobody must wait to write
	}
}

// copyLines copies line by line, each as the function makes it.
func copyLines(to io.Writer, from io.Reader, line func(string) string) {
	lines := bufio.NewReader(from)
	for {
		text, err := lines.ReadString('\n')
		if text != "" {
			_, _ = io.WriteString(to, line(text)) // the terminal may be gone
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				_, _ = io.Copy(io.Discard, from) // nobody must wait to write
			}
			return
		}
	}
}
