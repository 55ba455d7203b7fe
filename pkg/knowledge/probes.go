// Package knowledge holds facts of Kubernetes that rules need, each with its source. It knows no
// other package of this project.
package knowledge

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// DefaultGracePeriod is terminationGracePeriodSeconds where a pod sets none.
// Source: k8s.io/api core/v1, PodSpec.
const DefaultGracePeriod = 30 * time.Second

// Timing is when a probe acts, with the API's defaults filled in.
type Timing struct {
	InitialDelay, Period, Timeout time.Duration
	Failures                      int // in a row, before it counts
}

// TimingOf fills in the defaults of a probe: period 10 s, timeout 1 s, failureThreshold 3.
// Source: k8s.io/api core/v1, Probe.
func TimingOf(p *corev1.Probe) Timing {
	seconds := func(n, otherwise int32) time.Duration {
		if n <= 0 {
			n = otherwise
		}
		return time.Duration(n) * time.Second
	}
	t := Timing{InitialDelay: seconds(p.InitialDelaySeconds, 0), Period: seconds(p.PeriodSeconds, 10), Timeout: seconds(p.TimeoutSeconds, 1), Failures: 3}
	if p.FailureThreshold > 0 {
		t.Failures = int(p.FailureThreshold)
	}
	return t
}

// Budget is the time that a container has from its start until the probe, failing every time, has
// it killed: at least, and at most with a hanging endpoint. The grace period comes on top. The
// kubelet spreads the first probe over one period after its own restart only, not after a
// container's. Source: kubelet's prober worker.
func (t Timing) Budget() (least, most time.Duration) {
	least = t.InitialDelay + time.Duration(t.Failures-1)*t.Period
	most = t.InitialDelay + time.Duration(t.Failures)*t.Period + t.Timeout
	return least, most
}

// GracePeriod is how long a container may take to stop after the probe gave it up.
func GracePeriod(pod *corev1.PodSpec, probe *corev1.Probe) time.Duration {
	switch {
	case probe != nil && probe.TerminationGracePeriodSeconds != nil:
		return time.Duration(*probe.TerminationGracePeriodSeconds) * time.Second
	case pod.TerminationGracePeriodSeconds != nil:
		return time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second
	}
	return DefaultGracePeriod
}

// StopSlack allows for times that the kubelet writes down in whole seconds, and for the moment that a
// stop takes.
const StopSlack = 2 * time.Second

// GaveUp tells whether a container that lived so long ended when the probe, having never passed, gives
// up. The grace period counts where only SIGKILL (exit 137) ended it.
func GaveUp(pod *corev1.PodSpec, probe *corev1.Probe, lived time.Duration, exit int32) bool {
	least, most := TimingOf(probe).Budget()
	if exit == 137 {
		most += GracePeriod(pod, probe)
	}
	return lived >= least-StopSlack && lived <= most+StopSlack
}

// ProbePort is the handler of a probe that asks a port, and the port; "" for one that asks none.
func ProbePort(probe *corev1.Probe) (handler string, port intstr.IntOrString) {
	h := probe.ProbeHandler
	switch {
	case h.HTTPGet != nil:
		return "httpGet", h.HTTPGet.Port
	case h.TCPSocket != nil:
		return "tcpSocket", h.TCPSocket.Port
	case h.GRPC != nil:
		return "grpc", intstr.FromInt32(h.GRPC.Port)
	}
	return "", intstr.IntOrString{}
}
