package collect

import (
	"sync"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// trouble remembers what became of the reads of a command, so that a server that hangs is not waited
// for again and again. Its zero value is a server without trouble.
type trouble struct {
	mu       sync.Mutex
	answered time.Time     // when a read was answered last
	waited   int           // how many reads nobody answered since then
	late     map[late]bool // what took too long
	errs     map[snapshot.Want]error
}

// late is what is not asked for again after it took too long: reads of a kind, or logs of a pod.
type late struct {
	verb            snapshot.Verb
	group, kind     string
	namespace, name string
}

func lateOf(w snapshot.Want) late {
	if w.Verb == snapshot.Log {
		return late{verb: w.Verb, namespace: w.Namespace, name: w.Name}
	}
	if w.Verb == snapshot.Events {
		return late{verb: w.Verb}
	}
	return late{verb: w.Verb, group: w.Group, kind: w.Kind}
}

// begin tells what took too long until now.
func (t *trouble) begin() map[late]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := make(map[late]bool, len(t.late))
	for k := range t.late {
		known[k] = true
	}
	return known
}

// note takes in how a read ended that began at start.
func (t *trouble) note(start time.Time, tooLate bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !tooLate:
		t.answered, t.waited = time.Now(), 0
	case t.answered.Before(start):
		t.waited++
	}
}

// silent tells whether the server has stopped answering. One read alone may ask for too much.
func (t *trouble) silent() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waited > 1
}

// keep remembers the error of a read.
func (t *trouble) keep(w snapshot.Want, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.errs == nil {
		t.errs, t.late = map[snapshot.Want]error{}, map[late]bool{}
	}
	t.errs[w] = err
	if err != nil && isLate(err) {
		t.late[lateOf(w)] = true
	}
}

// failure is the error that a read ended with.
func (t *trouble) failure(w snapshot.Want) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.errs[w]
}
