package storage

import (
	storagev1 "k8s.io/api/storage/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVCWFFC tells of claims that wait for a pod, as their class says: nothing is broken.
var PVCWFFC = rule.Cause{
	ID: "pvc-wffc", Title: "waits for the first pod that uses it", Doc: rule.ReadDoc(docs, "pvc_wffc.md"),
	Stage: rule.StageCondition, On: rule.Kinds(snapshot.PVCKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		pvc := pendingClaim(p)
		if pvc == nil {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantList(snapshot.PodKind, p.Object.Namespace, "")}
		if class, _ := classOf(pvc); class != "" {
			wants = append(wants, snapshot.WantGet(snapshot.StorageClassKind, "", class))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		pvc := pendingClaim(p)
		if pvc == nil || !p.ListRead(snapshot.PodKind, p.Object.Namespace) || len(users(p)) > 0 {
			return
		}
		class, _ := classOf(pvc)
		event := p.Event(p.Object, "WaitForFirstConsumer")
		sc := storageClass(p, class)
		late := sc != nil && sc.VolumeBindingMode != nil && *sc.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
		if event == nil && !late {
			return
		}
		f := rule.Finding{
			Object: p.Object.Ref, Certainty: rule.Certain,
			NoField: "nothing is broken: its class makes the volume once a pod is placed, where that pod is",
			Message: "waits for the first pod that uses it, and no pod does: nothing to mend, it is bound as soon as one is placed",
			Fix:     &rule.Fix{Title: "nothing; use the claim in a pod, or delete it where nobody will", Applicability: rule.NeedsThought},
		}
		if event != nil {
			f.Evidence = append(f.Evidence, rule.EventEvidence(event))
		}
		if late {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: "storageclass/" + class + " volumeBindingMode: WaitForFirstConsumer"})
		}
		f.RuledOut = []string{"a pod that waits for it: no pod in the namespace names it"}
		p.Report(f)
	},
}
