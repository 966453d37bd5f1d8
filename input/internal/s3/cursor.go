package s3

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// maxEmptyPages is how many empty pages in a row, each with a token for the next
// page, are accepted before the cursor goes on by key.
const maxEmptyPages = 100

// cursor is where the next page of a listing starts. It follows tokens while they
// lead on. If the server repeats a token, or says that there is more and gives no
// token, the cursor goes on after the last key. That works on every server,
// because listings are in key order.
type cursor struct {
	prefix string
	token  string
	after  string // start-after, if there is no token
	last   string // the last key that was listed, or where the listing began
	empty  int    // empty pages in a row
	// byKey is set once a token has failed: tokens are not trusted after that.
	byKey bool
}

// query is the query of the next page. It has no delimiter, with which the server
// skips keys, and no encoding-type, with which it escapes them.
func (c *cursor) query(maxKeys int) url.Values {
	q := url.Values{"list-type": {"2"}, "max-keys": {strconv.Itoa(maxKeys)}}
	if c.prefix != "" {
		q.Set("prefix", c.prefix)
	}
	switch {
	case c.token != "":
		q.Set("continuation-token", c.token)
	case c.after != "":
		q.Set("start-after", c.after)
	}
	return q
}

// advance moves the cursor behind p and reports whether there is more. If a page
// does not lead on, the cursor asks again by key; if it already did, advance
// fails, so that a listing always ends.
func (c *cursor) advance(p *page) (more bool, err error) {
	last, err := plane.Follow(p.objects, c.last, unplaced)
	switch {
	case errors.Is(err, plane.ErrGoesRound) && !c.byKey:
		// The token led back, so the page may show old keys.
		p.objects, p.truncated, p.token = p.objects[:0], true, ""
		last = c.last
	case err != nil:
		return false, plane.Misled(err)
	}
	c.empty++
	if last != c.last {
		c.last, c.empty = last, 0
	}
	if !p.truncated {
		return false, nil
	}
	if !c.byKey && p.token != "" && p.token != c.token && c.empty <= maxEmptyPages {
		c.token = p.token
		return true, nil
	}
	if c.token == "" && c.after == c.last {
		// This very request has just been answered. If the server gave a token but
		// says that this is the last page, believe it.
		if p.last {
			return false, nil
		}
		return false, plane.Misled(plane.ErrGoesRound)
	}
	c.byKey = true
	c.token, c.after = "", c.last
	return true, nil
}

// unplaced reports whether key may be out of order. The server replaces a control
// character by U+FFFD, but sorts by the real character; an entry without a key may
// be anywhere.
func unplaced(key string) bool {
	return key == "" || strings.ContainsRune(key, '\uFFFD')
}
