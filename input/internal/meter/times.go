package meter

import "container/heap"

// times have the earliest of many values in front, which change one at a time: with
// thousands of scopes it is not looked for among all. What is no value of its part any
// more is dropped when it comes to the front.
type times[K comparable] []timeOf[K]

type timeOf[K comparable] struct {
	at int64
	of K
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (t times[K]) Len() int           { return len(t) }
func (t times[K]) Less(i, j int) bool { return t[i].at < t[j].at }
func (t times[K]) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *times[K]) Push(x any)        { *t = append(*t, x.(timeOf[K])) }
func (t *times[K]) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	*t = (*t)[:last]
	return x
}

// earliest is the least of the values, 0 where there is none. That of changed is not the
// one that it was at the last call.
func (t *times[K]) earliest(values map[K]int64, changed K) int64 {
	if at, there := values[changed]; there {
		heap.Push(t, timeOf[K]{at, changed})
	}
	if len(*t) > 2*len(values)+1 { // most are no values any more
		*t = (*t)[:0]
		for of, at := range values {
			*t = append(*t, timeOf[K]{at, of})
		}
		heap.Init(t)
	}
	for len(*t) > 0 {
		if first := (*t)[0]; values[first.of] == first.at {
			return first.at
		}
		heap.Pop(t)
	}
	return 0
}
