package controllers

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// EvictionBlocked finds PodDisruptionBudgets that let no pod be evicted now.
var EvictionBlocked = rule.Cause{
	ID: "eviction-blocked", Title: "a PodDisruptionBudget allows no eviction", Doc: rule.ReadDoc(docs, "eviction_blocked.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.PDBKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		pdb, selector := budget(p)
		if pdb == nil || pdb.Status.DisruptionsAllowed > 0 {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.PodKind, p.Object.Namespace, selector.String())}
	},
	Run: func(p *rule.Pass) {
		pdb, _ := budget(p)
		if pdb == nil || pdb.Status.DisruptionsAllowed > 0 || pdb.Status.ObservedGeneration < pdb.Generation {
			return
		}
		for _, c := range pdb.Status.Conditions {
			if c.Type == policyv1.DisruptionAllowedCondition && c.Status == metav1.ConditionFalse {
				reportBlocked(p, pdb, c)
			}
		}
	},
}

// budget is the PodDisruptionBudget of the Pass and what it selects; nil where it selects nothing.
func budget(p *rule.Pass) (*policyv1.PodDisruptionBudget, labels.Selector) {
	pdb, ok := p.Object.Typed.(*policyv1.PodDisruptionBudget)
	if !ok || pdb.DeletionTimestamp != nil {
		return nil, nil
	}
	selector, err := snapshot.SelectorOf(pdb.Spec.Selector)
	if err != nil || pdb.Spec.Selector == nil {
		return nil, nil
	}
	return pdb, selector
}

func reportBlocked(p *rule.Pass, pdb *policyv1.PodDisruptionBudget, c metav1.Condition) {
	spec, st := field.NewPath("spec"), pdb.Status
	f := rule.Finding{
		Certainty: rule.Certain,
		Evidence: []rule.Evidence{{
			Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Time: c.LastTransitionTime.Time,
			Text: strings.TrimRight(fmt.Sprintf("%s: %s", c.Reason, c.Message), ": ") + "; " + counts(st),
		}},
		Field: spec.Child("maxUnavailable"),
	}
	if pdb.Spec.MinAvailable != nil {
		f.Field, f.Value = spec.Child("minAvailable"), pdb.Spec.MinAvailable.String()
	} else if pdb.Spec.MaxUnavailable != nil {
		f.Value = pdb.Spec.MaxUnavailable.String()
	}
	switch {
	case c.Reason == policyv1.SyncFailedReason:
		f.Message = "the controller cannot tell how many pods there should be, so none may be evicted: " + rule.Quote(c.Message)
		uncounted(p, pdb, &f)
	case st.ExpectedPods == 0 && st.CurrentHealthy > 0:
		if e := p.Event(p.Object, "UnmanagedPods"); e != nil {
			said := rule.EventEvidence(e)
			said.Text = dumped.ReplaceAllString(said.Text, "")
			f.Evidence = append(f.Evidence, said)
		}
		f.Message = fmt.Sprintf("its %s have no controller that says how many there should be, so none may be evicted", rule.Count(int(st.CurrentHealthy), "pod"))
		if st.CurrentHealthy == 1 {
			f.Message = "its pod has no controller that says how many there should be, so it may not be evicted"
		}
		uncounted(p, pdb, &f)
	case st.ExpectedPods == 0:
		return // there is nothing to evict
	case st.CurrentHealthy == 0 && alwaysAllow(pdb):
		return // none of its pods is kept
	case st.CurrentHealthy < st.DesiredHealthy:
		unhealthy(p, pdb, &f)
	default:
		tooStrict(p, pdb, &f)
	}
	p.Report(f)
}

// alwaysAllow tells whether pods that are not ready may go whatever the budget says.
func alwaysAllow(pdb *policyv1.PodDisruptionBudget) bool {
	policy := pdb.Spec.UnhealthyPodEvictionPolicy
	return policy != nil && *policy == policyv1.AlwaysAllow
}

// dumped is the selector in the words of the disruption controller, as Go prints it, and what follows of
// the same length. Source: kubernetes pkg/controller/disruption/disruption.go.
var dumped = knowledge.Regexp(` ?\(selector: &?LabelSelector\{[^)]{0,900}\)| As a result, the status of the PDB[^.]{0,200}\.`)

// counts words how many pods the controller saw, and wants.
func counts(st policyv1.PodDisruptionBudgetStatus) string {
	if st.ExpectedPods == 0 && st.CurrentHealthy > 0 {
		return fmt.Sprintf("%s healthy, how many there should be is not known, 0 disruptions allowed", rule.Count(int(st.CurrentHealthy), "pod"))
	}
	return fmt.Sprintf("%d of %d pods healthy, %d must be, 0 disruptions allowed", st.CurrentHealthy, st.ExpectedPods, st.DesiredHealthy)
}

// uncounted is the fix for pods that nothing counts: a budget for them must be a number of pods.
func uncounted(p *rule.Pass, pdb *policyv1.PodDisruptionBudget, f *rule.Finding) {
	f.Label = "percentages and maxUnavailable need a controller that says how many pods there should be"
	f.Fix = &rule.Fix{
		Title:         "give the pods a controller (a Deployment, a StatefulSet), or say as a number in minAvailable how many must be there",
		Applicability: rule.NeedsThought,
	}
	_, selector := budget(p)
	pods := 0
	for _, pod := range p.SelectedPods(p.Object.Namespace, selector) {
		if phase := pod.Pod().Status.Phase; phase != corev1.PodSucceeded && phase != corev1.PodFailed {
			pods++
		}
	}
	if pods == 0 || int(pdb.Status.CurrentHealthy) > pods {
		pods = int(pdb.Status.CurrentHealthy)
	}
	if pods == 0 {
		f.Fix.Applicability = rule.Placeholders
		f.Fix.YAML = "spec:\n  minAvailable: <NUMBER>\n"
		if pdb.Spec.MaxUnavailable != nil {
			f.Fix.Title += ", and no maxUnavailable, since only one of the two may be set"
		}
		return
	}
	keep := pods - 1
	f.Fix.Title = fmt.Sprintf("give the pods a controller (a Deployment, a StatefulSet); or say minAvailable %d, which lets one of %d go at a time", keep, pods)
	f.Fix.Caution = "a pod that no controller made does not come back after an eviction"
	if pods == 1 {
		f.Fix.Title = "give the pod a controller (a Deployment, a StatefulSet); or say minAvailable 0, since with one pod each other number forbids its eviction"
		f.Fix.Caution += ", and with 0 nothing protects it"
	}
	var ops []rule.Op
	if pdb.Spec.MaxUnavailable != nil { // the API takes only one of the two
		ops = append(ops, rule.Op{Op: "test", Path: "/spec/maxUnavailable", Value: rule.Plain(pdb.Spec.MaxUnavailable)}, rule.Op{Op: "remove", Path: "/spec/maxUnavailable"})
	}
	if pdb.Spec.MinAvailable != nil {
		ops = append(ops, rule.Op{Op: "test", Path: "/spec/minAvailable", Value: rule.Plain(pdb.Spec.MinAvailable)})
	}
	f.Fix.Patch = &rule.Patch{Type: "json", Body: append(ops, rule.Op{Op: "add", Path: "/spec/minAvailable", Value: keep})}
	f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
}

// unhealthy is a budget that would allow evictions if its pods were well.
func unhealthy(p *rule.Pass, pdb *policyv1.PodDisruptionBudget, f *rule.Finding) {
	st := pdb.Status
	f.Message = fmt.Sprintf("no pod may be evicted: %d of %d are healthy, and %d must be", st.CurrentHealthy, st.ExpectedPods, st.DesiredHealthy)
	f.Label = fmt.Sprintf("%d of %d pods must be healthy, and %d are", st.DesiredHealthy, st.ExpectedPods, st.CurrentHealthy)
	f.RuledOut = []string{"a budget that never allows an eviction: with all its pods healthy this one would"}
	if st.DesiredHealthy >= st.ExpectedPods {
		f.RuledOut = nil
	}
	_, selector := budget(p)
	for _, pod := range p.SelectedPods(p.Object.Namespace, selector) {
		if !rule.PodReady(pod.Pod()) && pod.Pod().Status.Phase != corev1.PodSucceeded {
			f.Because = &pod.Ref
			break
		}
	}
	f.Fix = &rule.Fix{
		Title:         "mend its pods; or let those that are not ready be evicted at any time, since they serve nobody",
		Caution:       "what is slow to start, or shuts itself off for a moment, may then be evicted before it has served",
		Applicability: rule.NeedsThought,
	}
	if !alwaysAllow(pdb) {
		policy := pdb.Spec.UnhealthyPodEvictionPolicy
		path := field.NewPath("spec", "unhealthyPodEvictionPolicy")
		f.Field, f.Value = path, ""
		if policy != nil {
			f.Value = string(*policy)
		}
		f.Label = "even pods that are not ready may only go when enough others are; AlwaysAllow lets them"
		f.Fix.Patch = rule.PutIn(p.Object, path, string(policyv1.AlwaysAllow))
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	} else {
		f.Fix.Title, f.Fix.Caution = "mend its pods: those that are not ready may be evicted already", ""
	}
}

// tooStrict is a budget that allows no eviction although all its pods are well.
func tooStrict(p *rule.Pass, pdb *policyv1.PodDisruptionBudget, f *rule.Finding) {
	st := pdb.Status
	f.Message = fmt.Sprintf("no pod may ever be evicted: %d of %d must be healthy, and all are", st.DesiredHealthy, st.ExpectedPods)
	if st.ExpectedPods == 1 {
		f.Message = "its only pod may never be evicted: one must be healthy, and there is one"
	}
	f.Label = "leaves no pod that may go, so a node that runs one cannot be drained"
	f.RuledOut = []string{"pods that are not well: all of them are healthy"}
	f.Fix = &rule.Fix{
		Title:         "let one pod at a time go",
		Caution:       "what needs a majority of its pods needs minAvailable to say so",
		Applicability: rule.NeedsThought,
	}
	if st.ExpectedPods == 1 {
		f.Fix.Caution = "with a single pod an eviction is an outage until the next one is up: run two first, or accept it"
	}
	ops := []rule.Op{}
	if pdb.Spec.MinAvailable != nil {
		ops = append(ops, rule.Op{Op: "test", Path: "/spec/minAvailable", Value: rule.Plain(pdb.Spec.MinAvailable)}, rule.Op{Op: "remove", Path: "/spec/minAvailable"}, rule.Op{Op: "add", Path: "/spec/maxUnavailable", Value: 1})
	} else if pdb.Spec.MaxUnavailable != nil {
		ops = append(ops, rule.Op{Op: "test", Path: "/spec/maxUnavailable", Value: rule.Plain(pdb.Spec.MaxUnavailable)}, rule.Op{Op: "replace", Path: "/spec/maxUnavailable", Value: 1})
	}
	if len(ops) > 0 {
		f.Fix.Patch = &rule.Patch{Type: "json", Body: ops}
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
}
