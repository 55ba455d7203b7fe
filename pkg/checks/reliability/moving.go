package reliability

import (
	"cmp"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// plan is where pods go when some nodes are given up.
type plan struct {
	*fleet
	gone   []bool
	kept   bool // the nodes that are given up are still there, cordoned
	room   []int64
	slots  []int
	placed []placement
	moved  map[*podKind]map[int]int // how many of a kind were placed on a node
	weight []float64                // by column: how scarce it is
}

type placement struct {
	*lodger
	at int
}

// without starts a plan in which the given nodes take no pods.
func (f *fleet) without(gone []bool, kept bool) *plan {
	columns := len(f.column)
	pl := &plan{fleet: f, gone: gone, kept: kept, room: make([]int64, columns*len(f.nodes)), slots: make([]int, len(f.nodes)), weight: make([]float64, columns), moved: map[*podKind]map[int]int{}}
	for i, n := range f.nodes {
		copy(pl.room[i*columns:], n.room)
		pl.slots[i] = n.slots
		if !gone[i] && n.open {
			for c, left := range n.room {
				if left > 0 && left != math.MaxInt64 {
					pl.weight[c] += float64(left)
				}
			}
		}
	}
	return pl
}

// size is the largest share that a pod wants of what is left.
func (pl *plan) size(l *lodger) float64 {
	size := 0.0
	for c, w := range l.want {
		if w > 0 && pl.weight[c] > 0 {
			size = max(size, float64(w)/pl.weight[c])
		}
	}
	return size
}

// obstacle is what keeps a pod from a node; of several nodes the one that is nearest to taking it is told.
type obstacle int

const (
	none obstacle = iota
	closed
	byNode
	byTaint
	byVolume
	byOthers
	bySpread
	byPort
	bySlots
	byRoom
)

// misfit is why no node takes a pod.
type misfit struct {
	*lodger
	why    obstacle
	column corev1.ResourceName // that is short, where room is
	want   int64
	most   int64 // of it on any one node
	volume string
}

// move places the pods, the largest first, each on the first node that takes it, and returns those for which there is none. That a
// place is found proves that there is one; that none is found proves nothing.
func (pl *plan) move(pods []*lodger) []misfit {
	pods = slices.Clone(pods)
	sizes := make(map[*lodger]float64, len(pods))
	for _, l := range pods {
		sizes[l] = pl.size(l)
	}
	slices.SortStableFunc(pods, func(a, b *lodger) int {
		return cmp.Or(cmp.Compare(sizes[b], sizes[a]), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	// Devices that are claimed, and what another scheduler does, nobody can tell here.
	pods = slices.DeleteFunc(pods, func(l *lodger) bool {
		return len(l.pod.Spec.ResourceClaims) > 0 || l.pod.Spec.SchedulerName != "" && l.pod.Spec.SchedulerName != corev1.DefaultSchedulerName
	})
	for {
		var left []misfit
		var again []*lodger // those they must be near to, or evenly spread with, may have come after them
		for _, l := range pods {
			if m := pl.place(l); m.why != none {
				left, again = append(left, m), append(again, l)
			}
		}
		if len(again) == len(pods) || !slices.ContainsFunc(left, func(m misfit) bool { return m.why == byOthers || m.why == bySpread }) {
			return left
		}
		pods = again
	}
}

func (pl *plan) place(l *lodger) misfit {
	pl.look(l.kind)
	volumes := pl.volumesOf(l)
	near, apart := pl.nearTo(l.kind), pl.keptFrom(l.kind)
	spread := pl.spreadOver(l.kind)
	m := misfit{lodger: l, why: closed}
	for i := range pl.nodes {
		why := pl.obstacle(l, i, volumes, &m)
		if why == none {
			switch {
			case !near(i) || apart(i):
				why = byOthers
			case !spread(i):
				why = bySpread
			}
		}
		if why == none {
			why = pl.lacks(l, i, &m)
		}
		if why == none {
			pl.take(l, i)
			return misfit{}
		}
		m.why = max(m.why, why)
	}
	return m
}

// obstacle is what of a node itself keeps a pod away.
func (pl *plan) obstacle(l *lodger, i int, volumes []volume, m *misfit) obstacle {
	n := pl.nodes[i]
	switch {
	case pl.gone[i] || !n.open:
		return closed
	case !l.kind.fits[i]:
		return byNode
	case n.Spec.Unschedulable && !toleratesCordon(l.kind.spec.Tolerations), !toleratesAll(l.kind.spec.Tolerations, n.Node):
		return byTaint
	}
	for _, v := range volumes {
		if !v.reach[i] {
			m.volume = v.Name
			return byVolume
		}
	}
	return none
}

// lacks is what a node has not enough of.
func (pl *plan) lacks(l *lodger, i int, m *misfit) obstacle {
	for _, mine := range l.kind.ports {
		taken := func(h hostPort) bool { return h.conflicts(mine) }
		if slices.ContainsFunc(pl.nodes[i].ports, taken) || slices.ContainsFunc(pl.placed, func(other placement) bool { return other.at == i && slices.ContainsFunc(other.kind.ports, taken) }) {
			return byPort
		}
	}
	if pl.slots[i] <= 0 {
		return bySlots
	}
	room := pl.room[i*len(pl.column):][:len(pl.column)]
	for c, w := range l.want {
		if w > 0 && room[c] < w {
			if name := pl.names[c]; m.column == "" || m.column == name && room[c] > m.most {
				m.column, m.want, m.most = name, w, max(0, room[c])
			}
			return byRoom
		}
	}
	return none
}

func (pl *plan) take(l *lodger, i int) {
	room := pl.room[i*len(pl.column):][:len(pl.column)]
	for c, w := range l.want {
		if room[c] != math.MaxInt64 {
			room[c] -= w
		}
	}
	pl.slots[i]--
	pl.placed = append(pl.placed, placement{l, i})
	if pl.moved[l.kind] == nil {
		pl.moved[l.kind] = map[int]int{}
	}
	pl.moved[l.kind][i]++
}
