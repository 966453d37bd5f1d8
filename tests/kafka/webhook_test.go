package kafka_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestWebhooksGoIntoTheTopicUnderTheKeyOfTheirObject(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	client := newTopic(t, cluster.ListenAddrs(), "objects")
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	start(t, "../../config/scale_out/webhook.yaml", map[string]string{
		"KAFKA_BROKERS": cluster.ListenAddrs()[0], "KAFKA_TOPIC": "objects", "WEBHOOK_ADDRESS": address, "WEBHOOK_SECRET": "s3cret",
		"HTTP_ADDRESS": "127.0.0.1:0",
	})

	bodies := map[string]string{
		"a/upload.jpg":   `{"type":"INSERT","table":"objects","schema":"storage","record":{"bucket_id":"b","name":"a/upload.jpg"},"old_record":null}`,
		"a/gone.jpg":     `{"type":"DELETE","table":"objects","schema":"storage","record":null,"old_record":{"bucket_id":"b","name":"a/gone.jpg"}}`,
		"a/server.jpg":   `{"type":"Webhook","event":{"type":"ObjectCreated:Put","payload":{"bucketId":"b","name":"a/server.jpg"}}}`,
		"a/document.jpg": `{"bucket":"b","key":"a/document.jpg","event":"created"}`,
		"a/name.jpg":     `{"name":"a/name.jpg"}`,
	}
	for _, body := range bodies {
		require.Equal(t, http.StatusOK, post(t, address, "Bearer s3cret", body))
	}
	for _, other := range []string{"", "Bearer s3cre", "s3cret"} {
		post(t, address, other, `{"name":"forged.jpg"}`)
	}
	records := readTopic(t, client, "objects")
	require.Len(t, records, len(bodies))
	for _, r := range records {
		require.JSONEq(t, bodies[string(r.Key)], string(r.Value))
		require.Empty(t, r.Headers, "the secret is in the headers of the request")
	}
}

// start runs a configuration until the test ends.
func start(t *testing.T, file string, env map[string]string) {
	t.Helper()
	stream := build(t, file, env)
	ended := make(chan error, 1)
	go func() { ended <- stream.Run(context.WithoutCancel(t.Context())) }()
	t.Cleanup(func() {
		require.NoError(t, stream.StopWithin(20*time.Second))
		require.NoError(t, <-ended)
	})
}

// post posts a webhook as soon as somebody listens.
func post(t *testing.T, address, authorization, body string) (status int) {
	t.Helper()
	require.Eventually(t, func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/storage", strings.NewReader(body))
		if err != nil {
			return false
		}
		r.Header.Set("Authorization", authorization)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		status = resp.StatusCode
		return resp.Body.Close() == nil
	}, time.Minute, 10*time.Millisecond)
	return status
}
