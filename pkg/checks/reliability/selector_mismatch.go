package reliability

import (
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SelectorMismatch finds controllers whose selector does not find the pods that they would make: the API
// refuses them.
var SelectorMismatch = rule.Check{
	ID: "selector-mismatch", Title: "selector does not fit its own pod template", Doc: rule.ReadDoc(docs, "selector_mismatch.md"),
	Dimension: rule.Reliability, Severity: rule.High,
	On:      rule.Kinds(snapshot.DeploymentKind, snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.RCKind, snapshot.JobKind),
	Applies: func(p *rule.Pass) bool { return controllerSelector(p.Object) != nil && len(p.Object.Templates) > 0 },
	Run: func(p *rule.Pass) {
		selector, has := controllerSelector(p.Object), p.Object.Templates[0].Labels
		path, at := field.NewPath("spec", "selector"), field.NewPath("spec", "template", "metadata", "labels")
		for _, key := range slices.Sorted(maps.Keys(selector.MatchLabels)) {
			want := selector.MatchLabels[key]
			value, ok := has[key]
			if ok && value == want {
				continue
			}
			f := rule.Finding{
				Field: pairs(path, p.Object).Key(key), Value: want, Label: "the template has no such label",
				Message: fmt.Sprintf("selects pods with %s=%s, and its own template has no label %s: the API refuses it", key, want, key),
			}
			if ok {
				f.Message = fmt.Sprintf("selects pods with %s=%s, and its own template has %s=%s: the API refuses it", key, want, key, value)
				f.Label = "the template says " + value
				f.Marks = []rule.Mark{{Field: at.Key(key), Label: "is not what the selector asks for"}}
			}
			p.Report(f).WithFix(rule.Fix{
				Title:         fmt.Sprintf("give the template the label %s=%s", key, want),
				Caution:       "where the label of the template is the one that is meant, change the selector instead; of a controller that is there already it cannot be changed",
				Applicability: rule.NeedsThought,
				Patch:         p.Put(at.Key(key), want),
			})
		}
		unmet := &metav1.LabelSelector{MatchExpressions: selector.MatchExpressions}
		if by, err := snapshot.SelectorOf(unmet); err == nil && len(selector.MatchExpressions) > 0 && !by.Matches(labels.Set(has)) {
			p.Reportf(path.Child("matchExpressions"), "its own template does not meet %q: the API refuses it", by.String())
		}
	},
	Peers: map[string][]string{
		"popeye": {"POP-508"}, "kube-linter": {"mismatching-selector"}, "kubescape": {"mismatching-selector"},
		"kube-score": {"deployment-pod-selector-labels-match-template-metadata-labels", "statefulset-pod-selector-labels-match-template-metadata-labels"},
	},
}

// pairs is where the labels of a selector are written.
func pairs(path *field.Path, o *snapshot.Object) *field.Path {
	if o.GroupKind() == snapshot.RCKind {
		return path
	}
	return path.Child("matchLabels")
}

// controllerSelector is the selector by which a controller finds its pods; nil where it has none.
func controllerSelector(o *snapshot.Object) *metav1.LabelSelector {
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		return t.Spec.Selector
	case *appsv1.ReplicaSet:
		return t.Spec.Selector
	case *appsv1.StatefulSet:
		return t.Spec.Selector
	case *appsv1.DaemonSet:
		return t.Spec.Selector
	case *batchv1.Job: // of another one the server writes selector and label
		if t.Spec.ManualSelector != nil && *t.Spec.ManualSelector {
			return t.Spec.Selector
		}
	case *corev1.ReplicationController:
		if len(t.Spec.Selector) > 0 { // by default the template's labels
			return &metav1.LabelSelector{MatchLabels: t.Spec.Selector}
		}
	}
	return nil
}
