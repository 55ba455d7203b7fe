package rule

import (
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// eventLife is how long an API server keeps events where nobody says otherwise.
// Source: kube-apiserver --event-ttl.
const eventLife = time.Hour

// eventBurst is how many events of one object a kubelet sends before it drops all but one in five
// minutes. Source: client-go, the event correlator's spam filter.
const eventBurst = 25

// EventsCover tells whether an event of this Pass' object from the moment t would be known: its events
// were read, t is not so long ago that they are gone, and there were not so many that the kubelet has
// stopped sending them. Only then does a missing event mean that nothing happened.
func (p *Pass) EventsCover(t time.Time) bool {
	if p.Age(t) >= eventLife {
		return false
	}
	sent := 0
	for _, e := range p.EventsOf(p.Object) {
		sent += max(1, snapshot.EventCount(e))
	}
	if sent > 0 {
		return sent < eventBurst
	}
	if out, asked := p.Outcome(snapshot.WantEvents(p.Object.Ref)); asked {
		return out.State != snapshot.Blind
	}
	return p.ListRead(snapshot.EventKind, p.Object.Namespace)
}
