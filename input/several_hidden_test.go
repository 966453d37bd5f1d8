package input

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// curtain hides buckets of a server from a user, as policies do.
type curtain struct {
	mu sync.Mutex
	// row hides the row of a bucket, objects hides all its objects, and part those whose
	// keys end with a 0.
	row, objects, part map[string]bool
}

func newCurtain(s *emulator.Server, buckets ...string) *curtain {
	c := &curtain{row: map[string]bool{}, objects: map[string]bool{}, part: map[string]bool{}}
	for _, bucket := range buckets {
		s.CreateBucket(bucket)
		s.AllowBucket(bucket, func(map[string]any) bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return !c.row[bucket]
		})
		s.AllowRead(bucket, func(_ map[string]any, key string) bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return !c.objects[bucket] && !(c.part[bucket] && strings.HasSuffix(key, "0"))
		})
	}
	return c
}

// draw hides a bucket in one of several ways, or shows it.
func (c *curtain) draw(bucket string, how int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.row[bucket], c.objects[bucket], c.part[bucket] = how&1 != 0, how&2 != 0, how&4 != 0
}

// What row level security hides from a user for a time is not deleted, and not delivered
// again when it is shown. What was really deleted or written meanwhile is told then.
func TestWhatIsHiddenForATimeIsNeitherDeletedNorDeliveredAgain(t *testing.T) {
	days := 60
	if underRace {
		days = 20
	}
	for name, credentials := range map[string]func(*emulator.Server) string{
		"S3": func(s *emulator.Server) string {
			return sessionToken(s.Settings(), s.UserToken("u1", 10_000*time.Hour))
		},
		"REST": func(s *emulator.Server) string {
			return fmt.Sprintf("credentials: {type: session_token, publishable_key: %s, user_token: %s}\n", s.Settings().PublishableKey, s.UserToken("u1", 10_000*time.Hour))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(*yearSeed, 2026))
				r := newRig(t, "source_path: \"*/\"\nsync_mode: continuous\npolling_interval: 2h\nstate: {cache: shared}\nemit_deletes: true\n")
				r.server.RemoveBucket("docs")
				r.fields += credentials(r.server)
				buckets := []string{"avatars", "docs", "images"}
				c := newCurtain(r.server, buckets...)
				stored, versions := map[string]string{}, 0
				write := func(bucket, key string) {
					versions++
					content := fmt.Sprintf("version %d", versions)
					r.server.Put(bucket, key, []byte(content))
					stored[bucket+"/"+key] = content
				}
				for _, bucket := range buckets {
					for i := range 36 { // a third ends with a 0
						write(bucket, fmt.Sprintf("%d/%d", i, i%3))
					}
				}
				last, times := map[string]string{}, map[string]int{}
				take := func() {
					r.mu.Lock()
					defer r.mu.Unlock()
					for _, msg := range r.messages {
						name := meta(msg, emit.MetaBucket) + "/" + meta(msg, emit.MetaKey)
						if meta(msg, emit.MetaEvent) == "deleted" {
							require.NotContains(t, stored, name, "it is there, and at most hidden")
							require.Contains(t, last, name, "its deletion is told once")
							delete(last, name)
							continue
						}
						body, err := msg.AsBytes()
						require.NoError(t, err)
						last[name] = string(body)
						times[string(body)]++
					}
					r.messages = nil
				}
				stop := r.live()
				defer func() { stop() }()
				for day := range days {
					time.Sleep(24 * time.Hour)
					take()
					bucket := buckets[random.IntN(len(buckets))]
					c.draw(bucket, random.IntN(8))
					keys := slices.DeleteFunc(slices.Sorted(maps.Keys(stored)), func(name string) bool { return !strings.HasPrefix(name, bucket+"/") })
					key := strings.TrimPrefix(keys[random.IntN(len(keys))], bucket+"/")
					switch random.IntN(4) {
					case 0:
						r.server.Delete(bucket, key)
						delete(stored, bucket+"/"+key)
					case 1:
						write(bucket, key)
					case 2:
						write(bucket, fmt.Sprintf("more %d/%d", day, day%3))
					}
					if day%30 == 29 {
						stop()
						stop = r.live()
					}
				}
				for _, bucket := range buckets {
					c.draw(bucket, 0)
				}
				time.Sleep(24 * time.Hour)
				take()
				require.Equal(t, stored, last)
				require.Empty(t, told(r.logs.String(), "is gone"), "a bucket that is hidden is there")
				require.NotEmpty(t, told(r.logs.String(), "no longer listed"), "and parts of buckets")
				for content, n := range times {
					require.Equal(t, 1, n, "%s is delivered once", content)
				}
			})
		})
	}
}
