package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// Page lists up to a thousand objects with the prefix whose keys are greater
// than after, in byte order. More says whether the listing goes on after the last
// of them; the page is never empty then. The page is retried under the client's
// policy.
func (c *Client) Page(ctx context.Context, prefix, after string) (objs []object.Object, more bool, err error) {
	var p page
	err = c.caller.RetryingPage(ctx, func(ctx context.Context) (err error) {
		p, err = c.page(ctx, prefix, after, plane.PageKeys)
		return err
	})
	return p.objects, p.more, err
}

// Probe asks for a single key under prefix, to see whether the host, the
// credentials and the bucket are right. It returns the first object, and whether
// there is one.
func (c *Client) Probe(ctx context.Context, prefix string, policy retry.Policy) (object.Object, bool, error) {
	var p page
	err := policy.Do(ctx, func(ctx context.Context) (err error) {
		p, err = c.page(ctx, prefix, "", 1)
		if e, ok := errors.AsType[*object.Error](err); ok && e.Kind == object.ErrMisled { //nolint:errorlint // its kind, not its cause
			return nil // an answer is all that a probe wants; whether the order is right is for the listing
		}
		return err
	}, object.Transient, c.caller.RetryHook(plane.OpListing))
	if err != nil || len(p.objects) == 0 {
		return object.Object{}, false, err
	}
	return p.objects[0], true, nil
}

// query is the body of a request for a page. It has no delimiter, with which the
// server shows folders, and no order: it is that of the bytes of the keys.
type query struct {
	Prefix string `json:"prefix,omitempty"`
	Limit  int    `json:"limit"`
	Cursor string `json:"cursor,omitempty"`
}

// page makes one request, and one more where nothing is listed: the listing of a
// bucket that does not exist is empty.
func (c *Client) page(ctx context.Context, prefix, after string, limit int) (p page, err error) {
	body, err := json.Marshal(query{Prefix: prefix, Limit: limit, Cursor: cursorAfter(after)})
	if err != nil {
		return page{}, err
	}
	r := request{op: plane.OpListing, method: http.MethodPost, path: "/object/list-v2", bucket: true, body: body}
	err = c.caller.List(ctx, c.as(r), limit, func(a *plane.Answer, doc []byte) (int, error) {
		if err := p.decode(doc); err != nil {
			return 0, notAnAnswer(plane.OpListing, "", err, doc, a)
		}
		return len(p.objects), p.check(prefix, after)
	})
	if err == nil && len(p.objects) == 0 && after <= prefix {
		err = c.witness(ctx)
	}
	return p, err
}

// check makes sure that the page is what was asked for, and drops what comes before
// that.
func (p *page) check(prefix, after string) error {
	p.objects = plane.Tidy(p.objects, !p.more, nameless)
	early := 0
	if carried(after) != after {
		early = slices.IndexFunc(p.objects, func(o object.Object) bool { return o.Key > after })
		if early < 0 {
			early = len(p.objects)
		}
	}
	err := errEmptyPage
	switch {
	case len(p.objects) > 0 && early == len(p.objects) && p.more:
		err = fmt.Errorf("a thousand keys begin like %s, and no cursor can lead beyond them", foreign.Key(after))
	case len(p.objects) > 0 || !p.more:
		p.objects = p.objects[early:]
		if _, err := plane.Follow(p.objects, after, nameless); err != nil {
			return plane.Misled(err)
		}
		err = nil
	}
	if err != nil {
		return &object.Error{Op: plane.OpListing, Kind: object.ErrUnavailable, Err: err}
	}
	return plane.Below(p.objects, prefix, nameless)
}

var errEmptyPage = errors.New("the listing goes on, but a page of it is empty")

// nameless says which entries may be anywhere: JSON can carry every key, so those
// without one.
func nameless(key string) bool { return key == "" }

// witness reports a bucket that does not exist. The server looks for the bucket of an
// object with its own rights, so that the answer is the same for every role, also
// for those that may not see the bucket. What fails and may pass is an error, too:
// nothing is gone on the word of an answer that nobody confirms.
func (c *Client) witness(ctx context.Context) error {
	r := request{
		op: plane.OpListing, method: http.MethodGet, path: "/object/info", bucket: true,
		key:   ".emptyFolderPlaceholder", // any name will do, so one that can be no file of a user
		query: c.fresh(),
	}
	err := c.caller.Document(ctx, c.as(r), func(*plane.Answer, []byte) error { return nil })
	e, refused := errors.AsType[*object.Error](err)
	switch {
	case refused && noBucket(e):
		e.Kind = object.ErrNoBucket
		return e
	case refused && !object.Transient(e):
		return nil // there is no such object, and so a bucket; or an old server knows no such route
	}
	return err
}

// noBucket knows the refusal, which older servers write without a code.
func noBucket(e *object.Error) bool {
	return e.Status == http.StatusNotFound && (e.Code == "NoSuchBucket" || strings.Contains(e.Message, "Bucket not found"))
}
