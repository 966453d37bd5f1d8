package ledger_test

import (
	"testing"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/ledgertest"
)

func TestMemStore(t *testing.T) {
	stores := map[string]*ledger.MemStore{}
	ledgertest.TestStore(t, func(t *testing.T) ledger.Store {
		if stores[t.Name()] == nil {
			stores[t.Name()] = ledger.NewMemStore()
		}
		return stores[t.Name()]
	})
}
