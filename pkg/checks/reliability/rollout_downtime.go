package reliability

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RolloutDowntime finds rolling updates whose numbers take all pods away at once.
var RolloutDowntime = rule.Check{
	ID: "rollout-downtime", Title: "a rolling update takes all pods at once", Doc: rule.ReadDoc(docs, "rollout_downtime.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Kinds(snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind),
	Applies: func(p *rule.Pass) bool { return p.Object.Typed != nil && len(p.Object.Templates) > 0 },
	Run: func(p *rule.Pass) {
		switch t := p.Object.Typed.(type) {
		case *appsv1.Deployment:
			if t.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType && t.Spec.Strategy.RollingUpdate != nil {
				judgeRolling(p, t.Spec.Strategy.RollingUpdate)
			}
		case *appsv1.StatefulSet:
			if u := t.Spec.UpdateStrategy.RollingUpdate; u != nil && u.MaxUnavailable != nil && t.Spec.UpdateStrategy.Type != appsv1.OnDeleteStatefulSetStrategyType {
				s, ok := scaleOf(p, p.Object)
				if n, err := intstr.GetScaledValueFromIntOrPercent(u.MaxUnavailable, s.count, true); ok && err == nil && s.count > 1 && n >= s.count {
					reportAll(p, field.NewPath("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"), u.MaxUnavailable, rule.Count(s.count, "replica"))
				}
			}
		case *appsv1.DaemonSet:
			u := t.Spec.UpdateStrategy.RollingUpdate
			if u == nil || u.MaxUnavailable == nil || t.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
				return
			}
			if u.MaxUnavailable.String() == "100%" {
				reportAll(p, field.NewPath("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"), u.MaxUnavailable, "pods of all nodes")
			}
		}
	},
}

func judgeRolling(p *rule.Pass, u *appsv1.RollingUpdateDeployment) {
	path := field.NewPath("spec", "strategy", "rollingUpdate")
	if zero(u.MaxSurge) && zero(u.MaxUnavailable) {
		patch := p.Put(path.Child("maxSurge"), int64(1))
		p.Report(rule.Finding{
			Field: path.Child("maxUnavailable"), Value: u.MaxUnavailable.String(), Severity: rule.High, Label: "none may be missing",
			Message: fmt.Sprintf("maxUnavailable %s and maxSurge %s: no pod may be missing and none more than there are, so nothing could be replaced: the API refuses it", u.MaxUnavailable.String(), u.MaxSurge.String()),
			Marks:   []rule.Mark{{Field: path.Child("maxSurge"), Label: "and none may be added"}},
		}).WithFix(rule.Fix{
			Title: "allow one extra pod", Caution: "it needs room on a node; where there is none, let one pod be missing instead (maxUnavailable 1)",
			Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		})
		return
	}
	s, ok := scaleOf(p, p.Object)
	if !ok || s.count == 0 {
		return
	}
	surge, unavailable := rollingNumbers(u.MaxSurge, u.MaxUnavailable, s.count)
	switch {
	case unavailable < s.count:
	case s.count > 1:
		reportAll(p, path.Child("maxUnavailable"), u.MaxUnavailable, rule.Count(s.count, "replica"))
	default:
		reportOne(p, path, u, surge)
	}
}

// reportOne is for a single replica, which a rollout stops before the next one is there.
func reportOne(p *rule.Pass, path *field.Path, u *appsv1.RollingUpdateDeployment, surge int) {
	services := frontOf(p)
	if len(services) == 0 || exclusive(p, p.Object.Templates[0]) {
		return
	}
	f := rule.Finding{
		Field: path.Child("maxUnavailable"), Severity: rule.Low, Label: "the only replica may be missing",
		Message: fmt.Sprintf("the only replica may be missing during a rollout: %s nobody to answer until the new one is ready", does(services, "has", "have")),
	}
	if u.MaxUnavailable != nil {
		f.Value = u.MaxUnavailable.String()
	}
	values := []rule.Value{{Path: path.Child("maxUnavailable"), Value: int64(0)}}
	if surge == 0 {
		values = append(values, rule.Value{Path: path.Child("maxSurge"), Value: int64(1)})
		f.Marks = []rule.Mark{{Field: path.Child("maxSurge"), Label: "and none may be started beside it"}}
	}
	patch := rule.PutAllIn(p.Object, values...)
	p.Report(f).WithFix(rule.Fix{
		Title: "start the new one first", Caution: "for a moment both run, and there must be room for both; what must not run twice needs it as it is",
		Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
	})
}

// reportAll is for several pods that may all be missing.
func reportAll(p *rule.Pass, at *field.Path, seen *intstr.IntOrString, all string) {
	services := frontOf(p)
	if len(services) == 0 {
		return
	}
	patch := p.Put(at, int64(1))
	f := rule.Finding{
		Field: at, Label: "all of them",
		Message: fmt.Sprintf("maxUnavailable lets a rollout stop all %s at once: %s nobody to answer until new ones are ready", all, does(services, "has", "have")),
	}
	if seen != nil {
		f.Value = seen.String()
		f.Message = fmt.Sprintf("maxUnavailable %s lets a rollout stop all %s at once: %s nobody to answer until new ones are ready", seen.String(), all, does(services, "has", "have"))
	}
	p.Report(f).WithFix(rule.Fix{
		Title: "let one be missing at a time", Caution: "the rollout takes longer", Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
	})
}

// zero tells whether 0 or 0% is written.
func zero(v *intstr.IntOrString) bool {
	return v != nil && (v.Type == intstr.Int && v.IntVal == 0 || v.Type == intstr.String && v.StrVal == "0%")
}
