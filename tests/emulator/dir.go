package emulator

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// NewDir returns a server over a folder: each sub-folder is a bucket, each file
// below it an object. Files are read when a request asks for them, so that new,
// changed and deleted ones show at once; uploads and deletes change the folder
// unless Options.ReadOnly is set.
//
// The ETag is the MD5 of the content, computed once for each size and
// modification time. Content types follow from the file's extension. Names that
// start with a dot are no buckets, symbolic links to folders are not followed,
// and nothing outside of dir is ever read. The headers of uploads, which a file
// cannot hold, are lost when the server ends. A file whose name the Storage API
// does not allow is listed but cannot be read, like a row inserted by SQL.
func NewDir(dir string, o Options) (*Server, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of the buckets: %w", err)
	}
	s := newServer(o)
	s.store = &folder{root: root, known: map[string]known{}}
	return s, nil
}

// folder keeps buckets in a folder.
type folder struct {
	root *os.Root

	mu sync.Mutex
	// known are the rows of the files seen so far, by path.
	known map[string]known
}

// known is the row of a file, and the size and time that the file had then.
type known struct {
	size, modified int64
	row            row
}

func bucketName(name string) bool {
	return fs.ValidPath(name) && !strings.ContainsAny(name, `/\`) && !strings.HasPrefix(name, ".")
}

func (f *folder) bucket(name string) (rows, bool) {
	if !bucketName(name) {
		return nil, false
	}
	info, err := f.root.Stat(name)
	if err != nil || !info.IsDir() {
		return nil, false
	}
	return &folderRows{f, name}, true
}

func (f *folder) create(name string) (rows, error) {
	if !bucketName(name) {
		return nil, fmt.Errorf("%q cannot be the name of a bucket", name)
	}
	if err := f.root.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return &folderRows{f, name}, nil
}

// drop does not remove a folder that contains anything, even files that are not
// shown as objects.
func (f *folder) drop(name string) bool { return bucketName(name) && f.root.Remove(name) == nil }

func (f *folder) remove(name string) error {
	if !bucketName(name) {
		return nil
	}
	return f.root.RemoveAll(name)
}

func (f *folder) buckets() ([]bucketInfo, error) {
	entries, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var all []bucketInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.IsDir() && bucketName(e.Name()) {
			all = append(all, bucketInfo{e.Name(), info.ModTime().UnixMicro()})
		}
	}
	return all, nil
}

// folderRows are the files below one sub-folder.
type folderRows struct {
	*folder
	name string
}

// uploading begins the names of incomplete files.
const uploading = ".~uploading-"

// file is the path of a key's file; a key such as "a//b" or "../a" has none.
func (f *folderRows) file(key string) (string, bool) {
	if !fs.ValidPath(key) || key == "." || strings.HasPrefix(path.Base(key), uploading) {
		return "", false
	}
	return f.name + "/" + key, true
}

func (f *folderRows) get(key string) (*row, error) {
	file, ok := f.file(key)
	if !ok {
		return nil, nil
	}
	info, err := f.root.Stat(file)
	if err == nil && info.Mode().IsRegular() {
		return f.row(key, file, info)
	}
	// Missing or unreadable: the client sees no difference.
	return nil, nil
}

// scan walks the tree in key order. That is the order of the names if a folder's
// name ends with its slash: "a.txt" < "a/b" < "a0".
func (f *folderRows) scan(prefix, after string) iter.Seq2[*row, error] {
	return func(yield func(*row, error) bool) {
		f.walk("", prefix, after, yield)
	}
}

// walk yields the rows below dir, which is "" or ends in a slash, and reports
// whether the consumer wants more.
func (f *folderRows) walk(dir, prefix, after string, yield func(*row, error) bool) bool {
	entries, err := fs.ReadDir(f.root.FS(), path.Clean(f.name+"/"+dir))
	if errors.Is(err, fs.ErrNotExist) && dir != "" {
		return true // deleted meanwhile
	}
	if err != nil {
		return yield(nil, err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
		if e.IsDir() {
			names[i] += "/"
		}
	}
	slices.Sort(names)
	for _, name := range names {
		key := dir + name
		if strings.HasSuffix(name, "/") {
			below := strings.HasPrefix(key, prefix) || strings.HasPrefix(prefix, key)
			passed := after > key && !strings.HasPrefix(after, key)
			if below && !passed && !f.walk(key, prefix, after, yield) {
				return false
			}
			continue
		}
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		r, err := f.get(key)
		if r == nil && err == nil {
			continue // deleted meanwhile, or no file
		}
		if !yield(r, err) {
			return false
		}
	}
	return true
}

// row is the row of a file, known or new. A file that changes while its ETag is
// computed counts as missing: it appears in the next listing.
func (f *folderRows) row(key, file string, info fs.FileInfo) (*row, error) {
	size, modified := info.Size(), info.ModTime().UnixNano()
	f.mu.Lock()
	k, ok := f.known[file]
	f.mu.Unlock()
	if !ok || k.size != size || k.modified != modified {
		c := &fileContent{f.root, file, size, modified}
		etag, err := c.md5()
		if errors.Is(err, errFileChanged) || errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		updated := info.ModTime().UnixMicro()
		created := updated
		if ok {
			created = min(k.row.created, updated)
		}
		k = known{size, modified, row{
			key: key, etag: etag, size: size, updated: updated, created: created, written: updated, content: c,
			attrs: attrs{contentType: typeOf(file)}.share(),
		}}
		f.remember(file, k)
	}
	return &k.row, nil
}

func (f *folderRows) remember(file string, k known) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known[file] = k
}

func (f *folderRows) put(r *row) (*row, error) {
	file, ok := f.file(r.key)
	if !ok || r.content == nil {
		return nil, failInvalidKey(r.key + " cannot be a file")
	}
	before, err := f.get(r.key)
	if err != nil {
		return nil, err
	}
	if before != nil {
		r.created = before.created
	}
	info, err := f.write(file, r)
	if err != nil {
		return nil, err
	}
	stored := *r
	stored.content = &fileContent{f.root, file, info.Size(), info.ModTime().UnixNano()}
	stored.etag = r.blobETag()
	f.remember(file, known{info.Size(), info.ModTime().UnixNano(), stored})
	return &stored, nil
}

// write makes the file under another name and then puts it in its place.
func (f *folderRows) write(file string, r *row) (fs.FileInfo, error) {
	if err := f.root.MkdirAll(path.Dir(file), 0o755); err != nil {
		return nil, failInvalidKey(r.key + " cannot be a file: " + err.Error())
	}
	tmp := path.Dir(file) + "/" + uploading + uuid(file, time.Now().String())
	defer func() { _ = f.root.Remove(tmp) }() // already renamed if all went well
	out, err := f.root.Create(tmp)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(copyContent(out, r.content), out.Close()); err != nil {
		return nil, err
	}
	modified := time.UnixMicro(r.updated)
	if err := f.root.Chtimes(tmp, modified, modified); err != nil {
		return nil, err
	}
	if err := f.root.Rename(tmp, file); err != nil {
		return nil, failInvalidKey(r.key + " cannot be a file: " + err.Error())
	}
	return f.root.Stat(file)
}

func (f *folderRows) delete(key string) (bool, error) {
	r, err := f.get(key)
	if r == nil || err != nil {
		return false, err
	}
	file, _ := f.file(key)
	f.mu.Lock()
	delete(f.known, file)
	f.mu.Unlock()
	err = f.root.Remove(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (f *folderRows) touch(now int64) error {
	for r, err := range f.scan("", "") {
		if err != nil {
			return err
		}
		file, _ := f.file(r.key)
		modified := time.UnixMicro(now)
		if err := f.root.Chtimes(file, modified, modified); err != nil {
			return err
		}
		info, err := f.root.Stat(file)
		if err != nil {
			return err
		}
		touched := *r
		touched.updated = now
		touched.content = &fileContent{f.root, file, info.Size(), info.ModTime().UnixNano()}
		f.remember(file, known{info.Size(), info.ModTime().UnixNano(), touched})
	}
	return nil
}
