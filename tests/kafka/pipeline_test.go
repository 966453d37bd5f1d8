// Package kafka_test carries a bucket into Kafka with config/to_kafka.yaml and
// compares what arrives with what was stored: into an in-process fake in every
// run, and into a real Apache Kafka where run.sh or the environment names one.
package kafka_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	_ "github.com/redpanda-data/connect/v4/public/components/kafka"

	_ "github.com/seed75cbcda6/supabase-storage/input"
	"github.com/seed75cbcda6/supabase-storage/tests/corpus"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	bucketName = "user-uploads"
	partitions = 3
	// largest is what config/to_kafka.yaml lets through, so that a record with
	// its headers stays below what a broker accepts when nothing was set.
	largest = 900_000
)

func TestEveryObjectArrivesInKafka(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	everyObjectArrives(t, cluster.ListenAddrs())
}

func TestRealKafkaTakesEveryObject(t *testing.T) {
	brokers := os.Getenv("KAFKA_BROKERS")
	if brokers == "" {
		t.Skip("KAFKA_BROKERS names no broker; tests/kafka/run.sh starts one and runs this test against it")
	}
	everyObjectArrives(t, strings.Split(brokers, ","))
}

// everyObjectArrives runs the pipeline into a topic of its own and compares
// keys, bytes and headers.
func everyObjectArrives(t *testing.T, brokers []string) {
	t.Helper()
	want := corpus.Objects(slices.Concat(corpus.Keys, corpus.KeysOfNoFile), largest)
	endpoint, settings := serve(t, want)

	topic := "uploads-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	client := newTopic(t, brokers, topic)
	run(t, "../../config/to_kafka.yaml", map[string]string{
		"SUPABASE_S3_ENDPOINT":          endpoint,
		"SUPABASE_REGION":               settings.Region,
		"SUPABASE_S3_ACCESS_KEY_ID":     settings.AccessKeyID,
		"SUPABASE_S3_SECRET_ACCESS_KEY": settings.SecretAccessKey,
		"SUPABASE_SOURCE_PATH":          bucketName,
		"KAFKA_BROKERS":                 strings.Join(brokers, ","),
		"KAFKA_TOPIC":                   topic,
	})

	records := readTopic(t, client, topic)
	require.Len(t, records, len(want), "records in the topic")
	for _, record := range records {
		key := string(record.Key)
		object, ok := want[key]
		require.Truef(t, ok, "key %q arrived twice or was never stored", key)
		delete(want, key)

		require.NotNilf(t, record.Value, "%q is a tombstone: an empty object must not delete its key", key)
		require.Truef(t, bytes.Equal(object.Content, record.Value), "%q: %d bytes arrived, other than the %d stored",
			key, len(record.Value), len(object.Content))
		requireHeaders(t, key, object, record)
	}
}

// serve puts the objects into a local Supabase Storage, and one that the
// configuration has to leave out.
func serve(t *testing.T, objects map[string]corpus.Object) (endpoint string, settings emulator.Settings) {
	t.Helper()
	server := emulator.New(emulator.Options{})
	for key, o := range objects {
		server.Put(bucketName, key, o.Content,
			emulator.WithContentType(o.ContentType), emulator.WithUserMetadata(o.Metadata))
	}
	server.Put(bucketName, "too-large.bin", make([]byte, largest+1))
	listener, err := server.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	return listener.Endpoint(), server.Settings()
}

// requireHeaders compares the headers that can be told beforehand and looks
// that the others are there.
func requireHeaders(t *testing.T, key string, o corpus.Object, record *kgo.Record) {
	t.Helper()
	headers := map[string]string{}
	for _, h := range record.Headers {
		headers[h.Key] = string(h.Value)
	}
	for _, name := range []string{"object_id", "last_modified", "last_modified_unix", "safe_path"} {
		require.NotEmptyf(t, headers["supabase_storage_"+name], "%q: header %s", key, name)
		delete(headers, "supabase_storage_"+name)
	}
	sum := md5.Sum(o.Content)
	want := map[string]string{
		"supabase_storage_bucket":        bucketName,
		"supabase_storage_key":           key,
		"supabase_storage_path":          key,
		"supabase_storage_filename":      key[strings.LastIndex(key, "/")+1:],
		"supabase_storage_etag":          hex.EncodeToString(sum[:]),
		"supabase_storage_size":          strconv.Itoa(len(o.Content)),
		"supabase_storage_content_type":  o.ContentType,
		"supabase_storage_cache_control": "no-cache", // what the server says where nothing was set
		"supabase_storage_event":         "created",
	}
	for name, value := range o.Metadata {
		want["supabase_storage_meta_"+name] = value
	}
	require.Equalf(t, want, headers, "headers of %q", key)
}

// run carries out a configuration until its input ends.
func run(t *testing.T, file string, env map[string]string) {
	t.Helper()
	stream := build(t, file, env)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	require.NoError(t, stream.Run(ctx))
}

// build makes a stream of a configuration and the variables that it reads.
func build(t *testing.T, file string, env map[string]string) *service.Stream {
	t.Helper()
	yaml, err := os.ReadFile(file)
	require.NoError(t, err)
	builder := service.NewStreamBuilder()
	builder.SetEnvVarLookupFunc(func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	require.NoError(t, builder.SetYAML(string(yaml)))
	stream, err := builder.Build()
	require.NoError(t, err)
	return stream
}

// newTopic makes the topic and returns a client that reads it from its start.
func newTopic(t *testing.T, brokers []string, topic string) *kgo.Client {
	t.Helper()
	admin, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	require.NoError(t, err)
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = kadm.NewClient(admin).CreateTopic(ctx, partitions, 1, nil, topic)
	require.NoError(t, err)
	// After it exists: the client remembers for a while that it did not.
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// readTopic returns all that the topic holds now.
func readTopic(t *testing.T, client *kgo.Client, topic string) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	require.NoError(t, err)
	require.NoError(t, ends.Error())
	var held int64
	ends.Each(func(end kadm.ListedOffset) { held += end.Offset })

	records := make([]*kgo.Record, 0, held)
	for int64(len(records)) < held {
		fetches := client.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		records = slices.AppendSeq(records, fetches.RecordsAll())
	}
	return records
}
