package probes

import (
	"reflect"
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
	held   time.Duration // from start to the moment from which liveness is asked, at most
	bound  bool          // nothing tells that this was not much less
	unsure bool          // only the moment of its end speaks for the probe
	before *corev1.Event // the kubelet's word on an earlier life, where it has sent none on this one
	event  *corev1.Event // the kubelet's own word; nil when events are gone
	stop   *corev1.Event // its word on what is not started again, which may name no probe
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
	k.lived = max(0, k.lived-ending(p, c, d, probe))
	inLife := func(e *corev1.Event) *corev1.Event {
		if e == nil || snapshot.EventTime(e).Before(d.StartedAt.Add(-knowledge.StopSlack)) {
			return nil
		}
		return e
	}
	kill := p.ContainerEvent(c.Name, "Killing", "failed "+strings.ToLower(kind)+" probe")
	k.event = inLife(kill)
	if other := p.ContainerEvent(c.Name, "Killing", " probe"); k.event == nil && inLife(other) != nil {
		return nil // it was another probe
	}
	failed := p.ContainerEvent(c.Name, "Unhealthy", kind+" probe failed")
	if k.failed = inLife(failed); k.failed == nil && !p.EventsCover(d.FinishedAt.Time) {
		k.loop = failed
	}
	if kind == "Liveness" {
		k.held, k.bound = k.heldBack(p, c)
		if c.Status.State.Terminated != nil && !endless(p, c) {
			k.stop = p.StoppedBy(c, d)
		}
	}
	if k.event != nil {
		at := snapshot.EventTime(k.event)
		if run := c.Status.State.Running; at.After(d.FinishedAt.Add(knowledge.StopSlack)) && run != nil && at.After(run.StartedAt.Time) {
			k.lived = at.Sub(run.StartedAt.Time) // of the present life, which is being ended
		} else if !at.After(d.FinishedAt.Add(knowledge.StopSlack)) {
			k.lived = max(0, at.Sub(d.StartedAt.Time))
		}
		return k
	}
	if k.stop != nil {
		k.lived = max(0, snapshot.EventTime(k.stop).Sub(d.StartedAt.Time))
		return k
	}
	signalled := d.ExitCode == 137 || d.ExitCode == 143
	timely := d.Restarts > 0 && knowledge.GaveUp(&p.Object.Pod().Spec, probe, d.Ran(), d.ExitCode)
	switch {
	case k.failed != nil && (signalled || d.ExitCode == 0 && endless(p, c)):
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

// ending is how much of a life may have been its end, where no event tells when that began: all of the grace period
// for what only SIGKILL ended, and what a preStop hook may have taken.
func ending(p *rule.Pass, c snapshot.Container, d *rule.Death, probe *corev1.Probe) time.Duration {
	grace := knowledge.GracePeriod(&p.Object.Pod().Spec, probe)
	switch {
	case d.ExitCode == 137:
		return grace
	case c.Lifecycle == nil || c.Lifecycle.PreStop == nil:
		return 0
	}
	if n := sleeps(c.Lifecycle.PreStop); n > 0 {
		return min(grace, time.Duration(n)*time.Second)
	}
	return grace
}

// endless tells whether a container is started again however it ends: of another one, an end with 0 is its own.
func endless(p *rule.Pass, c snapshot.Container) bool {
	policy := p.Object.Pod().Spec.RestartPolicy
	return c.Beside || policy != corev1.RestartPolicyNever && policy != corev1.RestartPolicyOnFailure
}

// heldBack is for how long after the start of a life the startup probe may have kept liveness from being asked, and
// whether that is no more than a bound: one that never failed passed at once.
func (k *kill) heldBack(p *rule.Pass, c snapshot.Container) (held time.Duration, bound bool) {
	if c.StartupProbe == nil {
		return 0, false
	}
	t := knowledge.TimingOf(c.StartupProbe)
	if k.failed != nil && p.ContainerEvent(c.Name, "Unhealthy", "Startup probe") == nil {
		return t.InitialDelay, false
	}
	_, most := t.Budget()
	return most, true
}

// proven tells whether the startup probe has proven, by passing, what the last answer to liveness denies: it asks
// the very same, or it reached somebody at the port where now nobody listens.
func (k *kill) proven(c snapshot.Container) bool {
	if c.StartupProbe == nil || c.LivenessProbe == nil {
		return false
	}
	if reflect.DeepEqual(c.StartupProbe.ProbeHandler, c.LivenessProbe.ProbeHandler) {
		return true
	}
	_, first := knowledge.ProbePort(c.StartupProbe)
	_, then := knowledge.ProbePort(c.LivenessProbe)
	a, _, known := resolve(c, first)
	b, _, ok := resolve(c, then)
	return known && ok && a == b && nobody.MatchString(k.message())
}

// unproven tells whether liveness may never have passed in the life that it ended.
func (k *kill) unproven(c snapshot.Container) bool {
	return !k.proven(c) && k.lived <= k.most+k.held
}

// logs is the command that prints the log of the life that ended.
func (k *kill) logs(p *rule.Pass, c snapshot.Container) string {
	words := []string{"logs", p.Object.Name, "-c", c.Name}
	if k.stop == nil { // what is not started again shows the log of its last life as it is
		words = append(words, "--previous")
	}
	return p.Line(words...)
}

// early tells whether the kill came within the first budget: the probe never passed in that life.
func (k *kill) early() bool { return k.lived <= k.most }

// evidence quotes the kill, how long the container lived, and what the probe saw.
func (k *kill) evidence(p *rule.Pass, c snapshot.Container) []rule.Evidence {
	var list []rule.Evidence
	if k.event != nil {
		list = append(list, rule.EventEvidence(k.event))
	} else if k.stop != nil {
		list = append(list, rule.EventEvidence(k.stop))
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
