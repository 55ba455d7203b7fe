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
	most   time.Duration // and at the latest, grace period included
	event  *corev1.Event // the kubelet's own word; nil when events are gone
	failed *corev1.Event // what the probe saw last
}

// killedBy finds out whether the probe of the kind ("Liveness" or "Startup") had the container
// killed: the Killing event says so, or, when events are gone, it ended by SIGTERM or SIGKILL at
// the moment that the probe's arithmetic gives.
func killedBy(p *rule.Pass, c snapshot.Container, kind string, probe *corev1.Probe) *kill {
	if probe == nil {
		return nil
	}
	d := p.LastDeath(c)
	if d == nil || d.Reason == "OOMKilled" {
		return nil
	}
	k := &kill{death: d, timing: knowledge.TimingOf(probe)}
	k.least, k.most = k.timing.Budget()
	k.most += knowledge.GracePeriod(&p.Object.Pod().Spec, probe) + 2*time.Second
	k.event = p.ContainerEvent(c.Name, "Killing", "failed "+strings.ToLower(kind)+" probe")
	if k.event == nil {
		k.event = p.ContainerEvent(c.Name, "Killing", "failed "+strings.ToLower(kind))
	}
	k.failed = p.ContainerEvent(c.Name, "Unhealthy", kind+" probe failed")
	signalled := d.ExitCode == 137 || d.ExitCode == 143
	switch {
	case k.event != nil:
		return k
	case k.failed != nil && (signalled || d.ExitCode == 0):
		return k
	case signalled && d.Restarts > 0 && d.Ran() >= k.least && d.Ran() <= k.most:
		return k
	}
	return nil
}

// early tells whether the life ended within the first budget: the probe never passed in it.
func (k *kill) early() bool { return k.death.Ran() <= k.most }

// evidence quotes the kill, how long the container lived, and what the probe saw.
func (k *kill) evidence(p *rule.Pass, c snapshot.Container) []rule.Evidence {
	var list []rule.Evidence
	if k.event != nil {
		list = append(list, rule.EventEvidence(k.event))
	}
	list = append(list, p.DeathEvidence(c, k.death))
	if k.failed != nil {
		list = append(list, rule.EventEvidence(k.failed))
	}
	return list
}

// answered tells whether the probe got an answer, if a bad one: somebody listens.
func (k *kill) answered() bool {
	return k.failed != nil && strings.Contains(k.failed.Message, "statuscode")
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
