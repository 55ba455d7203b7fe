package efficiency

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const (
	// autoscalerStatus is the ConfigMap in which the cluster autoscaler says how it is doing, also where a provider runs it
	// out of sight. Source: clusterstate/utils/status.go of kubernetes/autoscaler.
	autoscalerStatus  = "cluster-autoscaler-status"
	autoscalerUpdated = "cluster-autoscaler.kubernetes.io/last-updated"

	// statusFresh is how old that may be: it is written every ten seconds.
	statusFresh = time.Hour
)

// elastic are labels of nodes that come and go with their pods. Source: EKS' Auto Mode and Fargate, and the virtual kubelet.
var elastic = map[string][]string{"eks.amazonaws.com/compute-type": {"auto", "fargate"}, "type": {"virtual-kubelet"}}

// NodeAutoscalerMissing finds clusters whose nodes are as many as somebody ordered.
var NodeAutoscalerMissing = rule.Check{
	ID: "node-autoscaler-missing", Title: "nothing adds and removes nodes by need", Doc: rule.ReadDoc(docs, "node_autoscaler_missing.md"),
	Dimension: rule.Efficiency, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: []schema.GroupKind{snapshot.NodeKind, snapshot.NodePoolKind, snapshot.ConfigMapKind, snapshot.DeploymentKind},
	Run: func(p *rule.Pass) {
		var why []string
		for _, program := range p.Programs("cluster-autoscaler", "cluster-autoscaler-amd64", "cluster-autoscaler-arm64", "spotinst-kubernetes-cluster-controller") {
			if program.Ready > 0 {
				return
			}
			why = append(why, inNamespace(program.Object)+" has no pod that is ready")
		}
		for _, o := range p.List(snapshot.ConfigMapKind, "") {
			if o.Name != autoscalerStatus {
				continue
			}
			at, ok := goTime(o.Meta.GetAnnotations()[autoscalerUpdated])
			if ok && p.Age(at) <= statusFresh {
				return
			}
			if ok {
				why = append(why, fmt.Sprintf("%s was written %s ago", inNamespace(o), rule.Human(p.Age(at))))
			}
		}
		for _, o := range p.List(snapshot.NodePoolKind, "") {
			because := poolIdle(p, o)
			if because == "" {
				return
			}
			why = append(why, o.String()+" "+because)
		}
		for _, o := range p.List(snapshot.NodeKind, "") {
			for key, values := range elastic {
				for _, v := range values {
					if o.Meta.GetLabels()[key] == v {
						return
					}
				}
			}
		}
		f := rule.Finding{NoField: "what is missing stands nowhere", Message: fmt.Sprintf("neither a cluster autoscaler nor Karpenter was seen: there are %s, whatever the pods ask for", rule.Count(len(p.List(snapshot.NodeKind, "")), "node"))}
		if len(why) > 0 {
			f.Message = "no node autoscaler works: " + strings.Join(why[:min(len(why), 2)], "; ")
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "let the provider's autoscaler, the cluster autoscaler or Karpenter order nodes, between a least and a most", Applicability: rule.NeedsThought,
			Caution: "it goes by requests, which have to be right; and it removes nodes: PodDisruptionBudgets and more than one replica have to be there first",
		})
	},
}

// poolIdle is why a NodePool of Karpenter adds no nodes; "" where it does. Ready is told by versions since 1.0.
func poolIdle(p *rule.Pass, o *snapshot.Object) string {
	if cpu, ok := o.At("spec", "limits", "cpu"); ok && (cpu == "0" || cpu == int64(0) || cpu == float64(0)) {
		return "has a limit of 0 CPUs"
	}
	v, _ := o.At("status", "conditions")
	items, _ := v.([]any)
	for _, item := range items {
		if c, ok := item.(map[string]any); ok && c["type"] == "Ready" {
			if c["status"] == "True" {
				return ""
			}
			return "is not ready"
		}
	}
	for _, program := range p.Programs("controller", "karpenter") {
		if program.Ready > 0 && strings.Contains(program.Repository, "karpenter") {
			return ""
		}
	}
	return "is not said to be ready, and no pod of Karpenter is"
}

// goTime reads a time as Go's String writes it: 2026-01-15 11:59:59.5 +0000 UTC m=+43.6.
func goTime(text string) (time.Time, bool) {
	text, _, _ = strings.Cut(text, " m=")
	t, err := time.Parse("2006-01-02 15:04:05.999999999 -0700 MST", text)
	return t, err == nil
}
