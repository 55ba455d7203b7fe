package reliability

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SpreadMissing finds replicas that may all run on one node.
var SpreadMissing = rule.Check{
	ID: "spread-missing", Title: "nothing keeps the replicas apart", Doc: rule.ReadDoc(docs, "spread_missing.md"),
	Dimension: rule.Reliability, Severity: rule.Low, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		s, ok := scaleOf(p, p.Object)
		return ok && s.count > 1
	},
	Run: func(p *rule.Pass) {
		s, _ := scaleOf(p, p.Object)
		for _, t := range p.Object.Templates {
			apart, misses := keepsApart(p.Object, t)
			if apart || len(constraintMisses(t)) > 0 { // of which spread-mismatch speaks
				continue
			}
			f := rule.Finding{
				Field:   t.SpecPath().Child("topologySpreadConstraints"),
				Message: fmt.Sprintf("%s may all run on one node: neither topologySpreadConstraints nor podAntiAffinity keeps them apart", rule.Count(s.count, "replica")),
				Label:   "nothing here keeps the replicas apart",
			}
			if services := depending(p, p.ServicesOf(p.Object, t)); len(services) > 0 {
				if !onlyMetrics(services) {
					f.Severity = rule.Medium
				}
				f.Message += fmt.Sprintf(", and with that node goes %s", names(services))
			}
			if len(misses) == 0 {
				p.Report(f).WithFix(spreadFix(p, t))
				continue
			}
			f.Field = misses[0].path
			f.Value = misses[0].selector
			f.Message = fmt.Sprintf("selects %s and none of its own pods (%s), so nothing keeps the %s apart",
				orNothing(misses[0].selector), labels.Set(t.Labels), rule.Count(s.count, "replica"))
			f.Label = "does not select these pods"
			p.Report(f).WithFix(reselectFix(p, t, misses[0]))
		}
	},
	Peers: map[string][]string{
		"polaris":     {"topologySpreadConstraint"},
		"kube-score":  {"deployment-has-host-podantiaffinity", "statefulset-has-host-podantiaffinity", "pod-topology-spread-constraints"},
		"kube-linter": {"no-anti-affinity"},
	},
}

func orNothing(selector string) string {
	if selector == "" {
		return "nothing"
	}
	return selector
}

// miss is a rule for spreading pods that does not reach the pods it stands in.
type miss struct {
	path     *field.Path
	selector string
	hard     bool // pods that break the rule are not scheduled
}

// keepsApart tells whether anything makes the scheduler put the pods of a template apart, and what
// only looks like it.
func keepsApart(o *snapshot.Object, t snapshot.Template) (bool, []miss) {
	var misses []miss
	if takesNodePorts(t) {
		return true, nil
	}
	own := labels.Set(t.Labels)
	finds := func(ls *metav1.LabelSelector) bool {
		selector, err := snapshot.SelectorOf(ls)
		return err != nil || selector.Matches(own)
	}
	spec := t.SpecPath()
	for _, c := range t.Spec.TopologySpreadConstraints {
		if finds(c.LabelSelector) {
			return true, nil
		}
	}
	if t.Spec.Affinity == nil || t.Spec.Affinity.PodAntiAffinity == nil {
		return false, misses
	}
	anti, path := t.Spec.Affinity.PodAntiAffinity, spec.Child("affinity", "podAntiAffinity")
	term := func(term *corev1.PodAffinityTerm, path *field.Path, hard bool) bool {
		elsewhere := len(term.Namespaces) > 0 && term.NamespaceSelector == nil && !slices.Contains(term.Namespaces, o.Namespace)
		if !elsewhere && finds(term.LabelSelector) {
			return true
		}
		if !elsewhere {
			misses = append(misses, miss{path.Child("labelSelector"), format(term.LabelSelector), hard})
		}
		return false
	}
	for i := range anti.RequiredDuringSchedulingIgnoredDuringExecution {
		if term(&anti.RequiredDuringSchedulingIgnoredDuringExecution[i], path.Child("requiredDuringSchedulingIgnoredDuringExecution").Index(i), true) {
			return true, nil
		}
	}
	for i := range anti.PreferredDuringSchedulingIgnoredDuringExecution {
		if term(&anti.PreferredDuringSchedulingIgnoredDuringExecution[i].PodAffinityTerm, path.Child("preferredDuringSchedulingIgnoredDuringExecution").Index(i).Child("podAffinityTerm"), false) {
			return true, nil
		}
	}
	return false, misses
}

// takesNodePorts tells whether the pods of a template take a port of their node, of which the scheduler gives each away
// once: two of them are never on one node. On the network of the node every declared port is one.
func takesNodePorts(t snapshot.Template) bool {
	for _, c := range t.Containers() {
		for _, port := range c.Ports {
			if !c.Init && (port.HostPort > 0 || t.Spec.HostNetwork) {
				return true
			}
		}
	}
	return false
}

// format words a selector, "" for one that selects nothing.
func format(ls *metav1.LabelSelector) string {
	if ls == nil {
		return ""
	}
	return metav1.FormatLabelSelector(ls)
}

// ownSelector is the selector with which an object finds its own pods.
func ownSelector(o *snapshot.Object, t snapshot.Template) map[string]any {
	var own *metav1.LabelSelector
	switch d := o.Typed.(type) {
	case *appsv1.Deployment:
		own = d.Spec.Selector
	case *appsv1.StatefulSet:
		own = d.Spec.Selector
	case *appsv1.ReplicaSet:
		own = d.Spec.Selector
	}
	if own == nil {
		own = &metav1.LabelSelector{MatchLabels: t.Labels}
	}
	selector := map[string]any{}
	if len(own.MatchLabels) > 0 {
		set := make(map[string]any, len(own.MatchLabels))
		for k, v := range own.MatchLabels {
			set[k] = v
		}
		selector["matchLabels"] = set
	}
	if len(own.MatchExpressions) > 0 {
		selector["matchExpressions"] = rule.Plain(own.MatchExpressions)
	}
	return selector
}

func spreadFix(p *rule.Pass, t snapshot.Template) rule.Fix {
	if !p.Mends() {
		return rule.Fix{}
	}
	patch := p.Put(t.SpecPath().Child("topologySpreadConstraints"), []any{map[string]any{
		"maxSkew": int64(1), "topologyKey": corev1.LabelHostname, "whenUnsatisfiable": string(corev1.ScheduleAnyway), "labelSelector": ownSelector(p.Object, t),
	}})
	return rule.Fix{
		Title:         "spread them over nodes, as far as there are nodes",
		Caution:       "ScheduleAnyway never leaves a pod unscheduled; the change rolls all pods once",
		Applicability: rule.Safe,
		Patch:         patch,
		Command:       p.Live(patch),
	}
}

func reselectFix(p *rule.Pass, t snapshot.Template, m miss) rule.Fix {
	patch := p.Put(m.path, ownSelector(p.Object, t))
	fix := rule.Fix{Title: "select the workload's own pods", Caution: "the change rolls all pods once", Applicability: rule.Safe, Patch: patch, Command: p.Live(patch)}
	if m.hard {
		fix.Applicability = rule.NeedsThought
		fix.Caution = "once it works it is strict: with fewer nodes than replicas some pods stay Pending"
	}
	return fix
}
