// Package versitygw_test runs the input and the S3 output against versitygw, an
// S3 server that was not written for these tests: as the target of
// config/to_s3.yaml, and as the source in the place of Supabase Storage.
package versitygw_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

const (
	gatewayRegion = "eu-central-1"
	gatewayKeyID  = "gateway-key-id"
	gatewaySecret = "gateway-secret-key"
)

// gateway is a running versitygw and a client for looking at what it holds.
type gateway struct {
	endpoint string
	client   *s3.Client
}

// startGateway serves an empty directory until the test ends. The server keeps
// package-level state, so that no two may run at once in a process: tests that
// use it are not parallel. While it runs, it is the working directory too.
func startGateway(t *testing.T) gateway {
	t.Helper()
	root, sidecar := t.TempDir(), t.TempDir()
	t.Chdir(root) // as the backend does by itself, but undone when the test ends
	// Extended attributes would be the default place for an object's metadata;
	// not every temporary directory has them.
	attributes, err := meta.NewSideCar(sidecar)
	require.NoError(t, err)
	backend, err := posix.New(root, attributes, posix.PosixOpts{SideCarDir: sidecar})
	require.NoError(t, err)

	addr := freeAddress(t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
			RootUserAccess:    gatewayKeyID,
			RootUserSecret:    gatewaySecret,
			Region:            gatewayRegion,
			Ports:             []string{addr},
			MaxConnections:    512,
			MaxRequests:       512,
			MultipartMaxParts: 10000,
			Quiet:             true,
		})
	}()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	waitUntilServing(t, addr, ended)

	endpoint := "http://" + addr
	return gateway{endpoint: endpoint, client: s3.New(s3.Options{
		BaseEndpoint: &endpoint,
		Region:       gatewayRegion,
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(gatewayKeyID, gatewaySecret, ""),
	})}
}

// freeAddress is a loopback address that nobody listened on a moment ago: the
// gateway takes an address, and does not tell which port a ":0" became.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func waitUntilServing(t *testing.T, addr string, ended <-chan error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		select {
		case err := <-ended:
			require.NoError(t, err)
			t.Fatal("versitygw ended before it served")
		case <-time.After(20 * time.Millisecond):
		}
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			require.NoError(t, conn.Close())
			return
		}
	}
	t.Fatalf("versitygw does not listen on %s", addr)
}

func (g gateway) createBucket(t *testing.T, name string) {
	t.Helper()
	_, err := g.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(name)})
	require.NoError(t, err)
}
