package versitygw_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	_ "github.com/redpanda-data/connect/v4/public/components/aws"

	_ "github.com/seed75cbcda6/supabase-storage/input"
	"github.com/seed75cbcda6/supabase-storage/tests/corpus"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	sourceBucket = "user-uploads"
	targetBucket = "copy-of-uploads"
)

// objects are the same in every test. versitygw keeps objects as files.
var objects = sync.OnceValue(func() map[string]corpus.Object { return corpus.Objects(corpus.Keys, 1<<20) })

func TestBucketArrivesInS3WithContentTypesAndUserMetadata(t *testing.T) {
	yaml, err := os.ReadFile("../../config/to_s3.yaml")
	require.NoError(t, err)
	source := emulator.New(emulator.Options{})
	for key, o := range objects() {
		source.Put(sourceBucket, key, o.Content,
			emulator.WithContentType(o.ContentType), emulator.WithUserMetadata(o.Metadata))
	}
	listener, err := source.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	target := startGateway(t)
	target.createBucket(t, targetBucket)

	builder := newBuilder(map[string]string{
		"SUPABASE_S3_ENDPOINT":          listener.Endpoint(),
		"SUPABASE_REGION":               source.Settings().Region,
		"SUPABASE_S3_ACCESS_KEY_ID":     source.Settings().AccessKeyID,
		"SUPABASE_S3_SECRET_ACCESS_KEY": source.Settings().SecretAccessKey,
		"SUPABASE_SOURCE_PATH":          sourceBucket,
		"TARGET_S3_BUCKET":              targetBucket,
		"TARGET_S3_REGION":              gatewayRegion,
		"TARGET_S3_ENDPOINT":            target.endpoint,
		"TARGET_S3_PATH_STYLE":          "true",
		"TARGET_S3_ACCESS_KEY_ID":       gatewayKeyID,
		"TARGET_S3_SECRET_ACCESS_KEY":   gatewaySecret,
	})
	require.NoError(t, builder.SetYAML(string(yaml)))
	runToEnd(t, builder)

	requireSame(t, objects(), target.download(t, targetBucket))
}

func TestAnyS3EndpointCanBeTheSource(t *testing.T) {
	source := startGateway(t)
	source.createBucket(t, sourceBucket)
	source.upload(t, sourceBucket, objects())

	arrived := map[string]corpus.Object{}
	var mu sync.Mutex
	builder := newBuilder(map[string]string{
		"ENDPOINT": source.endpoint, "REGION": gatewayRegion,
		"KEY_ID": gatewayKeyID, "SECRET": gatewaySecret, "BUCKET": sourceBucket,
	})
	require.NoError(t, builder.AddInputYAML(`
supabase_storage:
  endpoint: ${ENDPOINT}
  region: ${REGION}
  credentials:
    type: access_key
    access_key_id: ${KEY_ID}
    secret_access_key: ${SECRET}
  source_path: ${BUCKET}
`))
	require.NoError(t, builder.AddConsumerFunc(func(_ context.Context, msg *service.Message) error {
		mu.Lock()
		defer mu.Unlock()
		key, o, err := objectOf(msg)
		if err != nil {
			return err
		}
		if _, again := arrived[key]; again {
			t.Errorf("%q arrived twice", key)
		}
		arrived[key] = o
		return nil
	}))
	runToEnd(t, builder)

	requireSame(t, objects(), arrived)
}

// objectOf is what a message of the input tells of its object.
func objectOf(msg *service.Message) (key string, o corpus.Object, err error) {
	content, err := msg.AsBytes()
	if err != nil {
		return "", corpus.Object{}, err
	}
	o.Content = bytes.Clone(content)
	err = msg.MetaWalk(func(name, value string) error {
		switch name {
		case "supabase_storage_key":
			key = value
		case "supabase_storage_content_type":
			o.ContentType = value
		}
		if name, ok := strings.CutPrefix(name, "supabase_storage_meta_"); ok {
			if o.Metadata == nil {
				o.Metadata = map[string]string{}
			}
			o.Metadata[name] = value
		}
		return nil
	})
	return key, o, err
}

func requireSame(t *testing.T, want, got map[string]corpus.Object) {
	t.Helper()
	require.Len(t, got, len(want))
	for key, w := range want {
		g, ok := got[key]
		require.Truef(t, ok, "%q did not arrive", key)
		require.Truef(t, bytes.Equal(w.Content, g.Content), "%q: %d bytes arrived, other than the %d stored",
			key, len(g.Content), len(w.Content))
		require.Equalf(t, w.ContentType, g.ContentType, "content type of %q", key)
		require.Equalf(t, w.Metadata, g.Metadata, "user metadata of %q", key)
	}
}

// newBuilder returns a builder whose configuration sees env as its environment.
func newBuilder(env map[string]string) *service.StreamBuilder {
	builder := service.NewStreamBuilder()
	builder.SetEnvVarLookupFunc(func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	return builder
}

// runToEnd runs the pipeline until its input ends.
func runToEnd(t *testing.T, builder *service.StreamBuilder) {
	t.Helper()
	stream, err := builder.Build()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	require.NoError(t, stream.Run(ctx))
}

// atOnce is how many requests the tests themselves have in flight.
const atOnce = 16

func (g gateway) upload(t *testing.T, bucket string, objects map[string]corpus.Object) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(atOnce)
	for key, o := range objects {
		group.Go(func() error {
			_, err := g.client.PutObject(ctx, &s3.PutObjectInput{
				Bucket:      aws.String(bucket),
				Key:         aws.String(key),
				Body:        bytes.NewReader(o.Content),
				ContentType: aws.String(o.ContentType),
				Metadata:    o.Metadata,
			})
			return err
		})
	}
	require.NoError(t, group.Wait())
}

// download returns all that the bucket holds.
func (g gateway) download(t *testing.T, bucket string) map[string]corpus.Object {
	t.Helper()
	objects := map[string]corpus.Object{}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(atOnce)
	pages := s3.NewListObjectsV2Paginator(g.client, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		require.NoError(t, err)
		for _, listed := range page.Contents {
			group.Go(func() error {
				o, err := g.get(ctx, bucket, *listed.Key)
				mu.Lock()
				defer mu.Unlock()
				objects[*listed.Key] = o
				return err
			})
		}
	}
	require.NoError(t, group.Wait())
	return objects
}

func (g gateway) get(ctx context.Context, bucket, key string) (corpus.Object, error) {
	out, err := g.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return corpus.Object{}, err
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	o := corpus.Object{Content: content, ContentType: aws.ToString(out.ContentType)}
	if len(out.Metadata) > 0 {
		o.Metadata = out.Metadata
	}
	return o, err
}
