package check

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

func TestAnErrorIsTakenApartByItsDataAlone(t *testing.T) {
	mode := &supabase.FieldError{Field: "sync_mode", Problem: "is not a mode; or so", Remedy: "write one_time"}
	region := &supabase.FieldError{Field: "region", Problem: "is another", Err: errors.New("HTTP 403")}
	for name, c := range map[string]struct {
		err  error
		want []Problem
	}{
		"a field":           {mode, []Problem{{Field: "sync_mode", Problem: "is not a mode; or so", Remedy: "write one_time"}}},
		"a cause":           {region, []Problem{{Field: "region", Problem: "is another", Cause: "HTTP 403"}}},
		"a place in a file": {fmt.Errorf("a.yaml(3,1) %w", mode), []Problem{{Field: "sync_mode", Problem: "is not a mode; or so (a.yaml(3,1))", Remedy: "write one_time"}}},
		"several fields": {supabase.Problems{mode, region}, []Problem{
			{Field: "sync_mode", Problem: "is not a mode; or so", Remedy: "write one_time"}, {Field: "region", Problem: "is another", Cause: "HTTP 403"},
		}},
		"joined": {errors.Join(errors.New("a.yaml(1,1) field b not recognised"), fmt.Errorf("a.yaml(2,1) %w", region)), []Problem{
			{Problem: "a.yaml(1,1) field b not recognised"}, {Field: "region", Problem: "is another (a.yaml(2,1))", Cause: "HTTP 403"},
		}},
		"joined with nothing":     {errors.Join(mode, nil), []Problem{{Field: "sync_mode", Problem: "is not a mode; or so", Remedy: "write one_time"}}},
		"two in one sentence":     {fmt.Errorf("%w: %w", fs.ErrNotExist, fs.ErrClosed), []Problem{{Problem: "file does not exist: file already closed"}}},
		"a text that looks alike": {errors.New("region: is another; write region"), []Problem{{Problem: "region: is another; write region"}}},
		"several lines":           {errors.New("yaml: errors:\n  line 3: a"), []Problem{{Problem: "yaml: errors:"}, {Problem: "line 3: a"}}},
		"an answer":               {fmt.Errorf("listing: %w", object.ErrDenied), []Problem{{Problem: "listing: " + object.ErrDenied.Error()}}},
	} {
		require.Equal(t, c.want, problemsOf(c.err), name)
	}
}

func TestAProblemInALineHasAllOfIt(t *testing.T) {
	for want, p := range map[string]Problem{
		"is empty": {Problem: "is empty"},
		"state.path: is empty; name another (EOF)": {Field: "state.path", Problem: "is empty", Remedy: "name another", Cause: "EOF"},
	} {
		require.Equal(t, want, p.String())
	}
}
