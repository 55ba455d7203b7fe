package reliability

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HPAMaxEqMin finds autoscalers that have no room to scale.
var HPAMaxEqMin = rule.Check{
	ID: "hpa-max-eq-min", Title: "an autoscaler that cannot scale", Doc: rule.ReadDoc(docs, "hpa_max_eq_min.md"),
	Dimension: rule.Reliability, Severity: rule.Low, On: rule.Kinds(snapshot.HPAKind, snapshot.ScaledObjectKind),
	Applies: func(p *rule.Pass) bool {
		r, ok := rangeOf(p.Object)
		return ok && r.most > 0
	},
	Run: func(p *rule.Pass) {
		r, ok := rangeOf(p.Object)
		if !ok || r.least < r.most {
			return
		}
		path := field.NewPath("spec", r.field)
		f := rule.Finding{
			Field: path, Value: fmt.Sprint(r.most), Label: "and no fewer are allowed",
			Message: fmt.Sprintf("the fewest and the most replicas are both %d: whatever the load, it never scales", r.most),
		}
		if r.unset {
			f.Message = fmt.Sprintf("the most replicas are %d, and so are the fewest by default: whatever the load, it never scales", r.most)
		}
		if r.least > r.most {
			f.Severity = rule.High
			f.Label = fmt.Sprintf("below the fewest, %d", r.least)
			f.Message = fmt.Sprintf("the most replicas are %d and the fewest %d: it is refused", r.most, r.least)
		}
		patch := p.Put(path, "<REPLICAS>")
		p.Report(f).WithFix(rule.Fix{
			Title:         "allow as many as the load of the busiest hour needs",
			Caution:       "the cluster, and what stands behind these pods, must bear that many; to keep the number fixed, delete the autoscaler and set replicas",
			Applicability: rule.Placeholders, Patch: patch, Command: liveNumber(p, patch, "<REPLICAS>"), YAML: r.field + ": <REPLICAS>\n",
		})
	},
	Peers: map[string][]string{"polaris": {"hpaMaxAvailability"}},
}

// replicaRange is how few and how many replicas an autoscaler may set.
type replicaRange struct {
	least, most int
	field       string // of the most
	unset       bool   // the fewest are the default
}

// rangeOf reads the range of an autoscaler; not ok where no upper end is written.
func rangeOf(o *snapshot.Object) (replicaRange, bool) {
	if hpa, ok := o.Typed.(*autoscalingv2.HorizontalPodAutoscaler); ok {
		r := replicaRange{least: 1, most: int(hpa.Spec.MaxReplicas), field: "maxReplicas", unset: hpa.Spec.MinReplicas == nil}
		if !r.unset {
			r.least = int(*hpa.Spec.MinReplicas)
		}
		return r, true
	}
	most, ok := snapshot.WholeIn(o.Content, "spec", "maxReplicaCount")
	if !ok { // KEDA's default is 100
		return replicaRange{}, false
	}
	least, set := snapshot.WholeIn(o.Content, "spec", "minReplicaCount") // KEDA's default is 0
	if idle, ok := snapshot.WholeIn(o.Content, "spec", "idleReplicaCount"); ok && idle < least {
		least = idle // so many while there is nothing to do
	}
	return replicaRange{least: int(least), most: int(most), field: "maxReplicaCount", unset: !set}, true
}
