package scheduling

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedPVCUnbound finds pods that wait for a claim to be bound. Why it is not is the claim's own
// finding.
var SchedPVCUnbound = rule.Cause{
	ID: "sched-pvc-unbound", Title: "waits for a claim that is not bound", Doc: rule.ReadDoc(docs, "sched_pvc_unbound.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Run: func(p *rule.Pass) {
		message, evidence, ok := unschedulable(p)
		if !ok || !strings.Contains(message, "unbound immediate PersistentVolumeClaims") && !said(message, byBinding) {
			return
		}
		spec := p.PodSpec()
		f := rule.Finding{
			Object: spec.Object, Seen: p.Object.Ref, Field: spec.Child("volumes").Path, Certainty: rule.Certain,
			Message: "waits for a volume: a claim of it is not bound", Label: "one of these is not bound", Evidence: []rule.Evidence{evidence},
		}
		claims, volumes := unbound(p)
		if len(claims) == 0 {
			p.Report(f)
			return
		}
		claim, volume := claims[0], volumes[0]
		f.Message = fmt.Sprintf("waits for %s, which is not bound to a volume", claim.String())
		f.Label = "the claim is not bound"
		f.Because = &claim
		f.Value = claim.Name
		if all, _ := claimsOf(p); len(all) == 1 {
			f.Field = volumeField(p, spec, volume).Path
		} else { // of several, which one is known only to who may read claims
			f.Value = ""
			f.Label = "one of these is not bound: " + claim.Name
			f.Marks = append(f.Marks, rule.Mark{Field: volumeField(p, spec, volume).Path, Label: "not bound"})
		}
		f.Fix = &rule.Fix{Title: fmt.Sprintf("see what keeps %s from being bound", claim.String()), Applicability: rule.NeedsThought, Object: claim, Command: []string{"describe", claim.String()}}
		if o, _ := p.Lookup(snapshot.PVCKind, claim.Namespace, claim.Name); o != nil {
			pvc, _ := o.Typed.(*corev1.PersistentVolumeClaim)
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: claim, Field: "status.phase", Text: fmt.Sprintf("%s: %s", claim.String(), pvc.Status.Phase)})
		}
		p.Report(f)
	},
}

// unbound are the claims of the pod that may be what it waits for: those known not to be bound,
// else the one that it has.
func unbound(p *rule.Pass) (claims []snapshot.Ref, volumes []string) {
	all, names := claimsOf(p)
	for i, ref := range all {
		if pvc := claimOf(p, ref); pvc != nil && pvc.Status.Phase != corev1.ClaimBound {
			claims, volumes = append(claims, ref), append(volumes, names[i])
		}
	}
	if len(claims) == 0 && len(all) == 1 {
		return all, names
	}
	return claims, volumes
}

// volumeField is where the object to change names the claim of a volume: a StatefulSet does so in
// its claim templates. Where that object was not read the pod's own order is the best guess, so that the
// field is the same whatever the reader may see.
func volumeField(p *rule.Pass, spec rule.Setting, volume string) rule.Setting {
	owner, _ := p.Lookup(spec.Object.GroupKind(), spec.Object.Namespace, spec.Object.Name)
	if owner == nil || len(owner.Templates) == 0 {
		return guessedField(p, spec, volume)
	}
	for i, v := range owner.Templates[0].Spec.Volumes {
		if v.Name == volume {
			return claimName(spec, i, v)
		}
	}
	if i, ok := rule.ClaimTemplate(owner, volume); ok {
		return i
	}
	return spec.Child("volumes")
}

func claimName(spec rule.Setting, i int, v corev1.Volume) rule.Setting {
	at := spec.Child("volumes").Index(i)
	if v.Ephemeral != nil {
		return at.Child("ephemeral")
	}
	return at.Child("persistentVolumeClaim", "claimName")
}

func guessedField(p *rule.Pass, spec rule.Setting, volume string) rule.Setting {
	made, at := 0, spec.Child("volumes")
	for i, v := range p.Object.Pod().Spec.Volumes {
		if spec.Object.Kind == "StatefulSet" && v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == v.Name+"-"+p.Object.Name {
			made++
			if v.Name == volume {
				at = rule.Setting{Object: spec.Object, Path: field.NewPath("spec", "volumeClaimTemplates")}
			}
			continue
		}
		if v.Name == volume {
			at = claimName(spec, i, v)
		}
	}
	if made == 1 && at.Path.String() == "spec.volumeClaimTemplates" {
		return at.Index(0)
	}
	return at
}
