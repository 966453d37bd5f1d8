package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/bench/endpoint"
)

// demand is what must have happened to the bucket at the end.
type demand int

const (
	// served, the default: every object was sent whole.
	served demand = iota
	// listed: every key was on some page, and nothing was read.
	listed
	// received: every object reached the sink, once.
	received
)

// workload is a piece of work, and the contestants that do it.
type workload struct {
	name string
	// about is the work in a few words.
	about       string
	bucket      endpoint.Options
	contestants []contestant
	demand      demand
	// rounds is how often each contestant runs, unless a flag says otherwise.
	rounds int
	// against names the contestant whose times the others are divided by.
	against func(*result) string
	// watched says that the memory is measured every second.
	watched bool
	goals   []goal
}

// objects is the number of objects in the bucket.
func (w *workload) objects() int { return w.bucket.Objects }

// bytes is how many bytes must be moved; 0 for a listing.
func (w *workload) bytes() int64 {
	if w.demand == listed {
		return 0
	}
	return int64(w.bucket.Objects) * w.bucket.Size
}

// The units of the workloads.
const (
	kib = int64(1) << 10
	mib = int64(1) << 20
	gib = int64(1) << 30
	mb  = int64(1e6)
)

// variants are the choices that add to the workloads.
type variants struct {
	// files adds this input writing files, as the peers do.
	files bool
	// listPeers adds the listing commands of the peers.
	listPeers bool
	// shape is the shape of the keys to list.
	shape endpoint.Shape
}

const (
	defaultRounds = 3
	latency       = 20 * time.Millisecond
	stall         = time.Minute
	oneLister     = ours + ", 1 lister"
	adaptive      = "max_downloads: 0"
)

// workloads are all there are.
func workloads(v variants) []workload {
	return []workload{
		{
			name: "small-latency", about: "2,000 × 1 KiB, 20 ms before each answer",
			demand: served, bucket: endpoint.Options{Objects: 2000, Size: kib, Latency: latency},
			contestants: downloads(v), against: named(s5cmd),
			goals: []goal{timeOfS5cmd(1), fasterThan(awsS3, 50)},
		},
		{
			name: "small", about: "20,000 × 1 KiB, no latency",
			demand: served, bucket: endpoint.Options{Objects: 20_000, Size: kib},
			contestants: downloads(v), against: named(s5cmd),
			goals: []goal{timeOfS5cmd(0.4)},
		},
		{
			name: "medium", about: "200 × 4 MiB, 20 ms, 25 MB/s an answer",
			demand: served, bucket: endpoint.Options{Objects: 200, Size: 4 * mib, Latency: latency, BytesPerSecond: 25 * mb},
			contestants: downloads(v), against: named(s5cmd),
			goals: []goal{timeOfS5cmd(1), memoryAtMost(350 * mb)},
		},
		{
			name: "large", about: "1 × 2 GiB, 20 ms, 100 MB/s an answer; the inputs in pieces of 1 MiB (chunker)",
			demand: served, bucket: endpoint.Options{Objects: 1, Size: 2 * gib, Latency: latency, BytesPerSecond: 100 * mb},
			contestants: downloads(v, chunked), against: named(s5cmd),
			goals: []goal{timeOfS5cmd(0.7), memoryAtMost(200 * mb)},
		},
		listWorkload(v), throttleWorkload(), stalledWorkload(2000, 256*kib, stall),
	}
}

// downloads are the contestants that read the whole bucket. The inputs drop the
// data; the peers cannot, and write it into memory.
func downloads(v variants, fields ...string) []contestant {
	all := append([]contestant{pipeline(ours, toDrop, fields...), awsPipeline(fields...)}, copies()...)
	if v.files && len(fields) == 0 {
		all = append(all, pipeline(ours+" to files", toFiles))
	}
	return all
}

func listWorkload(v variants) workload {
	const nothing = "include_patterns: ['*.none']"
	w := workload{
		name: "list", about: fmt.Sprintf("1,000,000 keys (%s), 50 ms, none of them wanted", v.shape), demand: listed, rounds: 1,
		bucket: endpoint.Options{Objects: 1_000_000, Size: kib, Shape: v.shape, Latency: 50 * time.Millisecond},
		contestants: []contestant{
			pipeline(ours, toDrop, nothing),
			pipeline(oneLister, toDrop, nothing, "concurrency: {max_listers: 1}"),
			pipeline(ours+", 16 listers", toDrop, nothing, "concurrency: {max_listers: 16}"),
		},
		against: named(oneLister),
		goals:   []goal{fasterThan(oneLister, 8), requestsAtMost(oneLister, 1.3), memoryAtMost(100 * mb)},
	}
	if v.listPeers {
		w.contestants = append(w.contestants, lists()...)
	}
	return w
}

// throttleWorkload looks for the largest window that an endpoint does not throttle.
func throttleWorkload() workload {
	w := workload{
		name: "throttle", about: "4,000 × 1 KiB, 20 ms, 429 above 20 requests in flight",
		bucket:      endpoint.Options{Objects: 4000, Size: kib, Latency: latency, MaxInFlight: 20},
		contestants: []contestant{pipeline(adaptive, toDrop)},
		against:     quickestBut(adaptive),
		goals:       []goal{adaptiveAtMost(1.3), pushedBackAtMost(0.1)},
	}
	for _, window := range []int{4, 8, 16, 20, 24, 32} {
		field := fmt.Sprintf("max_downloads: %d", window)
		w.contestants = append(w.contestants, pipeline(field, toDrop, "concurrency: {"+field+"}"))
	}
	return w
}

// stalledWorkload has an output that receives messages and does not answer for the
// time of stall.
func stalledWorkload(objects int, size int64, stall time.Duration) workload {
	return workload{
		name: "stalled", about: fmt.Sprintf("%d × %d KiB to an HTTP output that answers nothing for %s", objects, size/kib, stall),
		demand: received, rounds: 1, watched: true, against: named(""),
		bucket:      endpoint.Options{Objects: objects, Size: size, Latency: 5 * time.Millisecond, Stall: stall},
		contestants: []contestant{pipeline(ours, toSink)},
		goals:       []goal{noRepeats(), steadyMemory(1.1), idleWhileStalled()},
	}
}

// chosen are the workloads with the given names; without names, all.
func chosen(all []workload, names string) ([]workload, error) {
	if names == "" {
		return all, nil
	}
	var some []workload
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(w workload) bool { return w.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no row %q; the rows are %s", name, rowNames(all))
		}
		some = append(some, all[i])
	}
	return some, nil
}

func rowNames(all []workload) string {
	var names []string
	for _, w := range all {
		names = append(names, w.name)
	}
	return strings.Join(names, ",")
}
