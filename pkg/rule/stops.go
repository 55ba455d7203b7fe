package rule

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Resized tells whether the kubelet itself ended that life of a container, to change its resources.
// Source: k8s.io/kubernetes, pkg/kubelet/kuberuntime, computePodResizeAction; the words are of the Killing event.
func (p *Pass) Resized(c snapshot.Container, d *Death) bool {
	e := p.ContainerEvent(c.Name, "Killing", "resize requires restart")
	if e == nil {
		return false
	}
	at := snapshot.EventTime(e)
	return !at.Before(d.StartedAt.Add(-knowledge.StopSlack)) && !at.After(d.FinishedAt.Add(knowledge.StopSlack))
}

// Watched tells whether a pod that is to end by itself has a liveness probe, which may end it sooner.
func Watched(o *snapshot.Object) bool {
	for _, c := range o.PodContainers() {
		if c.LivenessProbe != nil && !c.Init {
			return true
		}
	}
	return false
}

// CutShort is the container of a pod that counts as completed and that its liveness probe had killed: a program
// that heeds SIGTERM exits 0, and where it is not to be restarted nothing else shows. It is "" where nothing says
// so.
func CutShort(s *snapshot.Snapshot, o *snapshot.Object) string {
	pod := o.Pod()
	if pod == nil || pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodSucceeded {
		return ""
	}
	p := NewPass(s, o, nil, nil, Sink{})
	for _, c := range o.PodContainers() {
		if d := p.LastDeath(c); d != nil && !c.Init && p.StoppedBy(c, d) != nil {
			return c.Name
		}
	}
	return ""
}

// StoppedBy is the kubelet's word that it stopped a container which is not restarted, right after its liveness
// probe failed; nil where it did not, or events are gone. What ends by itself is not stopped.
// Source: k8s.io/kubernetes, pkg/kubelet/kuberuntime: of a pod in which nothing else runs it names no reason.
func (p *Pass) StoppedBy(c snapshot.Container, d *Death) *corev1.Event {
	if c.LivenessProbe == nil {
		return nil
	}
	stop := p.ContainerEvent(c.Name, "Killing")
	failed := p.ContainerEvent(c.Name, "Unhealthy", "Liveness probe failed")
	if stop == nil || failed == nil || !strings.Contains(stop.Message, "Stopping container") && !strings.Contains(stop.Message, "failed liveness probe") {
		return nil
	}
	at, missed := snapshot.EventTime(stop), snapshot.EventTime(failed)
	if at.Before(d.StartedAt.Add(-knowledge.StopSlack)) || at.After(d.FinishedAt.Add(knowledge.StopSlack)) {
		return nil
	}
	if gap := at.Sub(missed); gap.Abs() > knowledge.StopSlack {
		return nil
	}
	return stop
}

// PassesLeft is how much longer a container that runs and is not ready needs at least until its readiness probe has
// passed as often in a row as it is to; 0 where that is once, where the time is over, or where the probe fails.
func (p *Pass) PassesLeft(c snapshot.Container) time.Duration {
	probe := c.ReadinessProbe
	if probe == nil || probe.SuccessThreshold <= 1 || c.Status == nil || c.Status.State.Running == nil {
		return 0
	}
	t := knowledge.TimingOf(probe)
	since := c.Status.State.Running.StartedAt.Add(t.InitialDelay)
	if at := p.AskedSince(c); at.After(since) {
		since = at
	}
	if e := p.ContainerEvent(c.Name, "Unhealthy", "Readiness probe"); e != nil {
		at := snapshot.EventTime(e)
		if at.After(since) {
			since = at
		}
		if recent := 2*t.Period + t.Timeout; p.Age(at) < recent || !p.EventsCover(at) && at.After(c.Status.State.Running.StartedAt.Time) {
			return 0
		}
	}
	return max(0, time.Duration(probe.SuccessThreshold+1)*t.Period+t.Timeout-p.Age(since))
}

// AskedSince is from when on a container that runs has been asked whether it is ready, at the earliest: since its start,
// or since its startup probe last failed.
func (p *Pass) AskedSince(c snapshot.Container) time.Time {
	if c.Status == nil || c.Status.State.Running == nil {
		return time.Time{}
	}
	since := c.Status.State.Running.StartedAt.Time
	if c.StartupProbe != nil {
		if e := p.ContainerEvent(c.Name, "Unhealthy", "Startup probe"); e != nil && snapshot.EventTime(e).After(since) {
			since = snapshot.EventTime(e)
		}
	}
	return since
}
