package config

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// Config is a parsed and fully checked configuration.
type Config struct {
	// Project holds the endpoint, the region, the bucket and, where the settings
	// hold all of them, the credentials. With Projects it holds what is the same for
	// all of them; with Buckets it has no bucket.
	Project supabase.Project
	// Projects say which projects are read, nil where Project is the only one.
	Projects *Projects
	// Buckets say which buckets are read, nil where that of Project is the only one.
	Buckets *BucketPattern
	// Prefix is the source prefix as the user wrote it, "" for the whole
	// bucket. Listing starts from Filter.ListPrefix(), which is at least as long.
	Prefix string
	Filter *filter.Filter
	// Targets say where messages come from that name the objects; nil where the scope is
	// listed instead.
	Targets *Targets
	// SyncMode is one of the Mode constants, Plan what it means. With Targets it is "",
	// and Plan that of the full listings.
	SyncMode string
	Plan     schedule.Plan
	State    State
	// FullSweepInterval is more than zero.
	FullSweepInterval time.Duration
	// ChangeDetection is what makes two listings of a key the same version.
	ChangeDetection ledger.ChangeDetection
	EmitDeletes     bool
	// MaxDeleteRatio is at most 1, and 0 where it depends on the role.
	MaxDeleteRatio float64

	Scanner *service.OwnedScannerCreator
	// WholeScanner says that the scanner holds an object in memory whole.
	WholeScanner bool
	// ToTheEnd says that the scanner makes one message of an object.
	ToTheEnd        bool
	AutoReplayNacks bool
	// DeleteObjects says that delivered objects are deleted; MoveTo is the prefix to which
	// they are moved instead, "" for neither. AfterField is the field that says so.
	DeleteObjects bool
	MoveTo        string
	AfterField    string
	// VerifyUpTo is the size up to which content is compared with its ETag, in
	// bytes; below zero it never is.
	VerifyUpTo   int64
	UserMetadata MetadataChoice
	// References says that references are sent in place of content, URLExpiry that
	// each has a URL for so long: whole seconds, 0 for none.
	References bool
	URLExpiry  time.Duration
	// EmitFailures says that a message is sent of each parked object.
	EmitFailures bool

	// TLS is nil where the settings of the system apply.
	TLS *tls.Config
	// Transport replaces the one to the network in tests; nil elsewhere.
	Transport http.RoundTripper
	// The timeouts are all more than zero.
	ConnectTimeout, ResponseTimeout, IdleTimeout time.Duration
	Retry                                        retry.Policy
	// MaxDownloads and MaxListers are 0 where the input chooses.
	MaxDownloads int
	MaxListers   int
	BufferBytes  int64
	// MaxBytesPerSecond bounds what all downloads bring together; 0 is no limit.
	MaxBytesPerSecond int64

	settings supabase.Settings
}

// Parse reads and checks a whole configuration. Its error is a
// [*supabase.FieldError], or [supabase.Problems] where several things are wrong at
// once.
func Parse(parsed *service.ParsedConfig) (Config, error) {
	f := &fields{parsed: parsed}
	source := read(f, parseSourcePath, FieldSourcePath)
	conf := Config{Prefix: source.prefix, Buckets: source.buckets}
	conf.readProjects(f)
	conf.readProject(f, source.bucket)
	conf.readAfter(f)
	conf.readFilter(f)
	conf.readSync(f)
	conf.readTargets(f)
	f.checkAll(checkSeveral(conf.Several(), conf.Targets != nil))
	conf.readDelivery(f)
	conf.readEmit(f)
	conf.readLimits(f)
	conf.readTLS(f)
	if f.err != nil {
		return Config{}, f.err
	}
	return conf, nil
}

func (c *Config) readProject(f *fields, bucket string) {
	read(f, parseCredentialType, fieldCredentials, fieldCredType)
	c.settings = settingsFrom(f.text)
	c.settings.Bucket = bucket
	switch {
	case f.err != nil:
	case c.Projects != nil:
		c.Project, f.err = supabase.ResolveFleet(c.settings)
		f.checkAll(checkRefsFit(c.Projects.Refs, c.settings.Endpoint))
	default:
		c.Project, f.err = supabase.Resolve(c.settings)
	}
}

// settingsFrom reads the settings of the project; get returns "" for a field
// that is not written.
func settingsFrom(get func(path ...string) string) supabase.Settings {
	cred := func(name string) string { return get(fieldCredentials, name) }
	files := map[string]string{}
	for _, name := range fileFields {
		if path := cred(name + supabase.FileSuffix); path != "" {
			files[fieldCredentials+"."+name] = path
		}
	}
	return supabase.Settings{
		ProjectRef: get(fieldProjectRef),
		Endpoint:   get(fieldEndpoint),
		Region:     get(FieldRegion),
		Credentials: supabase.CredentialSettings{
			Type:            strings.ToLower(cred(fieldCredType)),
			AccessKeyID:     cred(fieldCredAccessKeyID),
			SecretAccessKey: cred(fieldCredSecretKey),
			SecretKey:       cred(fieldCredAPISecret),
			PublishableKey:  cred(fieldCredPublishable),
			AnonKey:         cred(fieldCredAnonKey),
			ServiceRoleKey:  cred(fieldCredServiceKey),
			UserToken:       cred(fieldCredUserToken),
			Email:           cred(fieldCredEmail),
			Password:        cred(fieldCredPassword),
			AccessToken:     cred(fieldCredAccessToken),
			AuthURL:         cred(fieldCredAuthURL),
			APIURL:          cred(fieldCredAPIURL),
			Files:           files,
		},
	}
}

func (c *Config) readFilter(f *fields) {
	opts := filter.Options{
		Prefix:        c.Prefix,
		Include:       read(f, parsePatterns, FieldIncludePatterns),
		Exclude:       read(f, parsePatterns, FieldExcludePatterns),
		ModifiedSince: read(f, parseTime, fieldModifiedSince),
		MinAge:        read(f, parseOptionalDuration, fieldMinAge),
		MaxSize:       read(f, parseSize, FieldMaxObjectSize),
		SkipEmpty:     read(f, parseBool, FieldSkipEmpty),

		ModifiedBefore: read(f, parseModifiedBefore, fieldModifiedBefore),
		ContentTypes:   read(f, parseContentTypes, fieldContentTypes),
		Moved:          c.MoveTo,
	}
	f.check(checkTimes(opts.ModifiedSince, opts.ModifiedBefore))
	if f.err == nil {
		c.Filter, f.err = filter.New(opts)
	}
}

// readDelivery reads how objects become messages, and what becomes of them
// afterwards.
func (c *Config) readDelivery(f *fields) {
	c.readScanner(f)
	c.AutoReplayNacks = read(f, parseBool, fieldAutoReplayNacks)
	c.VerifyUpTo = read(f, parseVerify, fieldVerifyContent)
	c.UserMetadata = read(f, parseUserMetadata, fieldUserMetadata)
}

// readLimits reads how long to wait, how often to try and how much to do at
// once.
func (c *Config) readLimits(f *fields) {
	c.ConnectTimeout = read(f, parseDuration, fieldTimeouts, fieldTimeoutConnect)
	c.ResponseTimeout = read(f, parseDuration, fieldTimeouts, fieldTimeoutResponse)
	c.IdleTimeout = read(f, parseDuration, fieldTimeouts, fieldTimeoutIdle)
	c.Retry.InitialInterval = read(f, parseDuration, fieldRetry, fieldRetryInitialInterval)
	c.Retry.MaxInterval = read(f, parseDuration, fieldRetry, fieldRetryMaxInterval)
	f.check(checkIntervals(c.Retry.InitialInterval, c.Retry.MaxInterval))
	c.Retry.MaxAttempts = read(f, parseAttempts, fieldRetry, fieldRetryMaxAttempts)
	c.MaxDownloads = read(f, parseDownloads, fieldConcurrency, fieldMaxDownloads)
	c.MaxListers = read(f, parseListers, fieldConcurrency, fieldMaxListers)
	c.BufferBytes = read(f, parseBufferBytes, fieldConcurrency, fieldBufferBytes)
	c.MaxBytesPerSecond = read(f, parseOptionalSize, fieldMaxBytesPerSecond)
}

// readTLS reads the settings whether they are enabled or not: the endpoint says
// whether the connection is encrypted, and they have effect where it is.
func (c *Config) readTLS(f *fields) {
	conf, err := f.parsed.FieldTLS(fieldTLS)
	f.check(At(fieldTLS, err))
	enabled, err := f.parsed.FieldBool(fieldTLS, "enabled")
	f.check(At(fieldTLS+".enabled", err))
	if (conf != nil || enabled) && strings.HasPrefix(c.Project.Endpoint, "http://") {
		f.check(At(fieldTLS, Wrong("the endpoint "+c.Project.Endpoint+" is not encrypted, so these settings have no effect",
			"remove them, or write an https:// endpoint")))
	}
	c.TLS = conf
}

// Listers is how many parts of the bucket are listed at a time, 0 where the input
// chooses: one where a single download at a time is to go by the order of the keys.
func (c Config) Listers() int {
	if c.MaxDownloads == 1 {
		return 1
	}
	return c.MaxListers
}

// Where names what is read.
func (c Config) Where() string {
	where := "bucket " + strconv.Quote(c.Project.Bucket)
	switch {
	case c.Buckets != nil:
		where = "buckets " + strconv.Quote(c.Buckets.String())
	case c.Projects != nil:
		where = "buckets " + strconv.Quote(c.Project.Bucket)
	}
	if c.Prefix != "" {
		where += " prefix " + strconv.Quote(c.Prefix)
	}
	if c.Projects != nil {
		where += " of " + c.Projects.String()
	}
	return where
}

// Mode says what a run does, in a few words.
func (c Config) Mode() string {
	switch {
	case c.Targets == nil:
		return "sync_mode " + c.SyncMode
	case c.Targets.Sweeps:
		return fmt.Sprintf("what targets_input names, and everything every %v", c.FullSweepInterval)
	}
	return "what targets_input names"
}

// Remembers reports whether there is a ledger, be it in memory alone.
func (c Config) Remembers() bool {
	if c.Targets != nil {
		return c.Targets.Sweeps
	}
	return c.State.Set() || c.Plan.Repeats()
}

// Scope says whose deliveries the ledger holds. The namespace is the label of
// the input where none is written.
func (c Config) Scope(label string) ledger.Scope {
	return ledger.Scope{Endpoint: c.Project.Endpoint, Bucket: c.Project.Bucket, Namespace: cmp.Or(c.State.Namespace, label)}
}
