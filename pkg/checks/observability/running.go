package observability

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// program is a container of pods that are ready, of one controller.
type program struct {
	name      string // of its image, as its project calls it
	container string
	of        *snapshot.Object // its controller or, where that is not known, a pod
	daemon    bool             // a DaemonSet runs it
	nodes     map[string]bool
}

type programsKey struct{}

// programs are what runs in the cluster. A pod that is not ready runs nothing that anybody could rely on.
func programs(p *rule.Pass) []*program {
	return snapshot.Derived(p.Snapshot, programsKey{}, func() []*program {
		type key struct {
			of               snapshot.Ref
			container, image string
		}
		var list []*program
		known := map[key]*program{}
		for _, o := range p.List(snapshot.PodKind, "") {
			pod := o.Pod()
			if pod == nil || pod.DeletionTimestamp != nil || !rule.PodReady(pod) {
				continue
			}
			owner, owned := o.OwnerRef()
			of := o.Key()
			if owned {
				of = owner.Key()
			}
			take := func(c *corev1.Container) {
				k := key{of, c.Name, c.Image}
				prog := known[k]
				if prog == nil {
					prog = &program{name: imageName(c.Image), container: c.Name, of: o, daemon: owned && owner.GroupKind() == snapshot.DaemonSetKind, nodes: map[string]bool{}}
					if by := p.Owner(o); by != nil {
						prog.of = by
					}
					known[k] = prog
					list = append(list, prog)
				}
				prog.nodes[pod.Spec.NodeName] = true
			}
			for i := range pod.Spec.InitContainers {
				if c := &pod.Spec.InitContainers[i]; c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
					take(c)
				}
			}
			for i := range pod.Spec.Containers {
				take(&pod.Spec.Containers[i])
			}
		}
		return list
	})
}

// called tells whether a program is one of those names, by its image or by the name that somebody gave its container.
func (g *program) called(is func(name string) bool) bool { return is(g.name) || is(g.container) }

// running is a program that is one of those names; nil where none runs.
func running(p *rule.Pass, is func(name string) bool) *program {
	list := programs(p)
	i := slices.IndexFunc(list, func(g *program) bool { return g.called(is) })
	if i < 0 {
		return nil
	}
	return list[i]
}

// imageName is what people call the program of an image: images of some projects are called no more than "agent".
func imageName(image string) string {
	base := knowledge.ImageBase(image)
	switch base {
	case "agent", "cluster-agent", "operator":
		for _, vendor := range []string{"datadog", "grafana", "instana"} {
			if strings.Contains(image, vendor) {
				return vendor + "-" + base
			}
		}
	case "ciprod": // Azure's agent for logs
		return "ama-logs"
	}
	// Rancher's copies are called after where they come from.
	return strings.TrimPrefix(base, "mirrored-")
}

// collector tells the programs that pass on whatever their configuration says: logs, metrics, traces, events.
// Source: the images of OpenTelemetry and of those who build its collector.
func collector(name string) bool {
	return strings.HasPrefix(name, "opentelemetry-collector") || strings.HasPrefix(name, "otelcol") || strings.HasSuffix(name, "otel-collector") ||
		strings.HasPrefix(name, "nrdot-collector") || name == "otc-container" || alloy(name)
}

// alloy tells the collectors of Grafana.
func alloy(name string) bool { return name == "alloy" || name == "grafana-agent" }

// podOf is a pod of an object that is ready or, where none is, any; nil where none is known.
func podOf(p *rule.Pass, o *snapshot.Object) *snapshot.Object {
	var other *snapshot.Object
	for _, pod := range p.PodsOf(o) {
		if pod.Pod() == nil || pod.Pod().Status.Phase == corev1.PodSucceeded || pod.Pod().Status.Phase == corev1.PodFailed {
			continue
		}
		if rule.PodReady(pod.Pod()) {
			return pod
		}
		other = pod
	}
	return other
}
