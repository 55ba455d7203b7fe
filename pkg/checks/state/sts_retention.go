package state

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// STSRetention finds StatefulSets that delete their claims by themselves.
var STSRetention = rule.Check{
	ID: "sts-retention", Title: "deletes the claims of its pods by itself", Doc: rule.ReadDoc(docs, "sts_retention.md"),
	Dimension: rule.State, Severity: rule.High, On: rule.Kinds(snapshot.StatefulSetKind),
	Needs: []schema.GroupKind{snapshot.HPAKind},
	Applies: func(p *rule.Pass) bool {
		sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
		return ok && len(sts.Spec.VolumeClaimTemplates) > 0
	},
	Run: func(p *rule.Pass) {
		sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
		if !ok || sts.Spec.PersistentVolumeClaimRetentionPolicy == nil {
			return
		}
		path, policy := field.NewPath("spec", "persistentVolumeClaimRetentionPolicy"), sts.Spec.PersistentVolumeClaimRetentionPolicy
		report := func(last string, severity rule.Severity, message, label string) {
			at := path.Child(last)
			patch := p.Put(at, string(appsv1.RetainPersistentVolumeClaimRetentionPolicyType))
			p.Report(rule.Finding{Field: at, Value: "Delete", Severity: severity, Message: message, Label: label}).WithFix(rule.Fix{
				Title: "keep the claims", Applicability: rule.NeedsThought, Caution: "claims that nobody deletes cost money until somebody does",
				Patch: patch, Command: p.Live(patch), YAML: "persistentVolumeClaimRetentionPolicy:\n  " + last + ": Retain\n",
			})
		}
		if policy.WhenScaled == appsv1.DeletePersistentVolumeClaimRetentionPolicyType {
			severity, message := rule.Info, "whenScaled Delete: who scales it down, if only for a moment, deletes the data of the pods that go"
			if by, _ := p.AutoscalerOf(p.Object); by != nil {
				severity, message = rule.High, fmt.Sprintf("whenScaled Delete, and %s scales it: each time it takes a pod away, the data of that pod is deleted", by)
			}
			report("whenScaled", severity, message, "scaling down deletes claims")
		}
		if policy.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType {
			report("whenDeleted", rule.Low, "whenDeleted Delete: deleting the StatefulSet, for instance to change what cannot be changed, deletes all of its data", "deleting the StatefulSet deletes its claims")
		}
	},
}
