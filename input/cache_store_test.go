package input

import (
	"context"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"
)

func TestACacheThatKeepsNothingEndsEveryRunAtItsStart(t *testing.T) {
	r := newRig(t, "sync_mode: continuous\nstate: {cache: c}\n")
	b := service.NewResourceBuilder()
	b.SetLogger(r.logs.slog())
	require.NoError(t, b.AddCacheYAML("label: c\nlru: {}"))
	res, closeAll, err := b.Build()
	require.NoError(t, err)
	defer func() { require.NoError(t, closeAll(context.Background())) }()
	r.res = res
	require.NoError(t, r.build())
	require.ErrorIs(t, r.input.Connect(t.Context()), service.ErrEndOfInput, "no later attempt meets another cache")
	require.NoError(t, r.input.Close(t.Context()))
	require.ErrorContains(t, Reports()[len(Reports())-1].Err, "is of type lru")
}
