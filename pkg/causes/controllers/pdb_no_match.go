package controllers

import (
	"fmt"
	"slices"
	"strings"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PDBNoMatch finds PodDisruptionBudgets that are for no pod and miss a workload's label by a few letters.
var PDBNoMatch = rule.Cause{
	ID: "pdb-no-match", Title: "the PodDisruptionBudget is for no pod", Doc: rule.ReadDoc(docs, "pdb_no_match.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.PDBKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		pdb, selector := budget(p)
		if pdb == nil || pdb.Status.ExpectedPods > 0 || pdb.Status.CurrentHealthy > 0 || selector.Empty() {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantList(snapshot.PDBKind, p.Object.Namespace, "")}
		for _, gk := range protected {
			wants = append(wants, snapshot.WantList(gk, p.Object.Namespace, ""))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		pdb, selector := budget(p)
		if pdb == nil || pdb.Status.ExpectedPods > 0 || pdb.Status.CurrentHealthy > 0 || selector.Empty() || len(pdb.Spec.Selector.MatchExpressions) > 0 {
			return
		}
		for _, gk := range protected {
			if !p.ListRead(gk, p.Object.Namespace) {
				return
			}
		}
		if !p.SelectsPod(p.Object.Namespace, selector) && len(p.SelectedTemplates(p.Object.Namespace, selector)) == 0 {
			reportMistyped(p, pdb)
		}
	},
}

// protected are the kinds whose pods budgets are for.
var protected = []schema.GroupKind{snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.ReplicaSetKind, snapshot.JobKind, snapshot.CronJobKind}

// meant is the workload whose pods have all labels of the budget but for one, and that one nearly; nil where
// there is none, or where several have it in different ways.
func meant(p *rule.Pass, want map[string]string) (who *snapshot.Object, key, value string) {
	for _, o := range p.Workloads(p.Object.Namespace) {
		for _, t := range o.Templates {
			var wrong []string
			for k, v := range want {
				if t.Labels[k] != v {
					wrong = append(wrong, k)
				}
			}
			if len(wrong) != 1 {
				continue
			}
			has, ok := t.Labels[wrong[0]]
			if !ok || knowledge.Nearest(want[wrong[0]], []string{has}) == "" {
				continue
			}
			if who != nil && (key != wrong[0] || value != has) {
				return nil, "", ""
			}
			who, key, value = o, wrong[0], has
		}
	}
	return who, key, value
}

func reportMistyped(p *rule.Pass, pdb *policyv1.PodDisruptionBudget) {
	want := pdb.Spec.Selector.MatchLabels
	who, key, value := meant(p, want)
	if who == nil {
		return
	}
	setting := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "selector", "matchLabels").Key(key)}
	f := rule.Finding{
		Field: setting.Path, Value: want[key], Certainty: rule.Likely,
		Message: fmt.Sprintf("protects nothing: it is for pods with %s=%s, which there are none of, and those of %s have %s=%s", key, want[key], who.String(), key, value),
		Label:   fmt.Sprintf("the pods of %s have %s=%s", who.String(), key, value),
		Evidence: []rule.Evidence{
			{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.expectedPods", Text: "0 pods expected, 0 healthy"},
			{Source: rule.FromSpec, Object: who.Ref, Field: "metadata.labels", Text: fmt.Sprintf("the pod labels of %s: %s=%s", who.String(), key, value)},
		},
		Fix: &rule.Fix{
			Title:         fmt.Sprintf("select %s=%s", key, value),
			Caution:       "from then on a drain waits where the budget says so: see that it allows at least one pod to go",
			Applicability: rule.NeedsThought,
			Patch:         setting.ReplaceValue(want[key], value),
		},
	}
	f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	if others := covering(p, who); len(others) > 0 { // with two budgets the API evicts no pod at all
		f.Fix = &rule.Fix{
			Title:         fmt.Sprintf("delete it: the pods of %s are protected by %s already, and with two budgets none could be evicted", who.String(), strings.Join(others, ", ")),
			Applicability: rule.NeedsThought, Command: []string{"delete", p.Object.String()},
		}
	}
	p.Report(f)
}

// covering are the other budgets that are for the pods of a workload.
func covering(p *rule.Pass, who *snapshot.Object) []string {
	var names []string
	for _, o := range p.List(snapshot.PDBKind, p.Object.Namespace) {
		t, ok := o.Typed.(*policyv1.PodDisruptionBudget)
		if !ok || o == p.Object || t.Spec.Selector == nil {
			continue
		}
		selector, err := snapshot.SelectorOf(t.Spec.Selector)
		if err == nil && slices.ContainsFunc(who.Templates, func(t snapshot.Template) bool { return selector.Matches(labels.Set(t.Labels)) }) {
			names = append(names, o.String())
		}
	}
	return names
}
