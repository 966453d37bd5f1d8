package input

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// states opens the state that the config of the rig names.
func (r *rig) states() *States {
	r.t.Helper()
	parsed, err := r.parse()
	require.NoError(r.t, err)
	conf, err := config.Parse(parsed)
	require.NoError(r.t, err)
	conf.Transport = r.server.Transport()
	all, err := openStates(r.t.Context(), conf, r.resources())
	require.NoError(r.t, err)
	return all
}

// states opens the state that the config of the rig names.
func (r *orgRig) states() *States {
	r.t.Helper()
	all, err := openStates(r.t.Context(), r.conf(), r.res)
	require.NoError(r.t, err)
	return all
}

// tracked is of how many keys a scope remembers a version.
func tracked(t *testing.T, all *States, scope StateScope) int64 {
	t.Helper()
	s, err := all.Open(t.Context(), scope)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close(t.Context())) }()
	return s.Summary().Tracked
}

// named are the names of scopes.
func named(scopes []StateScope) (names []string) {
	for _, s := range scopes {
		names = append(names, s.Bucket)
	}
	return names
}

func TestTheStateOfABucketThatIsGoneIsShownUntilItIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: \"tenant-*/\"\nsync_mode: continuous\npolling_interval: 1m\nstate: {cache: shared}\n")
		r.bucketsOf(2, "tenant-1", "tenant-2")
		stop := r.live()
		time.Sleep(10 * time.Second)
		require.Len(t, r.arrived(), 4)
		r.server.RemoveBucket("tenant-2")
		time.Sleep(10 * time.Minute)
		stop()

		all := r.states()
		require.True(t, all.Several())
		require.False(t, all.Projects())
		require.Equal(t, "state.cache shared", all.Where())
		_, ok := all.Named()
		require.False(t, ok, "only the server knows what a pattern matches")
		scopes := all.Scopes()
		require.Equal(t, []string{"tenant-1", "tenant-2"}, named(scopes))
		require.Zero(t, scopes[0].Gone)
		require.WithinDuration(t, time.Now().Add(-10*time.Minute), scopes[1].Gone, 2*time.Minute)
		require.EqualValues(t, 2, tracked(t, all, scopes[1]))

		forgotten, err := all.Drop(t.Context(), scopes[1])
		require.NoError(t, err)
		require.EqualValues(t, 2, forgotten)
		require.NoError(t, all.Close(t.Context()))
		all = r.states()
		require.Equal(t, []string{"tenant-1"}, named(all.Scopes()))
		require.EqualValues(t, 2, tracked(t, all, scopes[0]), "the other one is as it was")
		require.NoError(t, all.Close(t.Context()))
	})
}

func TestADamagedStateOfOneBucketHidesNoOtherAndCanBeDropped(t *testing.T) {
	for _, value := range []string{"-j1", "-founded"} {
		t.Run(value, func(t *testing.T) { dropDamaged(t, value) })
	}
}

func dropDamaged(t *testing.T, value string) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: \"{tenant-1,tenant-2,tenant-3}/\"\nstate: {cache: shared}\n")
		r.bucketsOf(2, "tenant-1", "tenant-2")
		require.Error(t, r.run().Err, "one is missing")
		r.messages = nil
		damageState(t, r, "tenant-2", value)

		all := r.states()
		scopes := all.Scopes()
		require.Equal(t, []string{"tenant-1", "tenant-2", "tenant-3"}, named(scopes), "those that are named, too")
		require.EqualValues(t, 2, tracked(t, all, scopes[0]))
		_, err := all.Open(t.Context(), scopes[1])
		require.ErrorContains(t, err, "damaged")
		require.ErrorContains(t, err, "--forget-bucket")
		require.Zero(t, tracked(t, all, scopes[2]))
		forgotten, err := all.Drop(t.Context(), scopes[1])
		require.NoError(t, err)
		require.Zero(t, forgotten, "nobody knows")
		require.NoError(t, all.Close(t.Context()))

		require.Error(t, r.run().Err)
		require.Len(t, r.messages, 2)
		require.Equal(t, "tenant-2", meta(r.messages[0], emit.MetaBucket), "it begins again")
	})
}

func TestTheStatesOfProjectsAreFoundByReferenceAndName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 2, "state: {cache: shared}\n")
		require.NoError(t, r.run().Err)
		require.Len(t, r.arrived(), 2)
		first, second := r.org.Projects()[0], r.org.Projects()[1]
		ref := first.Settings().ProjectRef

		all := r.states()
		require.True(t, all.Projects())
		require.Len(t, all.Scopes(), 6)
		require.Len(t, all.Find("", "docs"), 2)
		for _, name := range []string{ref, first.Project().Name} {
			require.Equal(t, []string{"avatars", "docs", "images"}, named(all.Find(name, "")))
		}
		one := all.Find(ref, "docs")
		require.Len(t, one, 1)
		require.Equal(t, ref, one[0].ProjectRef)
		require.Equal(t, first.Project().Name, one[0].ProjectName)
		require.Contains(t, one[0].Endpoint, ref)
		require.Equal(t, ref+"/docs ("+first.Project().Name+")", one[0].String())
		require.EqualValues(t, 4, tracked(t, all, one[0]))
		require.Empty(t, all.Find("", "extra"), "of which project?")
		extra := all.Find(ref, "extra")
		require.Len(t, extra, 1, "the pattern matches it")

		first.Put("docs", "new.txt", []byte("n"))
		second.Put("docs", "new.txt", []byte("n"))
		s, err := all.Open(t.Context(), one[0])
		require.NoError(t, err)
		n, err := s.MarkDelivered(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		require.NoError(t, s.Close(t.Context()))
		require.NoError(t, all.Close(t.Context()))
		require.NoError(t, r.run().Err)
		require.Equal(t, map[string]int{second.Settings().ProjectRef: 1}, r.arrived())
	})
}

func TestTheBucketsThatAConfigReadsAreDiscoveredToBeMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 4, "state: {cache: shared}\n")
		projects := r.org.Projects()
		projects[0].SetStatus(emulator.StatusComingUp)
		projects[1].SetFaults(emulator.FaultRules(emulator.DenyBucket("docs")))
		projects[3].SetProject(func(p *emulator.Project) { p.Name = "Shop" })
		all := r.states()
		began := time.Now()
		found, err := all.Discover(t.Context(), "", "")
		require.NoError(t, err)
		require.Less(t, time.Since(began), time.Minute, "a project that comes up is not waited for")
		require.Len(t, found, 1+3*3)
		marked, failed := int64(0), []string{}
		for _, scope := range found {
			err := scope.Err
			if err == nil {
				s, opened := all.Open(t.Context(), scope.StateScope)
				require.NoError(t, opened)
				var n int64
				n, err = s.MarkDelivered(t.Context())
				marked += n
				require.NoError(t, s.Close(t.Context()))
			}
			if err != nil {
				failed = append(failed, scope.Name().Short())
			}
		}
		require.EqualValues(t, 8*4, marked)
		require.Equal(t, []string{projects[0].Settings().ProjectRef, projects[1].Settings().ProjectRef + "/docs"}, failed)

		for _, typed := range [][2]string{{"Shop", "docs"}, {"", "Shop/docs"}, {"", projects[3].Settings().ProjectRef + "/docs (Shop)"}} {
			found, err = all.Discover(t.Context(), typed[0], typed[1])
			require.NoError(t, err)
			require.Len(t, found, 1, typed)
			require.Equal(t, found[0].StateScope.Name(), all.Find(typed[0], typed[1])[0].Name(), typed)
		}
		found, err = all.Discover(t.Context(), "Shop", "nix")
		require.NoError(t, err)
		require.Empty(t, found, "there is none")
		require.Len(t, all.Scopes(), 8, "what could not be listed is not remembered")
		require.Empty(t, all.Find("Shopp", "docs"), "no project has this name")
		require.NoError(t, all.Close(t.Context()))

		projects[0].SetStatus(emulator.StatusActiveHealthy)
		projects[1].SetFaults(nil)
		require.NoError(t, r.run().Err)
		require.Equal(t, map[string]int{projects[0].Settings().ProjectRef: 12, projects[1].Settings().ProjectRef: 4}, r.arrived())
	})
}
