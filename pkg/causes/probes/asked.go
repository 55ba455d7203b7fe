package probes

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// asked is one probe of a container, and what became of it.
type asked struct {
	kind  string // as the kubelet's events call it: "Liveness"
	field string // "livenessProbe"
	probe *corev1.Probe
	kill  *kill         // how it ended the last life; nil where it ended none
	event *corev1.Event // what it met last, in that life or in the present one; nil when events are gone
}

// askedOf are the probes of a container that has run, and not those of a pod that is being deleted.
func askedOf(p *rule.Pass, c snapshot.Container) []asked {
	if c.Status == nil || p.Object.Pod().DeletionTimestamp != nil {
		return nil
	}
	var list []asked
	for _, a := range []asked{
		{kind: "Startup", field: "startupProbe", probe: c.StartupProbe},
		{kind: "Liveness", field: "livenessProbe", probe: c.LivenessProbe},
		{kind: "Readiness", field: "readinessProbe", probe: c.ReadinessProbe},
	} {
		if a.probe == nil {
			continue
		}
		if a.kind != "Readiness" {
			if a.kill = killedBy(p, c, a.kind, a.probe); a.kill != nil {
				if a.event = a.kill.failed; a.event == nil {
					a.event = a.kill.loop
				}
			}
		}
		if run := c.Status.State.Running; a.event == nil && run != nil {
			e := p.ContainerEvent(c.Name, "Unhealthy", a.kind+" probe")
			if e != nil && !snapshot.EventTime(e).Before(run.StartedAt.Truncate(time.Second)) {
				a.event = e
			}
		}
		list = append(list, a)
	}
	return list
}

// says is what the probe met last, in the kubelet's words.
func (a *asked) says() string {
	if a.event == nil {
		return ""
	}
	return a.event.Message
}

// certain is the certainty of what the kubelet says by itself: it said so of the very life that ended, or
// of the one that goes on.
func (a *asked) certain() rule.Certainty {
	if a.event != nil && (a.kill == nil || a.kill.event != nil && a.kill.failed != nil) {
		return rule.Certain
	}
	return rule.Likely
}

// name words which probe it is.
func (a *asked) name() string { return strings.ToLower(a.kind) + " probe" }

// never tells whether the probe has never passed in the life that it ended: what it asks was not there
// from the start. Only a startup probe that asks the very same proves that it was.
func (a *asked) never(c snapshot.Container) bool {
	switch {
	case a.kind == "Startup":
		return c.Status.Started == nil || !*c.Status.Started || a.kill != nil
	case a.kill == nil:
		return false
	}
	return a.kill.unproven(c)
}

// holdsBack tells whether the container runs and is kept from starting or from traffic by this probe.
func (a *asked) holdsBack(c snapshot.Container) bool {
	if c.Status.State.Running == nil || c.Status.Ready {
		return false
	}
	started := c.Status.Started == nil || *c.Status.Started
	return a.kind == "Startup" && !started || a.kind == "Readiness" && started
}

// outcome words what the probe has done to the container, for the end of a message.
func (a *asked) outcome(p *rule.Pass, c snapshot.Container) string {
	switch {
	case a.kill != nil:
		return fmt.Sprintf("killed %s after start, %s", rule.Human(a.kill.death.Ran()), a.kill.again(p))
	case a.kind == "Startup" && a.holdsBack(c):
		return fmt.Sprintf("not started for %s", rule.Human(p.Age(c.Status.State.Running.StartedAt.Time)))
	case a.holdsBack(c):
		return fmt.Sprintf("not ready for %s", rule.Human(p.Age(c.Status.State.Running.StartedAt.Time)))
	}
	return "running"
}

// again words how often a container was started again.
func (k *kill) again(p *rule.Pass) string {
	if k.stop != nil {
		text := fmt.Sprintf("and not started again, since restartPolicy is %s", p.Object.Pod().Spec.RestartPolicy)
		if p.Object.Pod().Status.Phase == corev1.PodSucceeded {
			text += " and it exits 0: it counts as completed"
		}
		return text
	}
	return rule.Count(int(k.death.Restarts), "restart")
}

// evidence quotes what the probe met, and the end that it led to or the state that it keeps; then more, and
// last the arithmetic.
func (a *asked) evidence(p *rule.Pass, c snapshot.Container, more ...rule.Evidence) []rule.Evidence {
	if a.kill != nil {
		return append(append(a.kill.evidence(p, c), more...), a.kill.sum(p, c, a))
	}
	var list []rule.Evidence
	if a.event != nil {
		list = append(list, rule.EventEvidence(a.event))
	}
	if run := c.Status.State.Running; run != nil {
		text := fmt.Sprintf("running for %s, ready: %v, %s", rule.Human(p.Age(run.StartedAt.Time)), c.Status.Ready, rule.Count(int(c.Status.RestartCount), "restart"))
		if a.kind == "Startup" && a.holdsBack(c) {
			text += ", started: false"
		}
		list = append(list, rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: text})
	}
	return append(list, more...)
}

// sum is the arithmetic of a kill: when the probe gives up, and how long the container lived.
func (k *kill) sum(p *rule.Pass, c snapshot.Container, a *asked) rule.Evidence {
	text := fmt.Sprintf("gives up %s to %s after start (delay %s, %s, %s apart, timeout %s), and that life got %s",
		rule.Seconds(k.least), rule.Seconds(k.most-knowledge.StopSlack), rule.Seconds(k.timing.InitialDelay), rule.Count(k.timing.Failures, "failure"),
		rule.Seconds(k.timing.Period), rule.Seconds(k.timing.Timeout), rule.Seconds(k.lived))
	if over := k.death.Ran() - k.lived; over > knowledge.StopSlack {
		text += fmt.Sprintf(", and %s to stop", rule.Seconds(over))
	}
	return rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: a.field, Text: a.name() + " " + text}
}

// stage is where the fault strikes.
func (a *asked) stage(c snapshot.Container) rule.Stage {
	switch {
	case c.Init || c.Beside && a.kind == "Startup":
		return rule.StageInit
	case a.kill != nil:
		return rule.StageProbeKill
	}
	return rule.StageNotReady
}

// past tells whether the container has done well since.
func (a *asked) past() bool { return a.kill != nil && a.kill.death.Over }

// asks words what a probe does: "GET /healthz on port 8080".
func asks(probe *corev1.Probe) string {
	h := probe.ProbeHandler
	switch {
	case h.HTTPGet != nil:
		return fmt.Sprintf("GET %s on port %s", pathOf(h.HTTPGet), h.HTTPGet.Port.String())
	case h.TCPSocket != nil:
		return "a connection to port " + h.TCPSocket.Port.String()
	case h.GRPC != nil:
		return fmt.Sprintf("a gRPC health check on port %d", h.GRPC.Port)
	case h.Exec != nil && len(h.Exec.Command) > 0:
		return "the command " + rule.Quote(strings.Join(h.Exec.Command, " "))
	}
	return "its command"
}

func pathOf(get *corev1.HTTPGetAction) string {
	if get.Path == "" {
		return "/"
	}
	return get.Path
}

// resolve is the number that a probe's port stands for, as the kubelet finds it: a name among the ports
// of the same container, else a number in quotes. Index is that of the port declared by the name, or -1.
func resolve(c snapshot.Container, port intstr.IntOrString) (number int32, index int, ok bool) {
	if port.Type == intstr.Int {
		return port.IntVal, -1, port.IntVal > 0
	}
	for i, cp := range c.Ports {
		if cp.Name == port.StrVal {
			return cp.ContainerPort, i, true
		}
	}
	n, err := strconv.ParseInt(port.StrVal, 10, 32)
	return int32(n), -1, err == nil && n > 0
}

// tcpPorts are the ports of a container to which a probe can connect.
func tcpPorts(c snapshot.Container) []corev1.ContainerPort {
	var list []corev1.ContainerPort
	for _, cp := range c.Ports {
		if cp.Protocol == "" || cp.Protocol == corev1.ProtocolTCP {
			list = append(list, cp)
		}
	}
	return list
}

// passing are the other probes of a container that are known to pass: readiness where it is ready, and
// the startup probe once liveness is asked at all.
func passing(c snapshot.Container, but *asked) []asked {
	var list []asked
	if c.StartupProbe != nil && but.kind != "Startup" {
		list = append(list, asked{kind: "Startup", field: "startupProbe", probe: c.StartupProbe})
	}
	if c.ReadinessProbe != nil && but.kind != "Readiness" && c.Status.Ready {
		list = append(list, asked{kind: "Readiness", field: "readinessProbe", probe: c.ReadinessProbe})
	}
	return list
}
