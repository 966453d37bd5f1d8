package emulator

import "strings"

// behind sorts after every key that starts with what it is appended to: keys
// are UTF-8, which has no such byte.
const behind = "\xff"

// foldedPage lists with a delimiter, with the server's bugs (v1.34.0 to at
// least v1.70.6), because a client must be seen to fail on them:
//
//   - The page after the entry "f.txt" starts behind "f.txt/": keys such as
//     "f.txt.bak" and "f.txt-1", and a folder "f.txt/", are silently lost.
//   - A folder named "/" at the end of a page leaves no token at all.
//   - An empty segment is folded into its parent, so that below "dbl/" the
//     folder "dbl/" is found again.
//   - A delimiter other than "/" comes back as "/".
func foldedPage(b rows, see func(string) bool, prefix, delimiter, after string, limit int) (page, error) {
	var p page
	if after != "" {
		after += delimiter + behind
	}
	last := ""
	for {
		r, err := firstVisible(b, see, prefix, after)
		if err != nil || r == nil {
			return p, err
		}
		if len(p.rows)+len(p.folders) == limit {
			p.truncated, p.last = true, last
			return p, nil
		}
		segment, _, isFolder := strings.Cut(r.key[len(prefix):], delimiter)
		if !isFolder {
			p.rows = append(p.rows, r)
			last, after = r.key, r.key
			continue
		}
		last = strings.TrimRight(prefix+segment, "/")
		p.folders = append(p.folders, last+"/")
		after = prefix + segment + delimiter + behind
	}
}

// firstVisible is the first row behind after that the caller sees.
func firstVisible(b rows, see func(string) bool, prefix, after string) (*row, error) {
	for r, err := range b.scan(prefix, after) {
		if err != nil || see(r.key) {
			return r, err
		}
	}
	return nil, nil
}
