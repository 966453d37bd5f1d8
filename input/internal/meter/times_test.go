package meter

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheEarliestOfManyTimesIsShownWhileTheyChange(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var all times[int]
	values := map[int]int64{}
	for range 20_000 {
		part, at := random.IntN(40), random.Int64N(100)
		if at < 10 {
			delete(values, part)
		} else {
			values[part] = at
		}
		want := int64(0)
		for _, v := range values {
			if want == 0 || v < want {
				want = v
			}
		}
		require.Equal(t, want, all.earliest(values, part))
		require.LessOrEqual(t, len(all), 2*len(values)+1, "what is no value any more is not kept")
	}
}
