package efficiency

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// stillKept is how old the newest checkpoint of a VerticalPodAutoscaler may be: its recommender writes them by the minute.
const stillKept = 24 * time.Hour

// operated are kinds for which operators run what keeps metrics, under images of any name.
var operated = []schema.GroupKind{snapshot.PrometheusKind, snapshot.PrometheusAgentKind, snapshot.VMSingleKind, snapshot.VMClusterKind, snapshot.VMAgentKind}

// UsageHistoryMissing finds clusters in which nobody keeps how much is used.
var UsageHistoryMissing = rule.Check{
	ID: "usage-history-missing", Title: "nothing keeps how much was used", Doc: rule.ReadDoc(docs, "usage_history_missing.md"),
	Dimension: rule.Efficiency, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: append([]schema.GroupKind{snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.VPACheckpointKind}, operated...),
	Run: func(p *rule.Pass) {
		for _, gk := range operated {
			if slices.ContainsFunc(p.List(gk, ""), operational) {
				return
			}
		}
		for _, o := range p.List(snapshot.VPACheckpointKind, "") {
			if t, ok := timeIn(o, "status", "lastUpdateTime"); ok && p.Age(t) <= stillKept {
				return
			}
		}
		var idle, open []rule.Program
		for _, program := range p.Programs(rule.Distinct(knowledge.HistoryImages())...) {
			keeps, known := knowledge.KeepsHistory(program.Repository)
			switch {
			case keeps && program.Ready > 0:
				return
			case keeps:
				idle = append(idle, program)
			case !known && program.Ready > 0:
				open = append(open, program)
			}
		}
		if len(open) > 0 {
			p.Unknown("%s runs %s, and whether it sends on what is used stands in its settings", inNamespace(open[0].Object), open[0].Image)
			return
		}
		f := rule.Finding{NoField: "what is missing stands nowhere", Message: "neither Prometheus nor another program that keeps metrics runs here, and no VerticalPodAutoscaler remembers: what was used yesterday nobody knows"}
		if len(idle) > 0 {
			f.Message = fmt.Sprintf("nothing keeps what is used: %s, which runs %s, has no pod that is ready", inNamespace(idle[0].Object), idle[0].Image)
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "keep CPU and memory of containers and nodes for some weeks, with Prometheus or a service that takes them in", Applicability: rule.NeedsThought,
			Caution: "it needs memory and disk of its own, for each container and label that it keeps",
		})
	},
}

// timeIn is the time at a path of an object whose kind is not Kubernetes' own.
func timeIn(o *snapshot.Object, keys ...string) (time.Time, bool) {
	v, _ := o.At(keys...)
	text, _ := v.(string)
	t, err := time.Parse(time.RFC3339, text)
	return t, err == nil
}

// inNamespace names an object and where it is.
func inNamespace(o *snapshot.Object) string {
	if o.Namespace == "" {
		return o.String()
	}
	return o.String() + " in " + o.Namespace
}

// operational tells whether an operator says that what it runs for an object works. Source: the status of
// prometheus-operator's kinds, and of the VictoriaMetrics operator's.
func operational(o *snapshot.Object) bool {
	v, _ := o.At("status", "availableReplicas")
	switch n := v.(type) {
	case int64:
		return n > 0
	case float64:
		return n > 0
	}
	for _, name := range []string{"updateStatus", "clusterStatus", "singleStatus"} {
		if v, _ := o.At("status", name); v == "operational" {
			return true
		}
	}
	return false
}
