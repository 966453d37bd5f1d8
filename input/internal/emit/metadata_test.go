package emit

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

var someLabeller = Labeller{Bucket: "docs", ProjectRef: "abcdefghijklmnopqrst"}

func someContent() *object.Content {
	return &object.Content{Object: object.Object{Key: "a/log.txt", ETag: "e1", Size: 12}, ContentType: "text/plain"}
}

// messages have the bodies "0", "1", ...
func messages(n int) service.MessageBatch {
	var batch service.MessageBatch
	for i := range n {
		batch = append(batch, service.NewMessage([]byte{byte('0' + i)}))
	}
	return batch
}

func meta(msg *service.Message, name string) string {
	v, ok := msg.MetaGetMut(name)
	if !ok {
		return "<unset>"
	}
	return fmt.Sprint(v)
}

// asker is a MetadataAsker.
type asker func(key string) (metadata map[string]string, etag string, err error)

func (a asker) UserMetadata(_ context.Context, key string) (map[string]string, string, error) {
	return a(key)
}

func TestEveryMessageOfAnObjectIsLabelled(t *testing.T) {
	label := someLabeller.label(someContent(), "created")
	first, second := messages(3), messages(1)
	label.apply(first)
	label.apply(second)
	for i, msg := range append(first, second...) {
		body, err := msg.AsBytes()
		require.NoError(t, err)
		require.Equal(t, string(rune('0'+i%3)), string(body))
		require.Equal(t, "a/log.txt", meta(msg, MetaKey))
		require.Equal(t, "created", meta(msg, MetaEvent))
		require.Equal(t, "12", meta(msg, MetaSize))
		require.Len(t, meta(msg, MetaObjectID), 32)
		require.Equal(t, "<unset>", meta(msg, MetaCacheControl))
	}
}

func TestMessagesOfAnObjectKeepTheirMetadataWhenAnotherIsChanged(t *testing.T) {
	batch := messages(4)
	someLabeller.label(someContent(), "created").apply(batch)
	for i, msg := range batch {
		msg.MetaSetMut(MetaKey, i)
		msg.MetaDelete(MetaETag)
		for _, other := range batch[i+1:] {
			require.Equal(t, "a/log.txt", meta(other, MetaKey))
			require.Equal(t, "e1", meta(other, MetaETag))
		}
	}
}

func TestWhatAScannerSetsOnAMessageStays(t *testing.T) {
	type contextKey struct{}
	failed := errors.New("not a record")
	batch := messages(5)
	batch[1].MetaSetMut("csv_header", []any{"a"})
	batch[2].SetStructuredMut(map[string]any{"a": 1})
	batch[3].SetError(failed)
	batch[4] = batch[4].WithContext(context.WithValue(t.Context(), contextKey{}, "traced"))
	someLabeller.label(someContent(), "created").apply(batch)
	for _, msg := range batch {
		require.Equal(t, "a/log.txt", meta(msg, MetaKey))
	}
	require.Equal(t, "[a]", meta(batch[1], "csv_header"))
	structured, err := batch[2].AsStructured()
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": 1}, structured)
	require.Equal(t, failed, batch[3].GetError())
	require.Equal(t, "traced", batch[4].Context().Value(contextKey{}))
}

func TestMetadataOfAPlaneThatSendsNoneIsAskedFor(t *testing.T) {
	c := someContent()
	c.MissingMeta = object.NoMeta
	told := 0
	l := someLabeller
	l.UserMetadata, l.OnMissingMeta = true, func(_ string, n int) { require.Equal(t, object.NoMeta, n); told++ }
	batch := messages(1)
	l.label(c, "created").apply(batch)
	require.Equal(t, "<unset>", meta(batch[0], MetaMissingMeta), "nobody knows whether anything is missing")
	require.Equal(t, 1, told)
	a := asker(func(string) (map[string]string, string, error) { return map[string]string{"n": "ü"}, "e1", nil })
	require.NoError(t, completeMetadata(t.Context(), a, c))
	batch = messages(1)
	l.label(c, "created").apply(batch)
	require.Equal(t, "ü", meta(batch[0], MetaUserPrefix+"n"))
	require.Equal(t, 1, told)
}
