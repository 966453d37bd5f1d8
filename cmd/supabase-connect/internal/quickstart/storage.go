package quickstart

import (
	"fmt"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// storage is a running emulator that holds the sample bucket.
type storage struct {
	*emulator.Listener
	settings emulator.Settings
}

// startStorage serves the sample bucket on a free port of loopback.
func startStorage() (*storage, error) {
	objects, err := samples()
	if err != nil {
		return nil, err
	}
	project := emulator.New(emulator.Options{})
	for _, o := range objects {
		project.Put(sampleBucket, o.key, o.content, emulator.WithContentType(o.contentType))
	}
	listener, err := project.Start("")
	if err != nil {
		return nil, fmt.Errorf("serving the sample bucket: %w", err)
	}
	return &storage{Listener: listener, settings: project.Settings()}, nil
}

// environment gives config/quickstart.yaml its variables.
func (s *storage) environment(output string) map[string]string {
	return map[string]string{
		"SUPABASE_S3_ENDPOINT":          s.Endpoint(),
		"SUPABASE_PROJECT_REF":          s.settings.ProjectRef,
		"SUPABASE_REGION":               s.settings.Region,
		"SUPABASE_S3_ACCESS_KEY_ID":     s.settings.AccessKeyID,
		"SUPABASE_S3_SECRET_ACCESS_KEY": s.settings.SecretAccessKey,
		"SUPABASE_SOURCE_PATH":          sampleBucket,
		"QUICKSTART_OUTPUT":             output,
	}
}
