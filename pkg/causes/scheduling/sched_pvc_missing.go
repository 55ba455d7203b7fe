package scheduling

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The scheduler's words, from its VolumeBinding plugin.
var (
	claimMissing  = knowledge.Regexp(`persistentvolumeclaim "([^"]+)" not found`)
	claimStopping = knowledge.Regexp(`persistentvolumeclaim "([^"]+)" is being deleted`)
)

// SchedPVCMissing finds pods that mount a claim which does not exist, or is about to go.
var SchedPVCMissing = rule.Cause{
	ID: "sched-pvc-missing", Title: "mounts a claim that does not exist", Doc: rule.ReadDoc(docs, "sched_pvc_missing.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		name, _, _ := missingClaim(p)
		if name == "" {
			return nil
		}
		return []snapshot.Want{
			snapshot.WantGet(snapshot.PVCKind, p.Object.Namespace, name),
			snapshot.WantList(snapshot.PVCKind, p.Object.Namespace, ""),
		}
	},
	Run: func(p *rule.Pass) {
		if name, stopping, evidence := missingClaim(p); name != "" {
			reportClaim(p, name, stopping, evidence)
		}
	},
}

// missingClaim is the claim that the scheduler did not find, or found being deleted.
func missingClaim(p *rule.Pass) (name string, stopping bool, evidence rule.Evidence) {
	message, evidence, ok := unschedulable(p)
	if !ok {
		return "", false, evidence
	}
	message = withoutPreemption(message)
	m := claimMissing.FindStringSubmatch(message)
	if m == nil {
		m, stopping = claimStopping.FindStringSubmatch(message), true
	}
	if m == nil {
		return "", false, evidence
	}
	claims, _ := claimsOf(p)
	for _, c := range claims {
		if c.Name == m[1] {
			return c.Name, stopping, evidence
		}
	}
	return "", false, evidence
}

func reportClaim(p *rule.Pass, name string, stopping bool, evidence rule.Evidence) {
	ref := snapshot.Ref{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: p.Object.Namespace, Name: name}
	spec := p.PodSpec()
	setting := spec.Child("volumes")
	made := ""
	claims, volumes := claimsOf(p)
	for i, c := range claims {
		if c.Name == name {
			setting, made = volumeField(p, spec, volumes[i]), volumes[i]
		}
	}
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Value: name, Certainty: rule.Certain,
		Message:  fmt.Sprintf("mounts %s, and there is no claim of that name in namespace %s", ref.String(), ref.Namespace),
		Label:    "no PersistentVolumeClaim of this name",
		Evidence: []rule.Evidence{evidence},
		RuledOut: []string{"a claim that is there and not bound: the scheduler did not find it at all"},
	}
	found, _ := p.Lookup(snapshot.PVCKind, ref.Namespace, name)
	owner, _ := p.Lookup(setting.Object.GroupKind(), setting.Object.Namespace, setting.Object.Name)
	_, template := rule.Setting{}, false
	if owner != nil {
		_, template = rule.ClaimTemplate(owner, made)
	}
	switch {
	case stopping || found != nil && found.Meta.GetDeletionTimestamp() != nil:
		f.Message = fmt.Sprintf("mounts %s, which is being deleted: no new pod may use it", ref.String())
		f.Label, f.RuledOut, f.Because = "is being deleted", nil, &ref
		f.Fix = &rule.Fix{Title: fmt.Sprintf("see what still uses %s; when it is gone, create it anew", ref.String()), Caution: "deletion cannot be taken back: save its data first, from a pod that still runs with it", Applicability: rule.NeedsThought, Object: ref, Command: []string{"describe", ref.String()}}
	case found != nil:
		f.Certainty = rule.Likely
		f.Message = fmt.Sprintf("waited for %s, which is there since %s: the scheduler will try again", ref.String(), rule.Human(p.Age(found.Meta.GetCreationTimestamp().Time)))
		f.Field, f.Value, f.Label, f.RuledOut = nil, "", "", nil
		f.NoField = "nothing is left to change: the claim is there now"
	case template:
		f.Label = "the StatefulSet makes its claims from this, before the pod"
		f.Fix = &rule.Fix{
			Title: "delete the pod, so that the StatefulSet makes the claim and the pod anew", Caution: "somebody deleted the claim, and its data with it if the volume was not retained: look for the volume first (kubectl get pv)",
			Applicability: rule.NeedsThought, Object: p.Object.Ref, Command: []string{"delete", p.Object.String()},
		}
	default:
		names := p.Names(snapshot.PVCKind, ref.Namespace)
		if near := knowledge.Nearest(name, names); near != "" && setting.Object.Kind != "Pod" && setting.Path.String() != spec.Child("volumes").Path.String() {
			f.Label = fmt.Sprintf("not there; there is %q", near)
			f.Fix = &rule.Fix{
				Title: fmt.Sprintf("use persistentvolumeclaim/%s, the nearest that is there", near), Caution: "the name is alike; that its data is meant, only you know",
				Applicability: rule.NeedsThought, Patch: setting.ReplaceValue(name, near),
			}
			f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
			break
		}
		if p.ListRead(snapshot.PVCKind, ref.Namespace) && len(names) > 0 {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: "claims in the namespace: " + words(names)})
		}
		f.Fix = &rule.Fix{
			Title: fmt.Sprintf("create %s, or name one that is there in %s", ref.String(), setting.Object.String()), Applicability: rule.Placeholders, Object: ref,
			Caution: "a new claim gives an empty volume",
			YAML:    fmt.Sprintf("apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n  accessModes: [%s]\n  resources:\n    requests:\n      storage: <SIZE>\n", name, ref.Namespace, corev1.ReadWriteOnce),
		}
	}
	p.Report(f)
}
