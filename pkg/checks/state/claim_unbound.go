package state

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ClaimUnbound finds claims that have no volume.
var ClaimUnbound = rule.Check{
	ID: "claim-unbound", Title: "a claim has no volume", Doc: rule.ReadDoc(docs, "claim_unbound.md"),
	Dimension: rule.State, Severity: rule.Medium, Off: true, On: rule.Kinds(snapshot.PVCKind),
	Needs: []schema.GroupKind{snapshot.PVCKind, snapshot.PodKind},
	Applies: func(p *rule.Pass) bool {
		pvc, ok := p.Object.Typed.(*corev1.PersistentVolumeClaim)
		if !ok || pvc.DeletionTimestamp != nil {
			return false
		}
		switch pvc.Status.Phase {
		case corev1.ClaimBound, corev1.ClaimLost:
			return true
		case corev1.ClaimPending:
			// Its class waits for a pod, and there is none: nothing is wrong.
			return !lateBound(p, pvc) || !p.ListRead(snapshot.PodKind, p.Object.Namespace) || !usedSince(p, p.Object).IsZero()
		}
		return false // a manifest
	},
	Run: func(p *rule.Pass) {
		pvc, ok := p.Object.Typed.(*corev1.PersistentVolumeClaim)
		if !ok || pvc.Status.Phase == corev1.ClaimBound {
			return
		}
		name := field.NewPath("spec", "volumeName")
		evidence := []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.phase", Text: "phase: " + string(pvc.Status.Phase)}}
		if pvc.Status.Phase == corev1.ClaimLost {
			p.Report(rule.Finding{
				Field: name, Value: pvc.Spec.VolumeName, Severity: rule.High, Label: "does not exist any more", Evidence: evidence,
				Message: fmt.Sprintf("its volume %s is gone: no pod starts with the claim, and what was in it is lost unless the storage still has it", pvc.Spec.VolumeName),
			}).WithFix(rule.Fix{
				Title: "make a PersistentVolume for what the storage still has, or restore a backup into a new claim", Applicability: rule.NeedsThought, Caution: "deleting the claim changes nothing, and loses the trace to the volume",
			})
			return
		}
		since, what := pvc.CreationTimestamp.Time, "it was asked for"
		class, known := classOf(pvc.Annotations, &pvc.Spec)
		if known && class != "" && storageClass(p, class) == nil {
			if _, out := p.Lookup(snapshot.StorageClassKind, "", class); out.State == snapshot.Blind {
				p.Unknown("storageclass/%s: %s", class, out.Reason) // it may wait for a pod
				return
			}
		}
		if lateBound(p, pvc) {
			since, what = usedSince(p, p.Object), "the first pod that uses it was made"
		}
		if since.IsZero() || p.Age(since) <= binding {
			return
		}
		f := rule.Finding{Field: name, Label: "no volume", Evidence: evidence, Message: fmt.Sprintf("no volume %s after %s: no pod starts with the claim", rule.Human(p.Age(since)), what)}
		fix := rule.Fix{Title: "see what its events say", Applicability: rule.NeedsThought, Caution: "a claim that nobody uses any more may be deleted"}
		if !p.Files {
			fix.Lines = []string{p.Explain(p.Object.Ref)}
		}
		p.Report(f).WithFix(fix)
	},
}

// binding is how long it may take until a claim has a volume.
const binding = 10 * time.Minute

// lateBound tells whether the class of a claim makes its volume only once a pod is there.
func lateBound(p *rule.Pass, pvc *corev1.PersistentVolumeClaim) bool {
	name, known := classOf(pvc.Annotations, &pvc.Spec)
	if !known || name == "" {
		return false
	}
	c := storageClass(p, name)
	return c != nil && c.VolumeBindingMode != nil && *c.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}

type usersKey struct{}

// usedSince is when the first of the pods that use a claim was made; zero where there is none.
func usedSince(p *rule.Pass, claim *snapshot.Object) time.Time {
	return snapshot.Derived(p.Snapshot, usersKey{}, func() map[[2]string]time.Time {
		since := map[[2]string]time.Time{}
		for _, o := range p.List(snapshot.PodKind, "") {
			pod := o.Pod()
			if pod == nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
				continue
			}
			made := pod.CreationTimestamp.Time
			for i := range pod.Spec.Volumes {
				name := ""
				switch v := &pod.Spec.Volumes[i]; {
				case v.PersistentVolumeClaim != nil:
					name = v.PersistentVolumeClaim.ClaimName
				case v.Ephemeral != nil:
					name = o.Name + "-" + v.Name
				}
				key := [2]string{o.Namespace, name}
				if first, ok := since[key]; name != "" && (!ok || made.Before(first)) {
					since[key] = made
				}
			}
		}
		return since
	})[[2]string{claim.Namespace, claim.Name}]
}
