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
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	sourceBucket = "user-uploads"
	targetBucket = "copy-of-uploads"
)

func TestBucketArrivesInS3WithContentTypesAndUserMetadata(t *testing.T) {
	yaml, err := os.ReadFile("../../config/to_s3.yaml")
	require.NoError(t, err)
	source := emulator.New(emulator.Options{})
	for key, o := range corpus() {
		source.Put(sourceBucket, key, o.content,
			emulator.WithContentType(o.contentType), emulator.WithUserMetadata(o.metadata))
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

	requireSame(t, corpus(), target.download(t, targetBucket))
}

func TestAnyS3EndpointCanBeTheSource(t *testing.T) {
	source := startGateway(t)
	source.createBucket(t, sourceBucket)
	source.upload(t, sourceBucket, corpus())

	arrived := map[string]object{}
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

	requireSame(t, corpus(), arrived)
}

// objectOf is what a message of the input tells of its object.
func objectOf(msg *service.Message) (key string, o object, err error) {
	content, err := msg.AsBytes()
	if err != nil {
		return "", object{}, err
	}
	o.content = bytes.Clone(content)
	err = msg.MetaWalk(func(name, value string) error {
		switch name {
		case "supabase_storage_key":
			key = value
		case "supabase_storage_content_type":
			o.contentType = value
		}
		if name, ok := strings.CutPrefix(name, "supabase_storage_meta_"); ok {
			if o.metadata == nil {
				o.metadata = map[string]string{}
			}
			o.metadata[name] = value
		}
		return nil
	})
	return key, o, err
}

func requireSame(t *testing.T, want, got map[string]object) {
	t.Helper()
	require.Len(t, got, len(want))
	for key, w := range want {
		g, ok := got[key]
		require.Truef(t, ok, "%q did not arrive", key)
		require.Truef(t, bytes.Equal(w.content, g.content), "%q: %d bytes arrived, other than the %d stored",
			key, len(g.content), len(w.content))
		require.Equalf(t, w.contentType, g.contentType, "content type of %q", key)
		require.Equalf(t, w.metadata, g.metadata, "user metadata of %q", key)
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

func (g gateway) upload(t *testing.T, bucket string, objects map[string]object) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(atOnce)
	for key, o := range objects {
		group.Go(func() error {
			_, err := g.client.PutObject(ctx, &s3.PutObjectInput{
				Bucket:      aws.String(bucket),
				Key:         aws.String(key),
				Body:        bytes.NewReader(o.content),
				ContentType: aws.String(o.contentType),
				Metadata:    o.metadata,
			})
			return err
		})
	}
	require.NoError(t, group.Wait())
}

// download returns all that the bucket holds.
func (g gateway) download(t *testing.T, bucket string) map[string]object {
	t.Helper()
	objects := map[string]object{}
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

func (g gateway) get(ctx context.Context, bucket, key string) (object, error) {
	out, err := g.client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return object{}, err
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	o := object{content: content, contentType: aws.ToString(out.ContentType)}
	if len(out.Metadata) > 0 {
		o.metadata = out.Metadata
	}
	return o, err
}
