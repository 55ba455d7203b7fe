package rule

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LongRun is how long a container must run for the kubelet to forget its back-off; what ran longer
// and died is no crash loop. Source: kubelet's container back-off, reset after 10 minutes.
const LongRun = 10 * time.Minute

// Death is how a container's life ended.
type Death struct {
	corev1.ContainerStateTerminated
	Restarts int32
	Over     bool // the container runs again, and has been running or ready for long enough
}

// Ran is how long the container lived.
func (d *Death) Ran() time.Duration {
	return max(0, d.FinishedAt.Sub(d.StartedAt.Time))
}

// LastDeath is the last end of a container's life, or nil when none is recorded.
func (p *Pass) LastDeath(c snapshot.Container) *Death {
	if c.Status == nil {
		return nil
	}
	t := c.Status.State.Terminated
	if t == nil {
		t = c.Status.LastTerminationState.Terminated
	}
	if t == nil {
		return nil
	}
	d := &Death{ContainerStateTerminated: *t, Restarts: c.Status.RestartCount}
	if run := c.Status.State.Running; run != nil && c.Status.LastTerminationState.Terminated != nil {
		// Of an end that nobody saw, since the node or its runtime was restarted, no life before it is known.
		// Source: containerd and the kubelet word it Unknown and ContainerStatusUnknown.
		unseen := d.Reason == "Unknown" || d.Reason == "ContainerStatusUnknown"
		d.Over = p.Age(run.StartedAt.Time) >= LongRun || c.Status.Ready && (d.Ran() >= LongRun || unseen)
	}
	return d
}

// Failed tells whether the container died in a way that calls for an explanation: it exited with an
// error, or it ended although it was to run for ever.
func (p *Pass) Failed(c snapshot.Container) (*Death, bool) {
	d := p.LastDeath(c)
	if d == nil {
		return nil, false
	}
	if p.Resized(c, d) { // somebody wanted that end
		return d, false
	}
	if d.ExitCode != 0 || d.Reason == "OOMKilled" {
		return d, true
	}
	pod := p.Object.Pod()
	endless := pod != nil && pod.Spec.RestartPolicy != corev1.RestartPolicyNever && pod.Spec.RestartPolicy != corev1.RestartPolicyOnFailure
	return d, endless && !c.Init
}

// Human words a duration as kubectl does: 40s, 5m30s, 3h, 2d.
func Human(d time.Duration) string { return duration.HumanDuration(d) }
