package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
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
	// real is the Supabase Storage that the work is on, nil for the synthetic endpoint.
	real  *real
	goals []goal
}

// objects is the number of objects in the bucket.
func (w *workload) objects() int { return w.bucket.Objects }

// bytes is how many bytes must be moved; 0 for a listing.
func (w *workload) bytes() int64 {
	if w.demand == listed {
		return 0
	}
	return w.bucket.Total()
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
	onREST        = ours + ", REST"
	outage        = 30 * time.Second
	// fixed begins the name of a contestant with so many downloads.
	fixed    = "max_downloads: "
	adaptive = fixed + "0"
)

// workloads are all there are.
func workloads(v variants) []workload {
	all := []workload{
		{
			name: "small-latency", about: "2,000 × 1 KiB, 20 ms before each answer",
			demand: served, bucket: endpoint.Options{Objects: 2000, Size: kib, Latency: latency},
			contestants: downloads(v), against: named(s5cmd),
			goals: []goal{timeOfS5cmd(0.75), fasterThan(awsS3, 100)},
		},
		{
			name: "small", about: "20,000 × 1 KiB, no latency",
			demand: served, bucket: endpoint.Options{Objects: 20_000, Size: kib},
			contestants: downloads(v), against: named(s5cmd),
			goals: []goal{timeOfS5cmd(0.3)},
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
			goals: []goal{timeOfS5cmd(0.65), memoryAtMost(200 * mb)},
		},
		mixedWorkload(), manyWorkload(), listWorkload(v), throttleWorkload(),
		restWorkload(endpoint.Options{Objects: 5000, Size: kib, Latency: latency}), restListWorkload(v),
		downWorkload("down", "ends all connections", 0), downWorkload("down-503", "answers 503", http.StatusServiceUnavailable),
		workersWorkload(), stalledWorkload(2000, 256*kib, stall),
	}
	return append(all, realWorkloads()...)
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

// nothing is a filter that no key passes.
const nothing = "include_patterns: ['*.none']"

func listWorkload(v variants) workload {
	w := workload{
		name: "list", about: fmt.Sprintf("1,000,000 keys (%s), 50 ms, none of them wanted", v.shape), demand: listed, rounds: 1,
		bucket: endpoint.Options{Objects: 1_000_000, Size: kib, Shape: v.shape, Latency: 50 * time.Millisecond},
		contestants: []contestant{
			pipeline(ours, toDrop, nothing),
			pipeline(oneLister, toDrop, nothing, "concurrency: {max_listers: 1}"),
			pipeline(ours+", 16 listers", toDrop, nothing, "concurrency: {max_listers: 16}"),
		},
		against: named(oneLister),
		goals:   []goal{fasterThan(oneLister, 10), requestsAtMost(oneLister, 1.15), memoryAtMost(90 * mb)},
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
		against:     bestFixed,
		goals:       []goal{ofBestFixed(adaptive, 1.1), pushedBackAtMost(0.1)},
	}
	w.contestants = append(w.contestants, windows(4, 8, 16, 20, 24, 32)...)
	return w
}

// windows are this input with a fixed number of downloads.
func windows(sizes ...int) (all []contestant) {
	for _, size := range sizes {
		field := fixed + strconv.Itoa(size)
		all = append(all, pipeline(field, toDrop, "concurrency: {"+field+"}"))
	}
	return all
}

// workersWorkload divides the objects among processes, as the partitions of a topic do:
// each reads its share of the references, with the same number of downloads.
func workersWorkload() workload {
	w := workload{
		name: "workers", about: "4,000 × 1 KiB named by references, 50 ms; 1, 2 and 4 processes with 8 downloads each",
		demand: served, rounds: 1, against: named(workersName(1)),
		bucket: endpoint.Options{Objects: 4000, Size: kib, Shape: endpoint.Flat, Latency: 50 * time.Millisecond},
		goals:  []goal{linear(2, 0.9), linear(4, 0.9)},
	}
	for _, n := range []int{1, 2, 4} {
		w.contestants = append(w.contestants, workers(n, 8))
	}
	return w
}

// mixedWorkload has objects of all sizes.
func mixedWorkload() workload {
	w := workload{
		name: "mixed", demand: served, against: named(s5cmd), contestants: downloads(variants{}),
		bucket: endpoint.Options{Objects: 331, Size: kib, MaxSize: 64 * mib, Latency: latency, BytesPerSecond: 100 * mb},
		goals:  []goal{timeOfBetter(0.8)},
	}
	w.about = fmt.Sprintf("%d objects of 1 KiB to 64 MiB, log-uniform, %.1f GB in all, 20 ms, 100 MB/s an answer", w.objects(), float64(w.bytes())/1e9)
	return w
}

// manyWorkload has many small buckets, read in one process.
func manyWorkload() workload {
	return workload{
		name: "many", about: "50 buckets of 100 × 1 KiB, 20 ms; the inputs with one input a bucket in a broker",
		demand: served, against: named(s5cmd),
		bucket:      endpoint.Options{Objects: 5000, Size: kib, Buckets: 50, Latency: latency},
		contestants: append([]contestant{manyInputs(ours, ourFields), manyInputs(awsS3, awsFields)}, copiesOfMany()...),
		goals:       []goal{timeOfBetter(1)},
	}
}

// restWorkload is the same work over both protocols of the Storage API.
func restWorkload(o endpoint.Options) workload {
	return workload{
		name: "rest", about: "5,000 × 1 KiB, 20 ms, over the S3 protocol and over the REST API",
		demand: served, bucket: o, against: named(ours),
		contestants: []contestant{pipeline(ours, toDrop), overREST()},
		goals:       []goal{restAtMost(1.1)},
	}
}

// restListWorkload lists over both protocols.
func restListWorkload(v variants) workload {
	w := listWorkload(variants{shape: v.shape})
	w.name, w.about = "rest-list", fmt.Sprintf("200,000 keys (%s), 50 ms, none of them wanted, over the S3 protocol and over the REST API", v.shape)
	w.bucket.Objects, w.against, w.goals = 200_000, named(ours), []goal{restAtMost(1.1)}
	w.contestants = []contestant{w.contestants[0], overREST(nothing)}
	return w
}

// downWorkload has an endpoint that is down for a while, in the middle of the work.
func downWorkload(name, does string, status int) workload {
	return workload{
		name: name, about: fmt.Sprintf("20,000 × 1 KiB, 20 ms; after 2,000 of them the endpoint %s for %s", does, outage),
		demand: served, rounds: 1, against: named(""),
		bucket:      endpoint.Options{Objects: 20_000, Size: kib, Latency: latency, DownAfter: 2000, Down: outage, DownStatus: status},
		contestants: []contestant{pipeline(ours, toDrop)},
		goals:       []goal{knocksAtMost(5), backWithin(5 * time.Second)},
	}
}

// realWorkloads are on the Supabase Storage that the environment names.
func realWorkloads() []workload {
	row := func(name, about string, o endpoint.Options, goals ...goal) workload {
		some := []contestant{pipeline(ours, toDrop)}
		if o.Objects > 1 {
			some = append(some, windows(8, 16, 32, 64, 128)...)
		}
		if setting("SECRET_KEY") != "" {
			some = append(some, overREST())
		}
		return workload{
			name: name, about: about + ", on a Supabase Storage", bucket: o, real: &real{bucket: "bench-" + name}, against: named(s5cmd),
			contestants: append(some, copies()...), goals: goals,
		}
	}
	small, medium := endpoint.Options{Objects: 5000, Size: kib}, endpoint.Options{Objects: 60, Size: 4 * mib}
	goals := []goal{ofBestFixed(ours, 1.05), timeOfS5cmd(0.95)}
	busy := row("real-busy", fmt.Sprintf("5,000 × 1 KiB while %d others read there", readers), small, goals...)
	busy.real.busy = true
	return []workload{
		row("real-small", "5,000 × 1 KiB", small, goals...), busy,
		row("real-medium", "60 × 4 MiB", medium, timeOfS5cmd(1), ofBestFixed(ours, 1.05)),
		row("real-large", "1 × 400 MiB", endpoint.Options{Objects: 1, Size: 400 * mib}, timeOfS5cmd(0.5)),
	}
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
