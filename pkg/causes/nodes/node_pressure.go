package nodes

import (
	"fmt"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	helper "k8s.io/component-helpers/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodePressure finds nodes that run short of memory, disk or process ids.
var NodePressure = rule.Cause{
	ID: "node-pressure", Title: "the node runs short", Doc: rule.ReadDoc(docs, "node_pressure.md"),
	Peers: map[string][]string{"popeye": {"POP-703", "POP-704", "POP-705", "POP-706"}},
	// The node works: what else keeps a pod of it from running explains that better. What the shortage did to
	// a pod points here by Because, unless the pod itself took more than its share.
	Stage: rule.StageCondition, On: rule.Kinds(snapshot.NodeKind),
	Run: func(p *rule.Pass) {
		node, ok := p.Object.Typed.(*corev1.Node)
		if !ok {
			return
		}
		for _, c := range node.Status.Conditions {
			if what := pressures[c.Type]; what != "" && c.Status == corev1.ConditionTrue {
				reportPressure(p, c, what)
			}
		}
	},
}

var pressures = map[corev1.NodeConditionType]string{
	corev1.NodeMemoryPressure: "memory", corev1.NodeDiskPressure: "disk", corev1.NodePIDPressure: "process ids",
}

func reportPressure(p *rule.Pass, c corev1.NodeCondition, what string) {
	f := rule.Finding{
		NoField:  "no single setting is to blame: all that runs on the machine takes part of it",
		Message:  fmt.Sprintf("runs short of %s for %s: its kubelet evicts pods, and takes no new ones without a toleration", what, since(p, &c)),
		Evidence: []rule.Evidence{conditionEvidence(p, c)}, Certainty: rule.Certain,
		Fix: &rule.Fix{Title: fmt.Sprintf("see what takes the %s of the machine", what), Applicability: rule.NeedsThought, Lines: []string{rule.Kubectl(p.Context, "", "describe", "node", p.Object.Name)}},
	}
	switch c.Type {
	case corev1.NodeMemoryPressure:
		f.Fix.Title = "give the pods that use most the memory requests that they need, so that fewer land here"
		if list := unrequested(p); len(list) > 0 {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: "without a memory request, so counted as nothing by the scheduler: " + strings.Join(list, ", ")})
		}
	case corev1.NodeDiskPressure:
		f.Fix.Title = "free the disk: images, logs, what pods write outside of volumes"
		f.Fix.Lines = append(f.Fix.Lines, "on the machine: df -h; crictl images; du -xh -d1 /var/lib/kubelet /var/log /var/lib/containerd | sort -h | tail")
	}
	p.Report(f)
}

// unrequested are pods on the node that run and request no memory.
func unrequested(p *rule.Pass) []string {
	const few = 5
	var list []string
	for _, o := range p.List(snapshot.PodKind, "") {
		pod := o.Pod()
		if pod.Spec.NodeName != p.Object.Name || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		if q := helper.PodRequests(pod, helper.PodResourcesOptions{})[corev1.ResourceMemory]; q.IsZero() {
			list = append(list, o.String())
		}
	}
	sort.Strings(list)
	if len(list) > few {
		return append(list[:few:few], fmt.Sprintf("%d more", len(list)-few))
	}
	return list
}
