package reliability

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ReplicasMin finds Services that a single pod stands behind.
var ReplicasMin = rule.Check{
	ID: "replicas-min", Title: "one replica behind a Service", Doc: rule.ReadDoc(docs, "replicas_min.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Needs: []schema.GroupKind{snapshot.ServiceKind, snapshot.HPAKind},
	Applies: func(p *rule.Pass) bool {
		s, ok := scaleOf(p, p.Object)
		return ok && (s.count > 0 || s.object != p.Object) && (len(servicesInFront(p)) > 0 || unread(p, snapshot.ServiceKind) != "")
	},
	Run: func(p *rule.Pass) {
		s, _ := scaleOf(p, p.Object)
		if s.count > 1 {
			return
		}
		services := servicesInFront(p)
		f := rule.Finding{
			Object:  s.object.Ref,
			Field:   s.field,
			Message: fmt.Sprintf("a single replica stands behind %s: when its pod or its node goes, nothing answers", names(services)),
			Label:   "one pod is all there is",
		}
		switch {
		case s.object != p.Object && s.count == 0:
			f.Message = fmt.Sprintf("%s may scale %s behind %s down to none: the first requests after that find nobody", s.object, p.Object, names(services))
			f.Severity = rule.Low
		case s.object != p.Object:
			f.Message = fmt.Sprintf("%s scales %s behind %s down to a single replica: when its pod or its node goes, nothing answers", s.object, p.Object, names(services))
		}
		if s.unset {
			f.Message += fmt.Sprintf(" (%s is not set, and %d by default)", last(s.field), s.count)
		} else {
			f.Value = fmt.Sprint(s.count)
		}
		if d, ok := p.Object.Typed.(*appsv1.Deployment); ok && d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
			f.Message += "; strategy Recreate stops it at every rollout too"
		}
		p.Report(f).WithFix(rule.Fix{
			Title:         "run two, on different nodes",
			Caution:       "two copies must be able to work side by side: sessions, locks, and volumes that only one node may mount speak against it",
			Applicability: rule.NeedsThought,
			Object:        s.object.Ref,
			Patch:         rule.PutIn(s.object, s.field, int64(2)),
			Command:       scaleCommand(s),
		})
	},
	Peers: map[string][]string{
		"popeye": {"POP-1109"}, "polaris": {"deploymentMissingReplicas", "hpaMinAvailability"}, "kube-score": {"deployment-replicas", "horizontalpodautoscaler-replicas"},
		"kube-linter": {"minimum-three-replicas", "hpa-minimum-three-replicas"},
	},
}

func scaleCommand(s scale) []string {
	switch s.object.GroupKind() {
	case snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.ReplicaSetKind, snapshot.RCKind:
		return []string{"scale", s.object.String(), "--replicas=2"}
	}
	return []string{"patch", s.object.String(), "--type=merge", "-p", fmt.Sprintf(`{"spec":{%q:2}}`, last(s.field))}
}

// servicesInFront are the Services that send traffic to any template of the object.
func servicesInFront(p *rule.Pass) []*snapshot.Object {
	for _, t := range p.Object.Templates {
		if list := p.ServicesOf(p.Object, t); len(list) > 0 {
			return list
		}
	}
	return nil
}
