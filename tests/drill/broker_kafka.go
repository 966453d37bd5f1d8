package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	kafkaTopic, kafkaDead, kafkaGroup = "storage-objects", "storage-objects-failed", "storage-workers"
	kafkaPartitions                   = 6
)

type kafka struct {
	proc  *brokerProcess
	admin *kadm.Client
}

func newKafka(start, address string) (*kafka, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		return nil, err
	}
	return &kafka{&brokerProcess{command: []string{start}, address: address}, kadm.NewClient(client)}, nil
}

func (k *kafka) process() *brokerProcess { return k.proc }

func (k *kafka) close() {
	k.admin.Close()
	k.proc.stop()
}

func (k *kafka) open(ctx context.Context) error {
	for topic, partitions := range map[string]int32{kafkaTopic: kafkaPartitions, kafkaDead: 1} {
		if _, err := k.admin.CreateTopic(ctx, partitions, 1, nil, topic); err != nil {
			return err
		}
	}
	return nil
}

func (*kafka) configs() (lister, worker string) { return "lister.yaml", "worker.yaml" }

func (k *kafka) environment(w *worker) []string {
	env := []string{
		"KAFKA_BROKERS=" + k.proc.address, "KAFKA_TOPIC=" + kafkaTopic,
		"KAFKA_DEAD_LETTER_TOPIC=" + kafkaDead, "KAFKA_GROUP=" + kafkaGroup,
	}
	if w != nil {
		env = append(env, "WORKER_NAME="+w.name)
	}
	return env
}

// spans are the offsets of each partition that are not committed.
func (k *kafka) spans(ctx context.Context) (map[int32][2]int64, error) {
	ends, err := k.admin.ListEndOffsets(ctx, kafkaTopic)
	if err != nil {
		return nil, err
	}
	committed, err := k.admin.FetchOffsets(ctx, kafkaGroup)
	if err != nil {
		return nil, err
	}
	spans := map[int32][2]int64{}
	for p, end := range ends[kafkaTopic] {
		if end.Err != nil {
			return nil, end.Err
		}
		at := int64(0)
		if c, ok := committed.Lookup(kafkaTopic, p); ok && c.At > 0 {
			at = c.At
		}
		spans[p] = [2]int64{at, end.Offset}
	}
	return spans, nil
}

func (k *kafka) waiting(ctx context.Context) (n int64, err error) {
	spans, err := k.spans(ctx)
	for _, s := range spans {
		n += s[1] - s[0]
	}
	return n, err
}

// handed asks the broker which partitions are the worker's. Killed, it has them until
// its session ends.
func (k *kafka) handed(ctx context.Context, w *worker) ([]place, error) {
	groups, err := k.admin.DescribeGroups(ctx, kafkaGroup)
	if err != nil {
		return nil, err
	}
	spans, err := k.spans(ctx)
	if err != nil {
		return nil, err
	}
	var places []place
	for _, member := range groups[kafkaGroup].Members {
		if member.InstanceID == nil || *member.InstanceID != w.name {
			continue
		}
		assigned, ok := member.Assigned.AsConsumer()
		if !ok {
			continue
		}
		for _, topic := range assigned.Topics {
			for _, p := range topic.Partitions {
				places = append(places, kafkaPlaces(p, spans[p])...)
			}
		}
	}
	return places, nil
}

func kafkaPlaces(partition int32, span [2]int64) (places []place) {
	for at := span[0]; at < span[1]; at++ {
		places = append(places, place{strconv.Itoa(int(partition)), strconv.FormatInt(at, 10)})
	}
	return places
}

// join lets Kafka move partitions from workers that run to the new one. What they had
// in hand is delivered by both.
func (k *kafka) join(ctx context.Context, f *fleet, w *worker) error {
	before, err := k.spans(ctx)
	if err != nil {
		return err
	}
	f.book.order.partitionsMove()
	if err := f.start(w); err != nil {
		return err
	}
	if err := f.until(ctx, func() bool {
		groups, err := k.admin.DescribeGroups(ctx, kafkaGroup)
		if err != nil || groups[kafkaGroup].State != "Stable" {
			return false
		}
		return owns(groups[kafkaGroup], w)
	}); err != nil {
		return err
	}
	after, err := k.spans(ctx)
	if err != nil {
		return err
	}
	log, err := k.log(ctx)
	if err != nil {
		return err
	}
	var places []place
	for p, span := range before {
		all := kafkaPlaces(p, [2]int64{span[0], after[p][1]})
		places = append(places, all[:min(len(all), f.book.order.reached(log, all)+kafkaInHand)]...)
	}
	f.book.order.hazard(aMove, anyRun, places)
	return nil
}

// kafkaInHand is how many positions of a partition past the first that is not done with
// a worker may have in hand: checkpoint_limit in worker.yaml.
const kafkaInHand = 256

// owns reports whether the worker is a member with at least one partition.
func owns(group kadm.DescribedGroup, w *worker) bool {
	for _, member := range group.Members {
		if member.InstanceID == nil || *member.InstanceID != w.name {
			continue
		}
		if assigned, ok := member.Assigned.AsConsumer(); ok {
			for _, topic := range assigned.Topics {
				return len(topic.Partitions) > 0
			}
		}
	}
	return false
}

// leave stops the worker and tells the broker that it will not come back, as the end of
// its session would.
func (k *kafka) leave(ctx context.Context, f *fleet, w *worker) error {
	if err := f.stop(ctx, w); err != nil {
		return err
	}
	_, err := k.admin.LeaveGroup(ctx, kadm.LeaveGroup(kafkaGroup).InstanceIDs(w.name))
	return err
}

// read returns all records that a topic holds now.
func (k *kafka) read(ctx context.Context, topic string) (records []*kgo.Record, err error) {
	ends, err := k.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	want := 0
	ends.Each(func(end kadm.ListedOffset) { want += int(end.Offset) })
	client, err := kgo.NewClient(kgo.SeedBrokers(k.proc.address), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for len(records) < want {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("reading the topic %s: %w", topic, err)
		}
		for r := range fetches.RecordsAll() {
			records = append(records, r)
		}
	}
	return records, nil
}

func (k *kafka) log(ctx context.Context) (map[place]string, error) {
	records, err := k.read(ctx, kafkaTopic)
	log := make(map[place]string, len(records))
	for _, r := range records {
		log[place{strconv.Itoa(int(r.Partition)), strconv.FormatInt(r.Offset, 10)}] = string(r.Key)
	}
	return log, err
}

func (k *kafka) dead(ctx context.Context) (bodies []string, err error) {
	records, err := k.read(ctx, kafkaDead)
	for _, r := range records {
		bodies = append(bodies, string(r.Value))
	}
	return bodies, err
}
