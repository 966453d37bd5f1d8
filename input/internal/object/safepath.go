package object

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
)

// How long a name and a path may be. Most file systems allow names of 255 bytes; Windows
// allows paths of 32,767, and many programs no more than 1,024.
const (
	longestName = 200
	longestPath = 600
)

// SafePath is a relative path for a file that holds the object with the key. The
// folders are put in front of it, such as the name of a bucket, each as one name.
//
//   - It stays below the folder that it is joined to.
//   - No two keys and folders share a path, and no path is a folder of another: the
//     names of folders have no dot, and those of files end with an extension.
//   - Every name is one that Linux, macOS and Windows allow.
//
// An ordinary key such as photos/2024/a b.jpg stays as it is. Keys that differ only
// in case have paths that differ only in case.
func SafePath(key string, folders ...string) string {
	var names []string
	for _, f := range folders {
		names = append(names, shortened(folderName(f), f))
	}
	ours := len(names)
	parts := strings.Split(key, "/")
	last := len(parts) - 1
	length, long := 0, false
	for i, part := range parts {
		name := folderName(part)
		if i == last {
			name = fileName(part)
		}
		length += len(name) + 1
		long = long || len(name) > longestName
		names = append(names, name)
	}
	if long || length > longestPath {
		names = append(names[:ours], longFolder, hash(key))
	}
	return strings.Join(names, "/")
}

// longFolder has the files of keys that are too long for a path. No key has it: a
// "%" is followed by two digits in its names.
const longFolder = "%long"

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func shortened(name, text string) string {
	if len(name) > longestName {
		return longFolder + "-" + hash(text)
	}
	return name
}

// folderName is a name without a dot: "v1.2" becomes "v1%2E2", ".." becomes
// "%2E%2E". The empty name between two slashes becomes "%2F".
func folderName(part string) string {
	if part == "" {
		return "%2F"
	}
	return escapeName(part, true)
}

// extension is the one of files whose keys have none.
const extension = ".file"

// fileName is a name that ends with an extension: "avatar" becomes "avatar.file".
func fileName(part string) string {
	name := escapeName(part, false)
	// In any case, so that "a" and "a.FILE" do not share a file on macOS and Windows.
	if !hasExtension(name) || strings.EqualFold(name[max(0, len(name)-len(extension)):], extension) {
		name += extension
	}
	return name
}

func hasExtension(name string) bool {
	ext := path.Ext(name)
	return len(ext) > 1 && strings.IndexFunc(ext[1:], func(c rune) bool { return !isAlphanumeric(c) }) < 0
}

func isAlphanumeric(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// kept are the special characters that a name keeps. Among those that become %XX
// are the ones that Windows refuses, and "%" itself.
const kept = " ()-_.~$&+=@"

// escapeName writes each other character as %XX. In a folder's name a dot is one of
// them, and so is a space at its end, which Windows drops.
func escapeName(part string, folder bool) string {
	const digits = "0123456789ABCDEF"
	plain := func(i int) bool {
		switch c := part[i]; {
		case isAlphanumeric(rune(c)):
			return i > 0 || !isDevice(part)
		case folder && (c == '.' || c == ' ' && i == len(part)-1):
			return false
		default:
			return strings.IndexByte(kept, c) >= 0
		}
	}
	var out strings.Builder
	from := 0
	for i := range len(part) {
		if plain(i) {
			continue
		}
		out.WriteString(part[from:i])
		out.Write([]byte{'%', digits[part[i]>>4], digits[part[i]&15]})
		from = i + 1
	}
	if from == 0 {
		return part
	}
	out.WriteString(part[from:])
	return out.String()
}

// isDevice reports whether a name means a device on Windows, which it does with any
// extension.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	return len(base) == 4 && (strings.HasPrefix(base, "COM") || strings.HasPrefix(base, "LPT")) && base[3] >= '0' && base[3] <= '9'
}
