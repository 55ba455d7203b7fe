package knowledge

import (
	"sync"
	"sync/atomic"
)

const (
	memoTexts  = 4096
	memoLength = 256
)

// memo remembers what a function gave for a text. The names and images of a cluster, or of a repository, are asked
// about by several rules and stand in many objects. What is long, or more than memoTexts, is worked out each time.
type memo[V any] struct {
	known sync.Map
	count atomic.Int64
}

func (m *memo[V]) of(text string, work func(string) V) V {
	if v, ok := m.known.Load(text); ok {
		return v.(V)
	}
	v := work(text)
	if len(text) <= memoLength && m.count.Load() < memoTexts {
		if _, had := m.known.LoadOrStore(text, v); !had {
			m.count.Add(1)
		}
	}
	return v
}
