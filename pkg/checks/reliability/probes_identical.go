package reliability

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// ProbesIdentical finds containers that are killed where taking them out of the Service would do.
var ProbesIdentical = rule.Check{
	ID: "probes-identical", Title: "liveness kills as soon as readiness fails", Doc: rule.ReadDoc(docs, "probes_identical.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		for _, c := range apps(p) {
			if c.LivenessProbe != nil && c.ReadinessProbe != nil {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		for _, c := range apps(p) {
			if c.LivenessProbe == nil || c.ReadinessProbe == nil || !sameQuestion(c.Container.Container) {
				continue
			}
			live, ready := knowledge.TimingOf(c.LivenessProbe), knowledge.TimingOf(c.ReadinessProbe)
			kill, drop := time.Duration(live.Failures)*live.Period, time.Duration(ready.Failures)*ready.Period
			if live.Timeout > ready.Timeout || kill > drop {
				continue
			}
			more := int((3*drop + live.Period - 1) / live.Period)
			failures := c.Path.Child("livenessProbe", "failureThreshold")
			f := rule.Finding{
				Seen:  p.Object.In(c.Name),
				Field: c.Path.Child("livenessProbe"),
				Message: fmt.Sprintf("container %q: liveness and readiness ask the same, and both give up after %s: what should only lose its traffic is restarted",
					c.Name, rule.Count(live.Failures, "failure")),
				Label: "the same question, and no more patience than readinessProbe",
				Marks: []rule.Mark{{Field: c.Path.Child("readinessProbe"), Label: "takes it out of its Services at the same moment"}},
			}
			// Without traffic there is none to lose, and an open port is asked of the process alone.
			if services := servicesInFront(p); len(services) == 0 || onlyMetrics(services) || c.LivenessProbe.TCPSocket != nil {
				f.Severity = rule.Low
			}
			if kill != drop || live.Failures != ready.Failures {
				f.Message = fmt.Sprintf("container %q: liveness and readiness ask the same, and liveness gives up after %d x %s, no later than readiness after %d x %s: what should only lose its traffic is restarted",
					c.Name, live.Failures, rule.Seconds(live.Period), ready.Failures, rule.Seconds(ready.Period))
				f.Marks[0].Label = fmt.Sprintf("takes it out of its Services after %d x %s", ready.Failures, rule.Seconds(ready.Period))
			}
			p.Report(f).WithFix(rule.Fix{
				Title:         "ask liveness something of the process alone, or let it wait much longer than readiness",
				Caution:       fmt.Sprintf("failureThreshold %d waits three times as long as readiness, and is no measurement; the better fix is an endpoint that looks at nothing but the process", more),
				Applicability: rule.NeedsThought,
				Patch:         p.Put(failures, int64(more)),
			})
		}
	},
	Peers: map[string][]string{"kube-score": {"pod-probes-identical", "pod-probes"}},
}

// sameQuestion tells whether both probes ask the same, with defaults filled in and ports resolved.
func sameQuestion(c *corev1.Container) bool {
	return equality.Semantic.DeepEqual(question(c, c.LivenessProbe), question(c, c.ReadinessProbe))
}

func question(c *corev1.Container, p *corev1.Probe) corev1.ProbeHandler {
	h := *p.ProbeHandler.DeepCopy()
	switch {
	case h.HTTPGet != nil:
		if h.HTTPGet.Scheme == "" {
			h.HTTPGet.Scheme = corev1.URISchemeHTTP
		}
		if h.HTTPGet.Path == "" {
			h.HTTPGet.Path = "/"
		}
		h.HTTPGet.Port = portNumber(c, h.HTTPGet.Port)
	case h.TCPSocket != nil:
		h.TCPSocket.Port = portNumber(c, h.TCPSocket.Port)
	case h.GRPC != nil && h.GRPC.Service == nil:
		h.GRPC.Service = new(string)
	}
	return h
}

func portNumber(c *corev1.Container, port intstr.IntOrString) intstr.IntOrString {
	for _, cp := range c.Ports {
		if port.Type == intstr.String && cp.Name == port.StrVal {
			return intstr.FromInt32(cp.ContainerPort)
		}
	}
	return port
}
