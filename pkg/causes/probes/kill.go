package probes

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// kill is a container's end at the hands of the kubelet, because a probe failed.
type kill struct {
	death  *rule.Death
	timing knowledge.Timing
	least  time.Duration // from start to the probe giving up, at the earliest
	most   time.Duration // and at the latest
	lived  time.Duration // from start to the kill, grace period not included
	unsure bool          // only the moment of its end speaks for the probe
	before *corev1.Event // the kubelet's word on an earlier life, where it has sent none on this one
	event  *corev1.Event // the kubelet's own word; nil when events are gone
	failed *corev1.Event // what the probe saw last
	loop   *corev1.Event // what it saw in an earlier life, where the kubelet has stopped sending events
}

// killedBy finds out whether the probe of the kind ("Liveness" or "Startup") had the container
// killed: the Killing event says so or, when events are gone, it ended at the moment that the probe's
// arithmetic gives: by a signal, without ever having been started, or as the earlier lives that the
// kubelet did write of. Where events cannot tell and it ended at that moment in another way, the kill is
// unsure.
func killedBy(p *rule.Pass, c snapshot.Container, kind string, probe *corev1.Probe) *kill {
	if probe == nil || p.Object.Pod().DeletionTimestamp != nil {
		return nil
	}
	d := p.LastDeath(c)
	if d == nil || d.Reason == "OOMKilled" && d.ExitCode == 137 { // with another code only a child was killed
		return nil
	}
	k := &kill{death: d, timing: knowledge.TimingOf(probe)}
	k.least, k.most = k.timing.Budget()
	k.most += knowledge.StopSlack
	k.lived = d.Ran()
	if d.ExitCode == 137 { // it did not heed the signal: the grace period was part of its life
		k.lived = max(0, k.lived-knowledge.GracePeriod(&p.Object.Pod().Spec, probe))
	}
	inLife := func(e *corev1.Event) *corev1.Event {
		if e == nil || snapshot.EventTime(e).Before(d.StartedAt.Add(-knowledge.StopSlack)) {
			return nil
		}
		return e
	}
	kill := p.ContainerEvent(c.Name, "Killing", "failed "+strings.ToLower(kind)+" probe")
	k.event = inLife(kill)
	failed := p.ContainerEvent(c.Name, "Unhealthy", kind+" probe failed")
	if k.failed = inLife(failed); k.failed == nil && !p.EventsCover(d.FinishedAt.Time) {
		k.loop = failed
	}
	if k.event != nil {
		if at := snapshot.EventTime(k.event); !at.After(d.FinishedAt.Add(knowledge.StopSlack)) {
			k.lived = max(0, at.Sub(d.StartedAt.Time))
		}
		return k
	}
	signalled := d.ExitCode == 137 || d.ExitCode == 143
	timely := d.Restarts > 0 && knowledge.GaveUp(&p.Object.Pod().Spec, probe, d.Ran(), d.ExitCode)
	switch {
	case k.failed != nil && (signalled || d.ExitCode == 0):
		return k
	case timely && (signalled || kind == "Startup" && c.Status.Started != nil && !*c.Status.Started):
		return k
	case kill != nil && (timely || !p.EventsCover(d.FinishedAt.Time)):
		k.before = kill
		return k
	case timely && !p.EventsCover(d.FinishedAt.Time):
		k.unsure = true
		return k
	}
	return nil
}

// early tells whether the kill came within the first budget: the probe never passed in that life.
func (k *kill) early() bool { return k.lived <= k.most }

// evidence quotes the kill, how long the container lived, and what the probe saw.
func (k *kill) evidence(p *rule.Pass, c snapshot.Container) []rule.Evidence {
	var list []rule.Evidence
	if k.event != nil {
		list = append(list, rule.EventEvidence(k.event))
	}
	list = append(list, p.DeathEvidence(c, k.death))
	if k.before != nil {
		e := rule.EventEvidence(k.before)
		e.Text += ", in earlier lives"
		list = append(list, e)
	}
	if k.failed != nil {
		list = append(list, rule.EventEvidence(k.failed))
	}
	if k.loop != nil {
		e := rule.EventEvidence(k.loop)
		e.Text += ", in earlier lives"
		list = append(list, e)
	}
	return list
}

// answered tells whether the probe got an answer, if a bad one: somebody listens.
func (k *kill) answered() bool {
	return k.answer() != ""
}

// answer is what the probe was answered, as people say it: "HTTP 503"; "" for none.
func (k *kill) answer() string {
	if m := statusCode.FindStringSubmatch(k.message()); m != nil {
		return "HTTP " + m[1]
	}
	if strings.Contains(k.message(), `responded with "NOT_SERVING"`) {
		return "NOT_SERVING"
	}
	return ""
}

// marks draws the fields of the probe that make up its budget.
func marks(probe rule.Setting, p *corev1.Probe) []rule.Mark {
	var list []rule.Mark
	for _, f := range []struct {
		name  string
		value int32
		label string
	}{
		{"initialDelaySeconds", p.InitialDelaySeconds, "waits before the first probe"},
		{"periodSeconds", p.PeriodSeconds, "between two probes"},
		{"failureThreshold", p.FailureThreshold, "failures until the kill"},
	} {
		if f.value != 0 {
			list = append(list, rule.Mark{Field: probe.Child(f.name).Path, Label: f.label})
		}
	}
	return list
}
