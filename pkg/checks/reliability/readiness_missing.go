package reliability

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ReadinessMissing finds containers that get traffic before they can answer.
var ReadinessMissing = rule.Check{
	ID: "readiness-missing", Title: "no readinessProbe: traffic comes before it can answer", Doc: rule.ReadDoc(docs, "readiness_missing.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool { return len(judged(p)) > 0 },
	Run: func(p *rule.Pass) {
		for _, c := range judged(p) {
			if c.ReadinessProbe != nil || asksItself(p.Object, c, "readinessProbe") {
				continue
			}
			f := rule.Finding{
				Seen:    p.Object.In(c.Name),
				Field:   c.Path.Child("readinessProbe"),
				Message: fmt.Sprintf("container %q has no readinessProbe: it counts as ready the moment it starts, so a rollout goes on with one that does not work", c.Name),
				Label:   "no readinessProbe here",
			}
			services := servedBy(p, c)
			switch {
			case c.StartupProbe != nil && len(services) > 0 && !onlyMetrics(services): // not ready before that has passed
				f.Severity = rule.Medium
				f.Message = fmt.Sprintf("container %q has no readinessProbe: once its startupProbe has passed %s it requests, also while it cannot answer", c.Name, does(services, "sends", "send"))
			case c.StartupProbe != nil:
				f.Severity = rule.Low
				f.Message = fmt.Sprintf("container %q has no readinessProbe: once its startupProbe has passed it counts as ready, whatever becomes of it", c.Name)
			case onlyMetrics(services):
				f.Severity = rule.Low
			case len(services) > 0:
				f.Severity = rule.High
				f.Message = fmt.Sprintf("container %q has no readinessProbe: %s it requests the moment it starts, and while it cannot answer", c.Name, does(services, "sends", "send"))
			case p.Object.Pod() != nil: // which no rollout replaces
				f.Severity = rule.Low
				f.Message = fmt.Sprintf("container %q has no readinessProbe: it counts as ready the moment it starts, whether it works or not", c.Name)
			case anyReadiness(c.template): // a helper beside what does the work
				f.Severity = rule.Low
			case len(declared(c.template)) == 0 && len(p.ServicesOf(p.Object, c.template)) == 0: // a worker that nobody asks anything
				f.Severity = rule.Low
			}
			if c.LivenessProbe != nil {
				f.RuledOut = append(f.RuledOut, "it has a livenessProbe, which does not hold traffic back")
			}
			caution := "it may fail for a while without a restart; a failure takes the pod out of its Services"
			if p.Object.GroupKind() == snapshot.StatefulSetKind && slices.ContainsFunc(services, headless) {
				caution += "; members that find each other by name before they are ready need publishNotReadyAddresses: true there"
			}
			p.Report(f).WithFix(probeFix(p, c, "readinessProbe", "ask what tells that it can serve a request now", caution, "<PATH>"))
		}
	},
	Peers: map[string][]string{
		"polaris": {"readinessProbeMissing"}, "popeye": {"POP-104", "POP-102"}, "kube-score": {"pod-probes"},
		"kube-linter": {"no-readiness-probe"}, "kubescape": {"configured-readiness-probe"},
	},
}

// headless tells whether a Service gives its pods names, which it withholds from those that are not ready.
func headless(o *snapshot.Object) bool {
	svc, ok := o.Typed.(*corev1.Service)
	return ok && svc.Spec.ClusterIP == corev1.ClusterIPNone
}

// servedBy are the Services that lead to the container: to a port that it declares or, where no
// container of the pod declares that port, to any container of a pod without readiness.
func servedBy(p *rule.Pass, c app) []*snapshot.Object {
	if s, ok := scaleOf(p, p.Object); ok && s.count == 0 && s.object == p.Object {
		return nil
	}
	var found []*snapshot.Object
	for _, o := range p.ServicesOf(p.Object, c.template) {
		svc, ok := o.Typed.(*corev1.Service)
		if !ok || svc.Spec.PublishNotReadyAddresses { // no probe would hold anything back
			continue
		}
		for i := range svc.Spec.Ports {
			port := &svc.Spec.Ports[i]
			owner, declared := portOwner(c.template, port)
			if declared && owner == c.Name || !declared && !anyReadiness(c.template) {
				found = append(found, o)
				break
			}
		}
	}
	return found
}

// portOwner is the container that declares the port to which a Service's port leads.
func portOwner(t snapshot.Template, port *corev1.ServicePort) (container string, ok bool) {
	target := rule.TargetOf(port)
	for _, c := range t.Containers() {
		if c.Init {
			continue
		}
		for _, cp := range c.Ports {
			if protocol(cp.Protocol) != protocol(port.Protocol) {
				continue
			}
			if target.Type == intstr.String && cp.Name == target.StrVal || target.Type == intstr.Int && cp.ContainerPort == target.IntVal {
				return c.Name, true
			}
		}
	}
	return "", false
}

// targetOf is the port of the pod to which a Service's port leads: by default the same number.

func protocol(p corev1.Protocol) corev1.Protocol {
	if p == "" {
		return corev1.ProtocolTCP
	}
	return p
}

func anyReadiness(t snapshot.Template) bool {
	for _, c := range t.Containers() {
		if !c.Init && c.ReadinessProbe != nil {
			return true
		}
	}
	return false
}
