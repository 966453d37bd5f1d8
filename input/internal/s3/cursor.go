package s3

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// maxEmptyPages is how many pages without a key may follow each other, each
// with a token for the next, before the listing counts as going nowhere.
const maxEmptyPages = 100

// cursor is where the next page of a listing starts. Tokens are followed while
// they lead on; where the server repeats one, or says that there is more and
// gives none, the cursor goes on after the last key, which is right on every
// server because the order is that of the keys.
type cursor struct {
	prefix string
	token  string
	after  string // start-after, where there is no token
	last   string // the last key that was listed, or where the range began
	empty  int    // pages without a key in a row
	// byKey is set after a token has failed once: none is trusted again.
	byKey bool
}

var (
	errGoesRound = errors.New("the server's listing goes round: a page did not get beyond the one before")
	errOutOfTurn = errors.New("the server's listing is not in the byte order of its keys")
)

// query is that of the next page. No delimiter, with which the server skips
// keys, and no encoding-type, with which it escapes them.
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

// advance moves behind p and reports whether there is more. A page that does
// not lead on is asked for again by key; where that was done already, advance
// fails, so that a listing always comes to an end.
func (c *cursor) advance(p *page) (more bool, err error) {
	last, err := c.follow(p)
	switch {
	case errors.Is(err, errGoesRound) && !c.byKey:
		// The token led back. None of the page is new for certain.
		p.objects, p.truncated, p.token = p.objects[:0], true, ""
		last = c.last
	case err != nil:
		return false, &object.Error{Op: opListing, Kind: object.ErrUnavailable, Err: err}
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
		// This very question has just been answered. A server that gives a token
		// with every page, and says that it is the last one, is believed then.
		if p.last {
			return false, nil
		}
		return false, &object.Error{Op: opListing, Kind: object.ErrUnavailable, Err: errGoesRound}
	}
	c.byKey = true
	c.token, c.after = "", c.last
	return true, nil
}

// follow checks that the keys of p go up from the last one, and returns the new
// last one.
func (c *cursor) follow(p *page) (string, error) {
	last := c.last
	for i := range p.objects {
		key := p.objects[i].Key
		switch {
		case displaced(key):
		case key > last:
			last = key
		case i == 0:
			return "", errGoesRound
		default:
			return "", errOutOfTurn
		}
	}
	return last, nil
}

// displaced reports whether key may stand out of its order. The server lists a
// control character as U+FFFD, in the place of the character it stands for; an
// entry without a key may stand anywhere.
func displaced(key string) bool {
	return key == "" || strings.ContainsRune(key, '\uFFFD')
}
