package input

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// config is a parsed and fully checked configuration.
type config struct {
	// project holds the endpoint, the region, the bucket and, where settings holds
	// all of them, the credentials.
	project  supabase.Project
	settings supabase.Settings
	// prefix is the source prefix as the user wrote it, "" for the whole
	// bucket. Listing starts from filter.ListPrefix(), which is at least as long.
	prefix string
	filter *filter.Filter
	// syncMode is one of the syncMode constants, plan what it means.
	syncMode string
	plan     schedule.Plan
	state    stateConfig
	// fullSweepInterval is more than zero.
	fullSweepInterval time.Duration
	// identity is what makes two listings of a key the same version.
	identity    ledger.ChangeDetection
	emitDeletes bool
	// maxDeleteRatio is at most 1, and 0 where it depends on the role.
	maxDeleteRatio float64

	scanner *service.OwnedScannerCreator
	// wholeScanner says that the scanner holds an object in memory whole.
	wholeScanner bool
	// toTheEnd says that the scanner makes one message of an object.
	toTheEnd        bool
	autoReplayNacks bool
	deleteObjects   bool
	// verifyUpTo is the size up to which content is compared with its ETag.
	verifyUpTo   int64
	userMetadata bool

	// tls is nil where the settings of the system apply.
	tls *tls.Config
	// transport replaces the one to the network in tests; nil elsewhere.
	transport http.RoundTripper
	// The timeouts are all more than zero.
	connectTimeout, responseTimeout, idleTimeout time.Duration
	retry                                        retry.Policy
	// maxDownloads is 0 where the input chooses.
	maxDownloads int
	maxListers   int
	bufferBytes  int64
}

// configFromParsed reads and checks a whole configuration. Every error begins
// with the dotted name of the field that it is about.
func configFromParsed(pConf *service.ParsedConfig) (conf config, err error) {
	var source sourcePath
	if source, err = fieldAs(pConf, parseSourcePath, ssFieldSourcePath); err != nil {
		return config{}, err
	}
	conf.prefix = source.prefix
	if conf.settings, err = settingsFromParsed(pConf, source.bucket); err != nil {
		return config{}, err
	}
	if conf.project, err = supabase.Resolve(conf.settings); err != nil {
		return config{}, err
	}
	if conf.filter, err = filterFromParsed(pConf, source.prefix); err != nil {
		return config{}, err
	}
	if err = conf.readSync(pConf); err != nil {
		return config{}, err
	}
	if err = conf.readDelivery(pConf); err != nil {
		return config{}, err
	}
	if err = conf.readLimits(pConf); err != nil {
		return config{}, err
	}
	if conf.tls, err = tlsFromParsed(pConf, conf.project.Endpoint); err != nil {
		return config{}, err
	}
	return conf, nil
}

func settingsFromParsed(pConf *service.ParsedConfig, bucketName string) (supabase.Settings, error) {
	var err error
	settings := settingsFrom(func(path ...string) string {
		if err != nil || !pConf.Contains(path...) {
			return ""
		}
		var text string
		if text, err = pConf.FieldString(path...); err != nil {
			err = fmt.Errorf("%s: %w", strings.Join(path, "."), err)
		}
		return text
	})
	settings.Bucket = bucketName
	return settings, err
}

// settingsFrom reads the settings of the project; get returns "" for a field
// that is not written.
func settingsFrom(get func(path ...string) string) supabase.Settings {
	cred := func(name string) string { return get(ssFieldCredentials, name) }
	files := map[string]string{}
	for _, name := range fileFields {
		if path := cred(name + supabase.FileSuffix); path != "" {
			files[ssFieldCredentials+"."+name] = path
		}
	}
	return supabase.Settings{
		ProjectRef: get(ssFieldProjectRef),
		Endpoint:   get(ssFieldEndpoint),
		Region:     get(ssFieldRegion),
		Credentials: supabase.CredentialSettings{
			// Benthos lints the options of an enumeration in any case.
			Type:            strings.ToLower(cred(ssFieldCredType)),
			AccessKeyID:     cred(ssFieldCredAccessKeyID),
			SecretAccessKey: cred(ssFieldCredSecretKey),
			AnonKey:         cred(ssFieldCredAnonKey),
			ServiceRoleKey:  cred(ssFieldCredServiceKey),
			UserToken:       cred(ssFieldCredUserToken),
			Email:           cred(ssFieldCredEmail),
			Password:        cred(ssFieldCredPassword),
			AccessToken:     cred(ssFieldCredAccessToken),
			AuthURL:         cred(ssFieldCredAuthURL),
			APIURL:          cred(ssFieldCredAPIURL),
			Files:           files,
		},
	}
}

func filterFromParsed(pConf *service.ParsedConfig, prefix string) (*filter.Filter, error) {
	opts := filter.Options{Prefix: prefix}
	var err error
	if opts.Include, err = stringList(pConf, ssFieldIncludePatterns); err != nil {
		return nil, err
	}
	if opts.Exclude, err = stringList(pConf, ssFieldExcludePatterns); err != nil {
		return nil, err
	}
	if opts.ModifiedSince, err = fieldAs(pConf, parseTime, ssFieldModifiedSince); err != nil {
		return nil, err
	}
	if opts.MinAge, err = fieldAs(pConf, parseOptionalDuration, ssFieldMinAge); err != nil {
		return nil, err
	}
	if opts.MaxSize, err = fieldAs(pConf, parseSize, ssFieldMaxObjectSize); err != nil {
		return nil, err
	}
	if opts.SkipEmpty, err = fieldAs(pConf, parseBool, ssFieldSkipEmpty); err != nil {
		return nil, err
	}
	// The error names the field and the position in its list.
	return filter.New(opts)
}

// readDelivery reads how objects become messages, and what becomes of them
// afterwards.
func (c *config) readDelivery(pConf *service.ParsedConfig) (err error) {
	if err = c.readScanner(pConf); err != nil {
		return err
	}
	if c.autoReplayNacks, err = fieldAs(pConf, parseBool, ssFieldAutoReplayNacks); err != nil {
		return err
	}
	if c.deleteObjects, err = fieldAs(pConf, parseBool, ssFieldDeleteObjects); err != nil {
		return err
	}
	if c.verifyUpTo, err = fieldAs(pConf, parseVerify, ssFieldVerifyContent); err != nil {
		return err
	}
	c.userMetadata, err = fieldAs(pConf, parseBool, ssFieldUserMetadata)
	return err
}

// readLimits reads how long to wait, how often to try and how much to do at
// once.
func (c *config) readLimits(pConf *service.ParsedConfig) (err error) {
	for _, f := range []struct {
		to           *time.Duration
		parent, name string
	}{
		{&c.connectTimeout, ssFieldTimeouts, ssFieldTimeoutConnect},
		{&c.responseTimeout, ssFieldTimeouts, ssFieldTimeoutResponse},
		{&c.idleTimeout, ssFieldTimeouts, ssFieldTimeoutIdle},
		{&c.retry.InitialInterval, ssFieldRetry, ssFieldRetryInitialInterval},
		{&c.retry.MaxInterval, ssFieldRetry, ssFieldRetryMaxInterval},
	} {
		if *f.to, err = fieldAs(pConf, parseDuration, f.parent, f.name); err != nil {
			return err
		}
	}
	if err = checkIntervals(c.retry.InitialInterval, c.retry.MaxInterval); err != nil {
		return err
	}
	if c.retry.MaxAttempts, err = fieldAs(pConf, parseAttempts, ssFieldRetry, ssFieldRetryMaxAttempts); err != nil {
		return err
	}
	if c.maxDownloads, err = fieldAs(pConf, parseDownloads, ssFieldConcurrency, ssFieldMaxDownloads); err != nil {
		return err
	}
	if c.maxListers, err = fieldAs(pConf, parseListers, ssFieldConcurrency, ssFieldMaxListers); err != nil {
		return err
	}
	c.bufferBytes, err = fieldAs(pConf, parseBufferBytes, ssFieldConcurrency, ssFieldBufferBytes)
	return err
}

// listers is how many parts of the bucket are listed at a time: one where a single
// download at a time is to go by the order of the keys.
func (c *config) listers() int {
	if c.maxDownloads == 1 {
		return 1
	}
	return c.maxListers
}

// tlsFromParsed reads the settings whether they are enabled or not: the endpoint
// says whether the connection is encrypted, and they have effect where it is.
func tlsFromParsed(pConf *service.ParsedConfig, endpoint string) (*tls.Config, error) {
	conf, err := pConf.FieldTLS(ssFieldTLS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ssFieldTLS, err)
	}
	enabled, err := pConf.FieldBool(ssFieldTLS, "enabled")
	if err != nil {
		return nil, fmt.Errorf("%s.enabled: %w", ssFieldTLS, err)
	}
	if (conf != nil || enabled) && strings.HasPrefix(endpoint, "http://") {
		return nil, fmt.Errorf("%s: the endpoint %s is not encrypted, so these settings have no effect; remove them, or write an https:// endpoint", ssFieldTLS, endpoint)
	}
	return conf, nil
}
