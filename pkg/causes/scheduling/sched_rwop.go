package scheduling

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedRWOP finds pods that wait for a claim which another pod has to itself.
var SchedRWOP = rule.Cause{
	ID: "sched-rwop", Title: "another pod has its ReadWriteOncePod claim", Doc: rule.ReadDoc(docs, "sched_rwop.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		wants := wantsFor(p, byOnePod)
		if len(wants) > 0 {
			wants = append(append(wants, wantVolumes(p)...), snapshot.WantList(snapshot.PodKind, p.Object.Namespace, ""))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if s, evidence := blamed(p, byOnePod); s != nil {
			reportOnePod(p, s, evidence)
		}
	},
}

func reportOnePod(p *rule.Pass, s *survey, evidence rule.Evidence) {
	spec := p.PodSpec()
	f := rule.Finding{
		Object: spec.Object, Seen: p.Object.Ref, Field: spec.Child("volumes").Path, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
		Message: "a claim of it may be used by one pod at a time, and another pod has it", Label: "one of these is ReadWriteOncePod",
	}
	f.Fix = &rule.Fix{Title: "run one pod with the claim, or use a claim that several may share", Caution: "access modes of a claim cannot be changed", Applicability: rule.NeedsThought}
	claims, volumes := claimsOf(p)
	for i, ref := range claims {
		pvc := claimOf(p, ref)
		if pvc == nil || !onePod(pvc) {
			continue
		}
		setting := volumeField(p, spec, volumes[i])
		f.Field, f.Value, f.Label = setting.Path, ref.Name, "ReadWriteOncePod: one pod at a time, on whichever node"
		f.Message = fmt.Sprintf("%s may be used by one pod at a time, and another has it", ref.String())
		users := claimUsers(p, ref)
		if len(users) == 0 {
			break
		}
		f.Message = fmt.Sprintf("%s may be used by one pod at a time, and %s has it", ref.String(), refs(users))
		same, old := mates(p, users)
		top := p.TopOwner(p.Object)
		switch {
		case old == len(users):
			f.Message = fmt.Sprintf("the new pod waits for %s, which the old pod %s has, and that stays until the new one runs", ref.String(), refs(users))
			recreate(p, &f, top)
		case same == len(users) && top.GroupKind() == snapshot.DeploymentKind:
			f.Object, f.Field, f.Value = top.Ref, field.NewPath("spec", "replicas"), ""
			if d, ok := top.Typed.(*appsv1.Deployment); ok && d.Spec.Replicas != nil {
				f.Value = fmt.Sprint(*d.Spec.Replicas)
			}
			f.Label = "more pods than the claim allows: it is ReadWriteOncePod"
			f.Fix = &rule.Fix{Title: "run one pod", Caution: "with more than one, each needs a claim of its own (a StatefulSet makes them) or a volume that several may write", Applicability: rule.NeedsThought, Object: top.Ref, Command: []string{"scale", top.String(), "--replicas=1"}}
		}
		break
	}
	s.tell(&f, byOnePod)
	p.Report(f)
}

// recreate is the fix for a rollout whose new pod waits for what the old one has.
func recreate(p *rule.Pass, f *rule.Finding, top *snapshot.Object) {
	f.Object, f.Field, f.Value = top.Ref, field.NewPath("spec", "strategy", "type"), "RollingUpdate"
	f.Label = "starts the new pod before it stops the old one"
	patch := &rule.Patch{Type: "merge", Body: map[string]any{"spec": map[string]any{"strategy": map[string]any{"type": "Recreate", "rollingUpdate": nil}}}}
	f.Fix = &rule.Fix{Title: "stop the old pod before the new one starts", Caution: "nothing serves in between", Applicability: rule.NeedsThought, Object: top.Ref, Patch: patch, Command: p.PatchCommand(top.Ref, patch)}
}

// claimUsers are the other pods with a node that use the claim.
func claimUsers(p *rule.Pass, ref snapshot.Ref) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range p.List(snapshot.PodKind, ref.Namespace) {
		if o == p.Object || !running(o.Pod()) {
			continue
		}
		for _, v := range o.Pod().Spec.Volumes {
			if v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == ref.Name {
				list = append(list, o)
			}
		}
	}
	return list
}
