package observability

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AgentMissesNodes finds agents for logs and metrics that taints keep from some of the nodes.
var AgentMissesNodes = rule.Check{
	ID: "agent-misses-nodes", Title: "an agent that some nodes do not let in", Doc: rule.ReadDoc(docs, "agent_misses_nodes.md"),
	Dimension: rule.Observability, Severity: rule.Medium, On: rule.Kinds(snapshot.DaemonSetKind),
	Needs:   []schema.GroupKind{snapshot.NodeKind},
	Applies: func(p *rule.Pass) bool { return agentOf(p.Object) != "" },
	Run: func(p *rule.Pass) {
		ds, ok := p.Object.Typed.(*appsv1.DaemonSet)
		if !ok {
			return
		}
		required := nodeaffinity.GetRequiredNodeAffinity(&corev1.Pod{Spec: ds.Spec.Template.Spec})
		var missed []string
		taints, workers, nodes := map[string]bool{}, false, 0
		for _, o := range p.List(snapshot.NodeKind, "") {
			node, ok := o.Typed.(*corev1.Node)
			if !ok {
				continue
			}
			nodes++
			if match, err := required.Match(node); err != nil || !match {
				continue // somebody chose the nodes
			}
			for _, taint := range node.Spec.Taints {
				if taint.Effect == corev1.TaintEffectPreferNoSchedule || rule.PassingTaint(taint) || rule.TolerationFor(taint, ds.Spec.Template.Spec.Tolerations) >= 0 {
					continue
				}
				missed = append(missed, node.Name)
				taints[taint.ToString()] = true
				workers = workers || taint.Key != controlPlane && taint.Key != master
				break
			}
		}
		if len(missed) == 0 {
			return
		}
		f := rule.Finding{
			Field: p.Object.Templates[0].SpecPath().Child("tolerations"), Label: "tolerates not all taints",
			Message: fmt.Sprintf("%s does not run on %d of %s (%s): it does not tolerate %s", agentOf(p.Object), len(missed), rule.Count(nodes, "node"),
				strings.Join(missed[:min(len(missed), 3)], ", "), strings.Join(slices.Sorted(maps.Keys(taints)), ", ")),
		}
		if !workers {
			f.Severity = rule.Low // only what serves the cluster itself is not seen
		}
		all := []any{map[string]any{"operator": "Exists"}}
		patch := p.Put(f.Field, all)
		p.Report(f).WithFix(rule.Fix{
			Title: "tolerate everything: an agent belongs on each node", Applicability: rule.NeedsThought,
			Caution: "nodes that are tainted to be kept free, or that are not ready yet, get it too", Patch: patch, Command: p.Live(patch), YAML: "tolerations:\n- operator: Exists\n",
		})
	},
}

const (
	controlPlane = "node-role.kubernetes.io/control-plane"
	master       = "node-role.kubernetes.io/master"
)

// agents are images of what tells how nodes and the pods on them are doing. Source: the images of each project.
var agents = map[string]bool{
	"fluent-bit": true, "fluentd": true, "fluentd-kubernetes-daemonset": true, "fluentd-elasticsearch": true, "vector": true, "promtail": true, "alloy": true, "filebeat": true, "metricbeat": true, "elastic-agent": true,
	"opentelemetry-collector": true, "opentelemetry-collector-contrib": true, "opentelemetry-collector-k8s": true, "otelcol": true, "otelcol-contrib": true, "cloudwatch-agent": true, "aws-for-fluent-bit": true,
	"node-exporter": true, "prometheus-node-exporter": true, "datadog-agent": true, "telegraf": true, "vmagent": true, "falco": true,
}

// agentOf is the name of the agent that an object runs, or "".
func agentOf(o *snapshot.Object) string {
	for _, t := range o.Templates {
		for _, c := range t.Containers() {
			base := knowledge.ImageBase(c.Image)
			if !c.Init && (agents[base] || base == "agent" && (strings.Contains(c.Image, "datadog/") || strings.Contains(c.Image, "grafana/"))) {
				return base
			}
		}
	}
	return ""
}
