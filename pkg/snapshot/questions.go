package snapshot

import (
	"sort"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// questions are what rules ask for and a snapshot does not hold.
type questions struct {
	mu    sync.Mutex
	asked map[Want]bool
}

// Listen keeps in mind from now on what rules ask for and what is not here, for Questions.
func (s *Snapshot) Listen() { s.questions = &questions{asked: map[Want]bool{}} }

// Questions are what was asked for since Listen and is not known, in a stable order; nobody listens any more.
func (s *Snapshot) Questions() []Want {
	q := s.questions
	s.questions = nil
	if q == nil {
		return nil
	}
	list := make([]Want, 0, len(q.asked))
	for w := range q.asked {
		list = append(list, w)
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		switch {
		case a.Verb != b.Verb:
			return a.Verb < b.Verb
		case a.Group != b.Group:
			return a.Group < b.Group
		case a.Kind != b.Kind:
			return a.Kind < b.Kind
		case a.Namespace != b.Namespace:
			return a.Namespace < b.Namespace
		}
		return a.Name < b.Name
	})
	return list
}

// ask notes a question that nobody has answered yet.
func (s *Snapshot) ask(w Want) {
	q := s.questions
	if q == nil {
		return
	}
	if _, answered := s.outcomes[w]; answered {
		return
	}
	q.mu.Lock()
	q.asked[w] = true
	q.mu.Unlock()
}

// askFor notes that the objects of a kind in a namespace matter to somebody.
func (s *Snapshot) askFor(namespace string, kinds ...schema.GroupKind) {
	if s.questions == nil {
		return
	}
	for _, gk := range kinds {
		if _, everywhere := s.outcomes[WantList(gk, "", "")]; !everywhere {
			s.ask(WantList(gk, namespace, ""))
		}
	}
}

// Adopt takes in an object that another snapshot holds, unless there is one of its name: what was here first is
// what counts.
func (s *Snapshot) Adopt(o *Object) {
	key := o.Key()
	if _, ok := s.objects[key]; ok {
		return
	}
	s.objects[key] = o
	s.byKind[o.GroupKind()] = append(s.byKind[o.GroupKind()], o)
	s.index(o)
	s.sorted = false
}
