package kafka_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestWhatCannotBeReadBecomesADeadLetter(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	// With its blobs in S3 the server knows that one is missing.
	server := emulator.New(emulator.Options{S3Backend: true})
	server.Put(bucketName, "good.txt", []byte("good"))
	server.Put(bucketName, "lost.txt", []byte("lost"), emulator.WithMissingContent())
	listener, err := server.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	settings := server.Settings()

	objects, letters := newTopic(t, cluster.ListenAddrs(), "objects"), newTopic(t, cluster.ListenAddrs(), "letters")
	run(t, "../../config/dead_letters.yaml", map[string]string{
		"SUPABASE_S3_ENDPOINT":          listener.Endpoint(),
		"SUPABASE_REGION":               settings.Region,
		"SUPABASE_S3_ACCESS_KEY_ID":     settings.AccessKeyID,
		"SUPABASE_S3_SECRET_ACCESS_KEY": settings.SecretAccessKey,
		"SUPABASE_SOURCE_PATH":          bucketName,
		"KAFKA_BROKERS":                 cluster.ListenAddrs()[0],
		"KAFKA_TOPIC":                   "objects",
		"KAFKA_DEAD_LETTER_TOPIC":       "letters",
	})
	good := readTopic(t, objects, "objects")
	require.Len(t, good, 1)
	require.Equal(t, "good", string(good[0].Value))

	dead := readTopic(t, letters, "letters")
	require.Len(t, dead, 1)
	require.Equal(t, "lost.txt", string(dead[0].Key))
	var named struct {
		Bucket, Key string
		Size        int64
	}
	require.NoError(t, json.Unmarshal(dead[0].Value, &named))
	require.Equal(t, bucketName, named.Bucket)
	require.Equal(t, "lost.txt", named.Key)
	require.EqualValues(t, 4, named.Size)
	headers := map[string]string{}
	for _, h := range dead[0].Headers {
		headers[h.Key] = string(h.Value)
	}
	require.Equal(t, "missing_content", headers["supabase_storage_failure"])
	require.Contains(t, headers["error"], "its content is missing")
}
