package input

import (
	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

// newRemovals is what becomes of objects after their delivery.
func (r *reader) newRemovals(client *config.Plane) *pass.Removals {
	switch {
	case r.conf.MoveTo != "":
		return pass.NewMoves(client, r.conf.MoveKey, r.conf.Retry, r.conf.AfterField, r.watcher.NotRemoved)
	case r.conf.DeleteObjects:
		return pass.NewRemovals(client, r.conf.Retry, r.conf.AfterField, r.watcher.NotRemoved)
	}
	return pass.NewRemovals(nil, r.conf.Retry, r.conf.AfterField, r.watcher.NotRemoved)
}
