package ledger

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// What is pinned here lies on users' disks. A value under testdata/v1 must be
// readable for ever; a change of what is written needs a new format version
// and a folder of its own.
var update = flag.Bool("update", false, "write the golden values of the current format")

var contractNoon = time.UnixMilli(1_780_315_200_000)

func contractEntries() []entry {
	id := identity{fingerprint: 0x1122334455667788}
	touch := identity{fingerprint: 0x2122334455667788, modified: contractNoon.UnixMilli(), kind: byTouch}
	weak := identity{fingerprint: 0x3122334455667788, kind: byWeak}
	park := func(id identity) *parking {
		return &parking{id: id, attempts: 3, next: contractNoon.Add(time.Hour), first: contractNoon, reason: "access denied"}
	}
	return []entry{
		{key: "photos/2026/a.jpg", id: id, tracked: true},
		{key: "photos/2026/b.jpg", id: touch, tracked: true},
		{key: "photos/2026/b.jpg-1", id: weak, tracked: true, absent: true},
		{key: "photos/2026/c\n.jpg", id: id, tracked: true, alias: 0x4142434445464749},
		{key: "photos/2027/d.jpg", park: park(weak)},
		{key: "photos/2027/e.jpg", id: id, tracked: true, park: park(touch)},
		{key: "ü", id: id, tracked: true},
	}
}

func contractRecord() record {
	entries := contractEntries()
	rec := record{pass: contractNoon}
	for i, e := range entries {
		c := change{key: e.key, op: opDelivered, id: e.id, alias: e.alias}
		switch {
		case e.park != nil:
			c = change{key: e.key, op: opParked, park: e.park}
		case e.absent:
			c = change{key: e.key, op: opAbsent, before: mark{sum: 7, tracked: true}}
		case i == 0:
			c = change{key: e.key, op: opForgotten, before: mark{sum: 9, tracked: true, parked: true, irregular: true}, late: true}
		}
		rec.changes = append(rec.changes, c)
	}
	return rec
}

func contractIndex() index {
	return index{
		pass: contractNoon, nextManifest: 300, oldestRecord: 17, firstRecord: 20, garbage: []uint64{5, 250},
		segments: []bound{
			{lo: "", listed: 12, stored: stored{through: 19}},
			{lo: "photos/", listed: 4096, stored: stored{manifest: 299, through: 21, tally: tally{sum: 1 << 63, tracked: 4000, parked: 2, irregular: 3}}},
			{lo: "photos/2027/", listed: 1, stored: stored{manifest: 299, through: 21, tally: tally{sum: 5, tracked: 1}}},
		},
	}
}

var compareInternals = cmp.Options{cmp.AllowUnexported(entry{}, identity{}, parking{}, record{}, change{}, mark{}, index{}, bound{}, stored{}, tally{})}

func TestValuesOfFormat1AreReadForEver(t *testing.T) {
	c, err := newCodec()
	require.NoError(t, err)
	const key = "supabase-storage-0123456789abcdef-x"
	for _, v := range []struct {
		name string
		kind valueKind
		body []byte
		read func(body []byte) (any, error)
		want any
	}{
		{"manifest", kindManifest, encodeManifest(c, contractEntries()), func(b []byte) (any, error) { return decodeManifest(c, b) }, contractEntries()},
		{"journal", kindJournal, encodeRecord(c, contractRecord()), func(b []byte) (any, error) { return decodeRecord(c, b) }, contractRecord()},
		{"index", kindIndex, encodeIndex(c, contractIndex()), func(b []byte) (any, error) { return decodeIndex(c, b) }, contractIndex()},
		{"founded", kindFounded, []byte{foundedJournal}, func(b []byte) (any, error) { return b[0], nil }, foundedJournal},
		{"viewer", kindViewer, []byte("authenticated\n9f3a"), func(b []byte) (any, error) { return string(b), nil }, "authenticated\n9f3a"},
	} {
		t.Run(v.name, func(t *testing.T) {
			path := filepath.Join("testdata", "v1", v.name+".bin")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, seal(v.kind, key, v.body), 0o644))
			}
			golden, err := os.ReadFile(path)
			require.NoError(t, err)
			for name, value := range map[string][]byte{"golden": golden, "written now": seal(v.kind, key, v.body)} {
				body, err := unseal(v.kind, key, value)
				require.NoError(t, err, name)
				got, err := v.read(body)
				require.NoError(t, err, name)
				require.Empty(t, cmp.Diff(v.want, got, compareInternals), name)
			}
		})
	}
}

func TestKeysOfFormat1(t *testing.T) {
	k := Scope{Endpoint: "https://abcdefghijklmnopqrst.supabase.co/storage/v1/s3", Bucket: "user-uploads", Namespace: "uploads"}.keys()
	require.Equal(t, "supabase-storage-4033495ec5b09144-index", k.index())
	require.Equal(t, "supabase-storage-4033495ec5b09144-founded", k.founded())
	require.Equal(t, "supabase-storage-4033495ec5b09144-viewer", k.viewer())
	require.Equal(t, "supabase-storage-4033495ec5b09144-m12", k.manifest(12))
	require.Equal(t, "supabase-storage-4033495ec5b09144-j12", k.journal(12))
	require.Regexp(t, `^[a-z0-9-]{1,64}$`, k.manifest(1<<63))
}

func TestEnvelopeOfFormat1(t *testing.T) {
	require.Equal(t, "5342534c"+"01"+"69"+"03"+"6b6579"+"04"+"626f6479"+"5a7baedf0fc0970c",
		hex.EncodeToString(seal(kindIndex, "key", []byte("body"))))
}

// The hashes decide whether something is delivered again: they must never
// change.
func TestIdentitiesOfFormat1(t *testing.T) {
	o := object.Object{Key: "photos/a.jpg", ETag: "d41d8cd98f00b204e9800998ecf8427e", Size: 12345, LastModified: contractNoon}
	noTag := o
	noTag.ETag = ""
	for name, v := range map[string]struct{ got, want uint64 }{
		"content":           {ByETag.identify(&o).fingerprint, 0x60f6a2cee1dac505},
		"touch":             {ByModified.identify(&o).fingerprint, 0x60f6a2cee1dac505},
		"weak":              {ByETag.identify(&noTag).fingerprint, 0x824d045f9820a764},
		"alias":             {alias(&o), 0xdcdd88277f0305e7},
		"digest by content": {contribution(o.Key, ByETag.identify(&o)), 0x8d3aaa29493c096c},
		"digest by touch":   {contribution(o.Key, ByModified.identify(&o)), 0xd254b25ded5cc5a5},
		"digest by weak":    {contribution(o.Key, ByETag.identify(&noTag)), 0xe334770299837a55},
	} {
		require.Equal(t, v.want, v.got, "%s: %#x", name, v.got)
	}
	require.Equal(t, byContent, ByETag.identify(&o).kind)
	require.Equal(t, byTouch, ByModified.identify(&o).kind)
	require.Equal(t, contractNoon.UnixMilli(), ByModified.identify(&o).modified)
	require.Equal(t, ByETag.identify(&noTag), ByModified.identify(&noTag))
	require.Equal(t, byWeak, ByETag.identify(&noTag).kind)
}
