package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9"
)

const (
	redisStream, redisDead, redisGroup = "storage-objects", "storage-objects-failed", "storage-workers"
	// redisStreams is the number that redis_lister.yaml has in its output.
	redisStreams = 6
)

type redisBroker struct {
	proc   *brokerProcess
	client *redis.Client
}

// newRedis is a Redis that has everything on disk before it answers, as a broker must.
func newRedis(ctx context.Context, dir string) (*redisBroker, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err := l.Close(); err != nil {
		return nil, err
	}
	return &redisBroker{&brokerProcess{address: address, command: []string{
		"redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--logfile", filepath.Join(dir, "redis.log"),
		"--save", "", "--appendonly", "yes", "--appendfsync", "always",
	}}, redis.NewClient(&redis.Options{Addr: address})}, err
}

func (r *redisBroker) process() *brokerProcess { return r.proc }

func (r *redisBroker) close() {
	_ = r.client.Close()
	r.proc.stop()
}

func (r *redisBroker) open(ctx context.Context) error {
	for _, stream := range allStreams() {
		if err := r.client.XGroupCreateMkStream(ctx, stream, redisGroup, "0").Err(); err != nil {
			return err
		}
	}
	return nil
}

func allStreams() (names []string) {
	for i := range redisStreams {
		names = append(names, fmt.Sprintf("%s-%d", redisStream, i))
	}
	return names
}

func (*redisBroker) configs() (lister, worker string) {
	return "redis_lister.yaml", "redis_worker.yaml"
}

func (r *redisBroker) environment(w *worker) []string {
	env := []string{
		"REDIS_URL=redis://" + r.proc.address, "REDIS_STREAM=" + redisStream,
		"REDIS_DEAD_STREAM=" + redisDead, "REDIS_GROUP=" + redisGroup,
	}
	if w != nil {
		env = append(env, "REDIS_STREAMS="+strings.Join(w.streams, ", "))
	}
	return env
}

func (r *redisBroker) waiting(ctx context.Context) (n int64, err error) {
	for _, stream := range allStreams() {
		groups, err := r.client.XInfoGroups(ctx, stream).Result()
		if err != nil {
			return 0, err
		}
		for _, g := range groups {
			n += g.Pending + max(0, g.Lag)
		}
	}
	return n, nil
}

func (r *redisBroker) handed(ctx context.Context, w *worker) (places []place, err error) {
	for _, stream := range w.streams {
		pending, err := r.client.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: stream, Group: redisGroup, Start: "-", End: "+", Count: 1 << 30,
		}).Result()
		if err != nil {
			return nil, err
		}
		for _, p := range pending {
			places = append(places, place{stream, p.ID})
		}
	}
	return places, nil
}

// join moves half of a worker's streams to a new worker: the first is stopped before
// either is started.
func (r *redisBroker) join(ctx context.Context, f *fleet, w *worker) error {
	giver := f.workers[0]
	if err := f.stop(ctx, giver); err != nil {
		return err
	}
	half := len(giver.streams) / 2
	w.streams, giver.streams = giver.streams[half:], giver.streams[:half]
	return f.start(giver, w)
}

// leave stops the worker and its neighbour, which gets its streams.
func (r *redisBroker) leave(ctx context.Context, f *fleet, w *worker) error {
	taker := f.workers[0]
	for _, w := range []*worker{w, taker} {
		if err := f.stop(ctx, w); err != nil {
			return err
		}
	}
	taker.streams, w.streams = append(taker.streams, w.streams...), nil
	return f.start(taker)
}

func (r *redisBroker) log(ctx context.Context) (map[place]string, error) {
	log := map[place]string{}
	for _, stream := range allStreams() {
		entries, err := r.client.XRange(ctx, stream, "-", "+").Result()
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			var ref struct{ Key string }
			body, _ := e.Values["body"].(string)
			if err := json.Unmarshal([]byte(body), &ref); err != nil {
				return nil, fmt.Errorf("the stream %s holds %q: %w", stream, body, err)
			}
			log[place{stream, e.ID}] = ref.Key
		}
	}
	return log, nil
}

func (r *redisBroker) dead(ctx context.Context) (bodies []string, err error) {
	entries, err := r.client.XRange(ctx, redisDead, "-", "+").Result()
	for _, e := range entries {
		body, _ := e.Values["body"].(string)
		bodies = append(bodies, body)
	}
	return bodies, err
}
