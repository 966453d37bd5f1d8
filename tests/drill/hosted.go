package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// hosted serves under the names of Supabase's own hosts, over TLS, behind a proxy that
// connects to nothing else. So each project has connections of its own, as in production.
type hosted struct {
	proxy *site
	tls   *http.Server
	// roots is the file of the certificate that the hosts' own is signed with.
	roots string
}

// openHosted serves h. The pipeline needs the environment of [hosted.env].
func openHosted(ctx context.Context, h http.Handler, dir string) (*hosted, error) {
	chain, root, err := certificate()
	if err != nil {
		return nil, err
	}
	s := &hosted{roots: filepath.Join(dir, "roots.pem")}
	if err := os.WriteFile(s.roots, root, 0o600); err != nil {
		return nil, err
	}
	plain, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.tls = &http.Server{
		Handler: h, ReadHeaderTimeout: time.Minute, IdleTimeout: serverKeepAlive, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{chain}},
	}
	go func() { _ = s.tls.ServeTLS(plain, "", "") }() // ends with close
	s.proxy, err = openSite(ctx, tunnel{plain.Addr().String()})
	if err != nil {
		_ = s.tls.Close()
		return nil, err
	}
	return s, nil
}

// serverKeepAlive is how long the real server keeps an idle connection.
const serverKeepAlive = 61 * time.Second

func (s *hosted) env() []string {
	return []string{"HTTPS_PROXY=" + s.proxy.url(), "NO_PROXY=", "SSL_CERT_FILE=" + s.roots}
}

func (s *hosted) close() {
	_ = s.tls.Close()
	_ = s.proxy.close()
}

// tunnel is a proxy whose tunnels all end at one address.
type tunnel struct{ to string }

// ServeHTTP opens a tunnel.
func (t tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	there, err := new(net.Dialer).DialContext(r.Context(), "tcp", t.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	w.WriteHeader(http.StatusOK)
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	ended := make(chan struct{}, 2)
	for _, way := range []struct {
		to   io.Writer
		from io.Reader
	}{{there, buffered}, {here, there}} {
		go func() {
			_, _ = io.Copy(way.to, way.from)
			ended <- struct{}{}
		}()
	}
	<-ended
}

// certificate makes one for all hosts, and the root that it is signed with.
func certificate() (chain tls.Certificate, root []byte, err error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return chain, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return chain, nil, err
	}
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the drill's root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	host := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "the drill's hosts"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		DNSNames: []string{"*.storage.supabase.co", "*.supabase.co", "api.supabase.com"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &rootKey.PublicKey, rootKey)
	if err != nil {
		return chain, nil, err
	}
	hostDER, err := x509.CreateCertificate(rand.Reader, host, authority, &key.PublicKey, rootKey)
	if err != nil {
		return chain, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{hostDER}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}), nil
}
