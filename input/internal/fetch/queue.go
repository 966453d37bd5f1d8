package fetch

import (
	"container/heap"
	"time"
)

// retryQueue holds the objects that wait for their next attempt, the one that
// is due first in front.
type retryQueue struct{ heap attemptHeap }

// Len is how many wait.
func (q *retryQueue) Len() int { return len(q.heap) }

func (q *retryQueue) push(a attempt) { heap.Push(&q.heap, &a) }

func (q *retryQueue) pop() *attempt { return heap.Pop(&q.heap).(*attempt) }

// next is when the first is due. The queue must not be empty.
func (q *retryQueue) next() time.Time { return q.heap[0].due }

// allDue makes every object due now, in the order in which they waited.
func (q *retryQueue) allDue(now time.Time) {
	for _, a := range q.heap {
		if a.due.After(now) {
			a.due = now
		}
	}
	heap.Init(&q.heap)
}

// attemptHeap orders attempts by their due time for container/heap.
type attemptHeap []*attempt

func (h attemptHeap) Len() int           { return len(h) }
func (h attemptHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h attemptHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

func (h *attemptHeap) Push(x any) { *h = append(*h, x.(*attempt)) }

func (h *attemptHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
