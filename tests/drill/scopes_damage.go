package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// stored are the values of a state.
type stored interface {
	keys() ([]string, error)
	// tear cuts a value in half, or takes it away.
	tear(key string, gone bool) error
}

func (d *scopesDrill) cache() string { return filepath.Join(d.dir, "cache") }

// damagedFile damages the state of the kills before.
func (d *scopesDrill) damagedFile(ctx context.Context) error {
	return d.damaged(ctx, func() (stored, func() error, error) {
		db, err := bbolt.Open(d.pipeline.state, 0o600, nil)
		if err != nil {
			return nil, nil, err
		}
		return fileValues{db}, db.Close, nil
	})
}

// damagedCache damages a state in a cache, which holds a file for each value.
func (d *scopesDrill) damagedCache(ctx context.Context) error {
	d.book.forget(scope{})
	err := errors.Join(os.MkdirAll(d.cache(), 0o700),
		d.open("cache", "sync_mode: continuous", "polling_interval: 1s", everyPassFull, "emit_deletes: true", "state: {cache: shared}"))
	if err != nil {
		return err
	}
	sabotage := d.sabotage
	d.sabotage = breakNothing // which needs a file
	defer func() { d.sabotage = sabotage }()
	if err := d.readOn(ctx); err != nil {
		return err
	}
	return d.damaged(ctx, func() (stored, func() error, error) {
		return folderValues(d.cache()), func() error { return nil }, nil
	})
}

// readOn starts the pipeline, lets it come to rest, and stops it.
func (d *scopesDrill) readOn(ctx context.Context) error {
	err := d.begin(ctx)
	if err == nil {
		err = d.rest(ctx, everywhere)
	}
	if err == nil {
		err = d.stop(ctx)
	}
	return err
}

// damaged damages what is stored of one scope. The others must not notice; it must be told
// of once, with a remedy that works.
func (d *scopesDrill) damaged(ctx context.Context, open func() (stored, func() error, error)) error {
	values, closed, err := open()
	if err != nil {
		return err
	}
	scopes := d.world.healthyNow()
	victim := scopes[d.chance.IntN(len(scopes))]
	what, err := d.spoil(values, victim)
	if err = errors.Join(err, closed()); err != nil {
		return err
	}
	fmt.Printf("drill: what is stored of %s/%s is damaged: %s\n", victim.project, victim.bucket, what)
	d.world.exclude(victim)
	d.world.putEverywhere()
	logged, run := d.pipeline.logged(), len(d.book.lives)
	if err := d.begin(ctx); err != nil {
		return err
	}
	if err := d.rest(ctx, everywhere); err != nil {
		return err
	}
	if err := d.pipeline.live(ctx, 4*time.Second); err != nil { // in which more lines would come
		return err
	}
	if n := d.book.arrivedIn(victim, run); n > 0 {
		d.book.violated("%d messages came of %v, whose state is damaged (%s)", n, victim, what)
	}
	remedy := d.judgeLines(victim, what, logged)
	if err := d.stop(ctx); err != nil {
		return err
	}
	d.judgeList(ctx, scopes, victim, what)
	d.world.recover()
	if remedy == nil {
		return nil // it is a violation, and there is nothing to go on with
	}
	if out, code := d.pipeline.command(ctx, remedy[0], remedy[1:]...); code != 0 {
		d.book.violated("the remedy for %s (%v) ended with %d: %s", what, remedy, code, out)
		return nil
	}
	d.book.forget(victim)
	return d.readOn(ctx)
}

// valueForm is the name of a value: its scope, its kind and perhaps its number.
var valueForm = regexp.MustCompile(`^(supabase-storage-[0-9a-f]{16})-(index|viewer|founded|m|j)\d*$`)

// spoil damages all values of one kind of a scope, in a way that must be noticed.
func (d *scopesDrill) spoil(values stored, victim scope) (what string, err error) {
	all, err := values.keys()
	if err != nil {
		return "", err
	}
	byKind := map[string][]string{}
	var kinds []string
	for _, key := range all {
		m := valueForm.FindStringSubmatch(key)
		if m == nil || m[1] != d.valuesOf(victim) {
			continue
		}
		if byKind[m[2]] == nil {
			kinds = append(kinds, m[2])
		}
		byKind[m[2]] = append(byKind[m[2]], key)
	}
	if len(byKind["index"]) > 0 { // then nobody needs to know more
		kinds = slices.DeleteFunc(kinds, func(kind string) bool { return kind == "founded" })
	}
	if len(kinds) == 0 {
		return "", fmt.Errorf("nothing is stored of %v", victim)
	}
	slices.Sort(kinds)
	kind := kinds[d.chance.IntN(len(kinds))]
	_, file := values.(fileValues) // of which a digest tells that a value is gone
	gone := !file && (kind == "index" || kind == "m") && d.chance.IntN(2) == 0
	for _, key := range byKind[kind] {
		if err := values.tear(key, gone); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d of kind %q, gone %v", len(byKind[kind]), kind, gone), nil
}

// valuesOf is how the names of all values of a scope begin, see
// input/internal/ledger/format.
func (d *scopesDrill) valuesOf(s scope) string {
	h := sha256.New()
	for _, part := range []string{strings.ReplaceAll(d.world.endpoint(), "{project_ref}", s.project), s.bucket, "drill"} {
		_, _ = h.Write([]byte(strconv.Itoa(len(part)) + ":" + part)) // never fails
	}
	return "supabase-storage-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// judgeLines judges what the log says of the damaged scope, and returns the remedy that it
// names: a subcommand and its flags.
func (d *scopesDrill) judgeLines(victim scope, what string, logged int64) (remedy []string) {
	var lines []string
	for line := range strings.Lines(d.pipeline.loggedSince(logged)) {
		line = strings.ReplaceAll(line, `\"`, `"`)
		if strings.Contains(line, strconv.Quote(victim.bucket)) && strings.Contains(line, victim.project) {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 {
		d.book.violated("%d lines tell of %v, whose state is damaged (%s), and one should:\n%s", len(lines), victim, what, strings.Join(lines, ""))
		if len(lines) == 0 {
			return nil
		}
	}
	m := regexp.MustCompile("`supabase-connect state CONFIG (.*?)` \\(with --project REF and --bucket NAME").FindStringSubmatch(lines[0])
	if m == nil {
		d.book.violated("no remedy is named: %s", lines[0])
		return nil
	}
	return append([]string{"state"}, append(strings.Fields(m[1]), "--project", victim.project, "--bucket", victim.bucket)...)
}

// judgeList judges the list of what is stored.
func (d *scopesDrill) judgeList(ctx context.Context, scopes []scope, victim scope, what string) {
	out, code := d.pipeline.command(ctx, "state")
	for _, s := range scopes {
		var row string
		for line := range strings.Lines(out) {
			if fields := strings.Fields(line); slices.Contains(fields, s.project+"/"+s.bucket) {
				row = line
				break
			}
		}
		switch {
		case row == "":
			d.book.violated("the list of the state does not have %v", s)
		case s != victim && strings.Contains(row, "can't be read"):
			d.book.violated("%v can't be listed, and %v is damaged (%s): %s", s, victim, what, row)
		}
	}
	noticed := !strings.Contains(what, `"m"`) // the list reads no manifests
	if noticed != (code != 0) || noticed != strings.Contains(out, "--forget-bucket") {
		d.book.violated("the list of the state ended with %d, where %s: %s", code, what, out)
	}
}

// exclude expects nothing of a scope until the world recovers.
func (w *scopeWorld) exclude(s scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.projects {
		if p.ref == s.project {
			p.trouble = &scopeTrouble{name: "damaged", bucket: s.bucket}
		}
	}
}

// arrivedIn counts the messages about a scope in a run.
func (b *scopeBook) arrivedIn(s scope, run int) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	count := func(all []*arrival) {
		for _, a := range all {
			if a.run == run {
				n++
			}
		}
	}
	for _, k := range b.keys {
		if k.scope == s {
			count(k.told)
			for _, v := range k.versions {
				count(v.came)
			}
		}
	}
	return n
}

// fileValues are those of a state file.
type fileValues struct{ db *bbolt.DB }

var stateBucket = []byte("supabase_storage_ledger")

func (f fileValues) keys() (keys []string, err error) {
	err = f.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(stateBucket).ForEach(func(key, _ []byte) error {
			keys = append(keys, string(key))
			return nil
		})
	})
	return keys, err
}

func (f fileValues) tear(key string, _ bool) error {
	return f.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(stateBucket)
		value := b.Get([]byte(key))
		return b.Put([]byte(key), slices.Clone(value[:len(value)/2]))
	})
}

// folderValues are those of a cache that holds a file for each.
type folderValues string

func (f folderValues) keys() (keys []string, err error) {
	files, err := os.ReadDir(string(f))
	for _, file := range files {
		keys = append(keys, file.Name())
	}
	return keys, err
}

func (f folderValues) tear(key string, gone bool) error {
	path := filepath.Join(string(f), key)
	if gone {
		return os.Remove(path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()/2)
}
