package state

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// STSNoClaim finds StatefulSets that use nothing of what a StatefulSet gives.
var STSNoClaim = rule.Check{
	ID: "sts-no-claim", Title: "a StatefulSet with neither volumes nor names", Doc: rule.ReadDoc(docs, "sts_no_claim.md"),
	Dimension: rule.State, Severity: rule.Info, On: rule.Kinds(snapshot.StatefulSetKind),
	Run: func(p *rule.Pass) {
		sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
		if !ok || len(sts.Spec.VolumeClaimTemplates) > 0 || len(databasesOf(p, p.Object)) > 0 {
			return
		}
		if slices.ContainsFunc(sts.Spec.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil }) {
			return
		}
		if name := sts.Spec.ServiceName; name != "" {
			o, _ := p.Lookup(snapshot.ServiceKind, p.Object.Namespace, name)
			if o == nil {
				return // it may be headless, and then names are the reason
			}
			if svc, ok := o.Typed.(*corev1.Service); !ok || svc.Spec.ClusterIP == corev1.ClusterIPNone {
				return
			}
		}
		p.Report(rule.Finding{
			Field:   field.NewPath("spec", "volumeClaimTemplates"),
			Message: "keeps no volume and gives its pods no names in DNS: a Deployment does the same, and replaces a pod of a lost node by itself",
			Label:   "no claim for each pod",
		}).WithFix(rule.Fix{
			Title: "make it a Deployment, or give it the claims or the headless Service that it was meant to have", Applicability: rule.NeedsThought,
			Caution: "a StatefulSet also never runs two pods of one number at a time, and starts them in order: who relies on that needs it",
		})
	},
}
