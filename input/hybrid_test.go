package input

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// hourly has everything listed every hour next to the targets.
const hourly = "full_sweep_interval: 1h\n"

func TestASweepDeliversWhatNoTargetNamedAndRepeatsNothing(t *testing.T) {
	overBothPlanes(t, func(t *testing.T, credentials string) {
		r, f := newWorker(t, credentials+hourly)
		r.server.Put("docs", "there before", []byte("1"))
		stop := r.live()
		settleDown()
		require.Equal(t, []string{"created there before"}, r.arrived(), "the first listing")

		r.server.Put("docs", "named", []byte("1"))
		r.server.Put("docs", "there before", []byte("changed"))
		f.send(webhook("UPDATE", "named")) // the ledger knows better
		f.send(webhook("INSERT", "there before"))
		settleDown()
		require.Equal(t, []string{"created named", "updated there before"}, r.arrived())
		require.Equal(t, acks(2), f.answered())

		r.server.Put("docs", "lost", []byte("1")) // its webhook never comes
		time.Sleep(time.Hour)
		require.Equal(t, []string{"created lost"}, r.arrived())

		f.send(webhook("INSERT", "lost"))
		f.send(key("named"))
		settleDown()
		require.Empty(t, r.arrived(), "both were delivered in this version")
		require.Equal(t, acks(2), f.answered())
		stop()
	})
}

func TestADeletionIsToldOnceByTargetOrBySweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, hourly+"emit_deletes: true\nmax_delete_ratio: 1\n"+withState(t))
		for _, k := range []string{"a", "b", "c", "stays"} {
			r.server.Put("docs", k, []byte(k))
		}
		stop := r.live()
		settleDown()
		require.Len(t, r.arrived(), 4)
		r.server.Delete("docs", "a")
		f.send(webhook("DELETE", "a"))
		f.send(webhook("DELETE", "never known"))
		settleDown()
		require.Equal(t, []string{"deleted a"}, r.arrived())
		require.Equal(t, acks(2), f.answered())
		r.server.Delete("docs", "b")
		time.Sleep(3 * time.Hour)
		require.Equal(t, []string{"deleted b"}, r.arrived(), "a is told already")
		f.send(webhook("DELETE", "b"))
		settleDown()
		require.Empty(t, r.arrived())
		r.server.Put("docs", "a", []byte("a"))
		f.send(webhook("INSERT", "a"))
		settleDown()
		require.Equal(t, []string{"created a"}, r.arrived(), "the same version is news after its deletion")
		stop()
	})
}

func TestAKeyThatASweepHasUnderWayIsLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, hourly)
		output := &held{}
		r.ack = output.ack(t)
		r.server.Put("docs", "a", []byte("old"))
		stop := r.live()
		settleDown()
		f.send(key("a"))
		settleDown()
		r.server.Put("docs", "a", []byte("new"))
		settleDown()
		require.Equal(t, map[string][]string{"a": {"old"}}, r.contents())
		output.release("a", nil)
		time.Sleep(15 * time.Second)
		require.Equal(t, map[string][]string{"a": {"old", "new"}}, r.contents())
		output.release("a", nil)
		settleDown()
		require.Equal(t, acks(1), f.answered())
		stop()
	})
}

func TestAStateLetsARestartRepeatNeitherTargetsNorListings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, hourly+withState(t))
		r.server.Put("docs", "a", []byte("1"))
		r.server.Put("docs", "b", []byte("1"))
		stop := r.live()
		settleDown()
		r.server.Put("docs", "c", []byte("1"))
		f.send(key("c"))
		settleDown()
		stop()
		require.Len(t, r.arrived(), 3)
		stop = r.live()
		f.send(key("a"))
		time.Sleep(2 * time.Hour)
		stop()
		require.Empty(t, r.arrived())
		require.Equal(t, acks(2), f.answered())
	})
}

func TestTheEndOfItsTargetsEndsAHybridAfterTheFirstListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, hourly)
		for i := range 50 {
			r.server.Put("docs", fmt.Sprintf("%02d", i), []byte("1"))
		}
		f.send(key("07"))
		f.end()
		begin := time.Now()
		report := r.run()
		require.NoError(t, report.Err)
		require.Less(t, time.Since(begin), time.Minute)
		require.Len(t, r.arrived(), 50, "each once")
		require.Equal(t, acks(1), f.answered())
	})
}

func TestASweepTriesAgainWhatATargetCouldNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, hourly)
		stop := r.live()
		settleDown()
		r.server.Put("docs", "bad", []byte("1"))
		heal := refusing(r)
		f.send(key("bad"))
		time.Sleep(30 * time.Second)
		require.Equal(t, acks(1), f.answered(), "the ledger has it")
		f.send(key("bad"))
		time.Sleep(15 * time.Second)
		require.Equal(t, acks(1), f.answered())
		heal()
		time.Sleep(5 * time.Minute)
		stop()
		require.Equal(t, []string{"created bad"}, r.arrived())
	})
}
