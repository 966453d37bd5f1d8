package emulator

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"os"
	"path"
	"strings"
)

// fileContent is a file as it was when its row was made.
type fileContent struct {
	root *os.Root
	file string
	// size and modified (nanoseconds) distinguish versions of the file.
	size, modified int64
}

// errFileChanged ends a read whose file is no longer what it was: a body is
// one version or it is cut.
var errFileChanged = errors.New("the file changed while it was read")

func (c *fileContent) length() int64 { return c.size }

func (c *fileContent) open(off, n int64) (io.ReadCloser, error) {
	f, err := c.root.Open(c.file)
	if err != nil {
		return nil, err
	}
	r := &fileReader{file: f, content: c, left: n}
	_, err = f.Seek(off, io.SeekStart)
	if err == nil {
		err = r.unchanged()
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return r, nil
}

func (c *fileContent) md5() (string, error) {
	h := md5.New()
	if err := copyContent(h, c); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// copyContent writes all of c to w.
func copyContent(w io.Writer, c content) error {
	r, err := c.open(0, c.length())
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// fileReader reads left bytes. It returns the last of them only if the file has
// not changed since it was opened.
type fileReader struct {
	file    *os.File
	content *fileContent
	left    int64
}

// Read fails with errFileChanged instead of yielding parts of two versions.
func (r *fileReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n, err := r.file.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	if errors.Is(err, io.EOF) {
		return 0, errFileChanged // shorter than it was
	}
	if err == nil && r.left == 0 {
		err = r.unchanged()
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Close closes the file.
func (r *fileReader) Close() error { return r.file.Close() }

func (r *fileReader) unchanged() error {
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != r.content.size || info.ModTime().UnixNano() != r.content.modified {
		return errFileChanged
	}
	return nil
}

// types are the content types of extensions that the system's tables may not know,
// or know with a charset.
var types = map[string]string{
	".txt": "text/plain", ".csv": "text/csv", ".md": "text/markdown", ".html": "text/html", ".css": "text/css",
	".json": "application/json", ".jsonl": "application/jsonl", ".ndjson": "application/x-ndjson", ".xml": "application/xml",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
	".svg": "image/svg+xml", ".mp3": "audio/mpeg", ".wav": "audio/wav", ".mp4": "video/mp4", ".mov": "video/quicktime",
	".pdf": "application/pdf", ".zip": "application/zip", ".gz": "application/gzip", ".parquet": "application/vnd.apache.parquet",
}

func typeOf(file string) string {
	ext := strings.ToLower(path.Ext(file))
	if t, ok := types[ext]; ok {
		return t
	}
	return mime.TypeByExtension(ext)
}
