package format

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
// readable forever; a change of what is written needs a new format version
// and a folder of its own.
var update = flag.Bool("update", false, "write the golden values of the current format")

var contractNoon = time.UnixMilli(1_780_315_200_000)

func contractEntries() []Entry {
	id := Version{Fingerprint: 0x1122334455667788}
	touch := Version{Fingerprint: 0x2122334455667788, Modified: contractNoon.UnixMilli(), Kind: ContentAndTime}
	weak := Version{Fingerprint: 0x3122334455667788, Kind: SizeAndTime}
	park := func(v Version) *Parked {
		return &Parked{Version: v, Attempts: 3, Next: contractNoon.Add(time.Hour), First: contractNoon, Reason: "access denied"}
	}
	return []Entry{
		{Key: "photos/2026/a.jpg", Version: id, Tracked: true},
		{Key: "photos/2026/b.jpg", Version: touch, Tracked: true},
		{Key: "photos/2026/b.jpg-1", Version: weak, Tracked: true, Absent: true},
		{Key: "photos/2026/c\n.jpg", Version: id, Tracked: true, Alias: 0x4142434445464749},
		{Key: "photos/2027/d.jpg", Parked: park(weak)},
		{Key: "photos/2027/e.jpg", Version: id, Tracked: true, Parked: park(touch)},
		{Key: "ü", Version: id, Tracked: true},
	}
}

func contractRecord() Record {
	entries := contractEntries()
	rec := Record{Pass: contractNoon}
	for i, e := range entries {
		c := Change{Key: e.Key, Op: OpDelivered, Version: e.Version, Alias: e.Alias}
		switch {
		case e.Parked != nil:
			c = Change{Key: e.Key, Op: OpParked, Parked: e.Parked}
		case e.Absent:
			c = Change{Key: e.Key, Op: OpAbsent, Before: Tally{Sum: 7, Tracked: 1}}
		case i == 0:
			c = Change{Key: e.Key, Op: OpForgotten, Before: Tally{Sum: 9, Tracked: 1, Parked: 1, Irregular: 1}, Late: true}
		}
		rec.Changes = append(rec.Changes, c)
	}
	return rec
}

func contractIndex() Index {
	return Index{
		Pass: contractNoon, NextManifest: 300, OldestRecord: 17, FirstRecord: 20, Garbage: []uint64{5, 250},
		Segments: []Segment{
			{Lo: "", Listed: 12, Through: 19},
			{Lo: "photos/", Listed: 4096, Manifest: 299, Through: 21, Tally: Tally{Sum: 1 << 63, Tracked: 4000, Parked: 2, Irregular: 3}},
			{Lo: "photos/2027/", Listed: 1, Manifest: 299, Through: 21, Tally: Tally{Sum: 5, Tracked: 1}},
		},
	}
}

func contractBook() []BookEntry {
	const first, second = "https://abcdefghijklmnopqrst.supabase.co/storage/v1/s3", "https://bbcdefghijklmnopqrst.supabase.co/storage/v1/s3"
	return []BookEntry{
		{ProjectRef: "abcdefghijklmnopqrst", ProjectName: "Shop (Zürich)", Endpoint: first, Bucket: "avatars"},
		{ProjectRef: "abcdefghijklmnopqrst", ProjectName: "Shop (Zürich)", Endpoint: first, Bucket: "user uploads", Gone: contractNoon},
		{Endpoint: second, Bucket: "avatars"},
	}
}

// reading hides the type of what f reads.
func reading[T any](f func(string, []byte) (T, error)) func(string, []byte) (any, error) {
	return func(key string, value []byte) (any, error) { return f(key, value) }
}

func TestValuesOfFormat1AreReadForeverAndWrittenTheSame(t *testing.T) {
	const key = "supabase-storage-0123456789abcdef-x"
	for _, v := range []struct {
		name    string
		written []byte
		read    func(key string, value []byte) (any, error)
		want    any
	}{
		{"manifest", EncodeManifest(key, contractEntries()), reading(DecodeManifest), contractEntries()},
		{"journal", EncodeRecord(key, contractRecord()), reading(DecodeRecord), contractRecord()},
		{"index", EncodeIndex(key, contractIndex()), reading(DecodeIndex), contractIndex()},
		{"founded", EncodeFounded(key, FoundedJournal), reading(DecodeFounded), FoundedJournal},
		{"book", EncodeBook(key, contractBook()), reading(DecodeBook), contractBook()},
		{"viewer", EncodeIdentity(key, "authenticated\n9f3a"), reading(DecodeIdentity), "authenticated\n9f3a"},
	} {
		t.Run(v.name, func(t *testing.T) {
			path := filepath.Join("testdata", "v1", v.name+".bin")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, v.written, 0o644))
			}
			golden, err := os.ReadFile(path)
			require.NoError(t, err)
			got, err := v.read(key, golden)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(v.want, got))
			// Another version of zstd may pack other bytes. Then add the new value
			// next to the golden one: both must be readable.
			require.Equal(t, hex.EncodeToString(golden), hex.EncodeToString(v.written))
		})
	}
}

func TestFoundedByTheJournalOrElseByTheIndex(t *testing.T) {
	const key = "supabase-storage-0123456789abcdef-founded"
	for want, value := range map[Founded][][]byte{
		FoundedJournal: {EncodeFounded(key, FoundedJournal)},
		FoundedIndex:   {EncodeFounded(key, FoundedIndex), seal(kindFounded, key, nil), seal(kindFounded, key, []byte{9})},
	} {
		for _, v := range value {
			got, err := DecodeFounded(key, v)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
	_, err := DecodeFounded(key, EncodeIdentity(key, "\x01"))
	require.ErrorIs(t, err, ErrDamaged)
}

func TestKeysOfFormat1(t *testing.T) {
	k := Scope{Endpoint: "https://abcdefghijklmnopqrst.supabase.co/storage/v1/s3", Bucket: "user-uploads", Namespace: "uploads"}.Keys()
	require.Equal(t, "supabase-storage-4033495ec5b09144-index", k.Index())
	require.Equal(t, "supabase-storage-4033495ec5b09144-founded", k.Founded())
	require.Equal(t, "supabase-storage-4033495ec5b09144-viewer", k.Identity())
	require.Equal(t, "supabase-storage-4033495ec5b09144-m12", k.Manifest(12))
	require.Equal(t, "supabase-storage-4033495ec5b09144-j12", k.Record(12))
	require.Regexp(t, `^[a-z0-9-]{1,64}$`, k.Manifest(1<<63))
	require.Equal(t, "supabase-storage-ebc84fb2abbf79b3-book", BookKey("uploads"))
}

func TestEnvelopeOfFormat1(t *testing.T) {
	require.Equal(t, "5342534c"+"01"+"69"+"03"+"6b6579"+"04"+"626f6479"+"5a7baedf0fc0970c",
		hex.EncodeToString(seal(kindIndex, "key", []byte("body"))))
}

// The hashes decide whether something is delivered again: they must never
// change.
func TestVersionsOfFormat1(t *testing.T) {
	o := &object.Object{Key: "photos/a.jpg", ETag: "d41d8cd98f00b204e9800998ecf8427e", Size: 12345, LastModified: contractNoon}
	content, timed, weak := VersionOf(o, Content), VersionOf(o, ContentAndTime), VersionOf(o, SizeAndTime)
	require.Equal(t, Version{Fingerprint: 0x60f6a2cee1dac505}, content)
	require.Equal(t, Version{Fingerprint: 0x60f6a2cee1dac505, Modified: contractNoon.UnixMilli(), Kind: ContentAndTime}, timed)
	require.Equal(t, Version{Fingerprint: 0x824d045f9820a764, Kind: SizeAndTime}, weak)
	for name, v := range map[string]struct{ got, want uint64 }{
		"alias":                      {AliasOf(o), 0xdcdd88277f0305e7},
		"digest by content":          {content.Digest(o.Key), 0x8d3aaa29493c096c},
		"digest by content and time": {timed.Digest(o.Key), 0xd254b25ded5cc5a5},
		"digest by size and time":    {weak.Digest(o.Key), 0xe334770299837a55},
	} {
		require.Equal(t, v.want, v.got, "%s: %#x", name, v.got)
	}
}
