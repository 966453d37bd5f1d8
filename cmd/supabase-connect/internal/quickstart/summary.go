package quickstart

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/live"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// summarize tells what became of the sample bucket in the run that began at
// start, and what to do next. Its error is the run's: the sample bucket is to
// arrive whole.
func summarize(w io.Writer, r *input.Report, dir string, start time.Time) error {
	var text strings.Builder
	writeCounts(&text, r)
	if r.Err == nil {
		if err := writeFiles(&text, dir, start); err != nil {
			return err
		}
		text.WriteString(nextSteps)
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return err
	}
	return r.Err
}

func writeCounts(text *strings.Builder, r *input.Report) {
	fmt.Fprintf(text, "  listed     %4d objects in bucket %q\n", r.Listed, r.Bucket)
	fmt.Fprintf(text, "  filtered   %4d%s\n", view.Total(r.Filtered), reasons(r.Filtered))
	fmt.Fprintf(text, "  delivered  %4d (%s)\n", r.Delivered, view.Bytes(r.Bytes))
	if n := view.Total(r.Parked) + r.Vanished + r.Unsettled; n > 0 {
		fmt.Fprintf(text, "  failed     %4d\n", n)
	}
}

const nextSteps = `
The same config runs on your own project. Its S3 keys are in the Dashboard under
Project Settings > Storage > S3 access keys:

  export SUPABASE_PROJECT_REF=...             # the <ref> of https://<ref>.supabase.co
  export SUPABASE_REGION=...                  # shown next to the keys
  export SUPABASE_S3_ACCESS_KEY_ID=...
  export SUPABASE_S3_SECRET_ACCESS_KEY=...
  export SUPABASE_SOURCE_PATH=my-bucket/some/folder/
  supabase-connect quickstart --print-config > quickstart.yaml
  supabase-connect run quickstart.yaml

(In a checkout: go run ./cmd/supabase-connect run config/quickstart.yaml)
`

func reasons(filtered map[string]int64) string {
	if len(filtered) == 0 {
		return ""
	}
	return " (" + live.Reasons(filtered, live.Rules) + ")"
}

// clockSlack is how much a file system's clock may lag behind or be coarser.
const clockSlack = 2 * time.Second

// writeFiles shows the delivered files as they are on disk, and none that were
// there before.
func writeFiles(text *strings.Builder, dir string, start time.Time) error {
	fmt.Fprintf(text, "\n%s\n", dir)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.ModTime().Before(start.Add(-clockSlack)) {
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(text, "  %-48s %10s\n", name, view.Bytes(info.Size()))
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing the delivered files: %w", err)
	}
	return nil
}
