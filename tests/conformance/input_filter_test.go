package conformance

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestInputFiltersByPatternsAndSizes(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		var objects []object
		add := func(name string, size int) object {
			o := object{key: prefix + name, body: pattern(len(objects), size)}
			objects = append(objects, o)
			return o
		}
		top, deep, upper := add("a.mp4", 10), add("x/y/b.mp4", 20), add("x/C.MP4", 30)
		thumbnail, text := add("x/a_thumbnail.mp4", 40), add("x/notes.txt", 50)
		empty, large := add("x/empty.mp4", 0), add("x/large.mp4", 5000)
		tg.store(t, objects...)
		tg.store(t, object{key: prefix + "x/.emptyFolderPlaceholder"})

		for name, c := range map[string]struct {
			change fields
			want   []object
			// filtered is nil where the server need not list everything
			filtered map[string]int64
		}{
			"no filter": {
				fields{}, objects, map[string]int64{"placeholder": 1},
			},
			"a pattern without a slash matches the name at any depth": {
				fields{"include_patterns": []string{"*.mp4"}},
				[]object{top, deep, thumbnail, empty, large},
				map[string]int64{"include": 2, "placeholder": 1},
			},
			"exclude wins": {
				fields{"include_patterns": []string{"*.mp4", "*.txt"}, "exclude_patterns": []string{"*_thumbnail.*"}},
				[]object{top, deep, text, empty, large},
				map[string]int64{"include": 1, "exclude": 1, "placeholder": 1},
			},
			"a pattern with a slash matches the path": {
				fields{"include_patterns": []string{"x/*.{txt,MP4}"}},
				[]object{upper, text},
				nil,
			},
			"empty objects": {
				fields{"include_patterns": []string{"**/*.mp4"}, "skip_empty": true},
				[]object{top, deep, thumbnail, large},
				map[string]int64{"include": 2, "empty": 1, "placeholder": 1},
			},
			"large objects": {
				fields{"max_object_size": "4kB"},
				[]object{top, deep, upper, thumbnail, text, empty},
				map[string]int64{"size": 1, "placeholder": 1},
			},
			"young objects": {
				fields{"min_age": "1h"}, nil, map[string]int64{"min_age": 7, "placeholder": 1},
			},
			"old objects": {
				fields{"modified_since": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)},
				nil,
				map[string]int64{"modified_since": 7, "placeholder": 1},
			},
			"objects of today": {
				fields{"modified_since": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)},
				objects,
				map[string]int64{"placeholder": 1},
			},
		} {
			t.Run(name, func(t *testing.T) {
				f := tg.withKey(prefix)
				maps.Copy(f, c.change)
				out := runInput(t, tg, f)
				requireDelivered(t, out, c.want...)
				if c.filtered != nil {
					require.Equal(t, c.filtered, out.report.Filtered)
				}
			})
		}
	})
}

func TestInputModifiedSinceIsTheTimeOfTheListingAndInclusive(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		key := hello(t, tg)
		listed := tg.page(t, nil, "prefix", key).Contents[0]
		modified, err := time.Parse(time.RFC3339, listed.LastModified)
		require.NoError(t, err)
		f := tg.withKey(key)
		f["modified_since"] = listed.LastModified
		requireDelivered(t, runInput(t, tg, f), object{key: key, body: []byte("hello world")})
		f["modified_since"] = modified.Add(time.Millisecond).Format(time.RFC3339Nano)
		out := runInput(t, tg, f)
		requireDelivered(t, out)
		require.EqualValues(t, 1, out.report.Filtered["modified_since"])
	})
}

func TestInputModifiedBeforeIsTheTimeOfTheListingAndExclusive(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		key := hello(t, tg)
		listed := tg.page(t, nil, "prefix", key).Contents[0]
		modified, err := time.Parse(time.RFC3339, listed.LastModified)
		require.NoError(t, err)
		f := tg.withKey(key)
		f["modified_before"] = modified.Add(time.Millisecond).Format(time.RFC3339Nano)
		requireDelivered(t, runInput(t, tg, f), object{key: key, body: []byte("hello world")})
		f["modified_before"] = listed.LastModified
		out := runInput(t, tg, f)
		requireDelivered(t, out)
		require.EqualValues(t, 1, out.report.Filtered["modified_before"])
	})
}

func TestInputReadsOnlyTheTypesThatAreAskedForAndAsksForEachOnce(t *testing.T) {
	eachInput(t, func(t *testing.T, tg *target) {
		prefix := tg.prefix()
		image := object{key: prefix + "a", body: pattern(1, 10), contentType: "image/png"}
		vector := object{key: prefix + "b", body: pattern(2, 20), contentType: "image/svg+xml; charset=utf-8"}
		text := object{key: prefix + "c.png", body: pattern(3, 30), contentType: "text/plain"}
		large := object{key: prefix + "d", body: pattern(4, 3<<20), contentType: "video/mp4"}
		tg.store(t, image, vector, text, large)
		f := tg.withKey(prefix)
		f["content_types"] = []string{"Image/*"}
		f["state"] = fields{"path": t.TempDir() + "/state.db", "namespace": "types"}
		out := runInput(t, tg, f)
		requireDelivered(t, out, image, vector)
		require.Equal(t, map[string]int64{"content_types": 2}, out.report.Filtered)
		out = runInput(t, tg, f)
		requireDelivered(t, out)
		require.EqualValues(t, 2, out.report.Unchanged)
		require.Equal(t, map[string]int64{"content_types": 2}, out.report.Filtered)
		f["content_types"] = []string{"image/*", "video/*"}
		requireDelivered(t, runInput(t, tg, f), large)
	})
}
