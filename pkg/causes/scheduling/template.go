package scheduling

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// templateOf is the pod spec in the object to change, or nil where that was not read.
func templateOf(p *rule.Pass, spec rule.Setting) *corev1.PodSpec {
	owner, _ := p.Lookup(spec.Object.GroupKind(), spec.Object.Namespace, spec.Object.Name)
	if owner == nil || len(owner.Templates) == 0 {
		return nil
	}
	return owner.Templates[0].Spec
}

// prefer is a JSON patch that turns one required term of pod affinity or anti-affinity into a
// preference; nil where the template that it is for was not read, or has it elsewhere.
func prefer(template *corev1.PodSpec, spec rule.Setting, anti bool, i int) *rule.Patch {
	if template == nil || template.Affinity == nil {
		return nil
	}
	var required []corev1.PodAffinityTerm
	var preferred []corev1.WeightedPodAffinityTerm
	name := "podAffinity"
	switch a := template.Affinity; {
	case anti && a.PodAntiAffinity != nil:
		name, required, preferred = "podAntiAffinity", a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution
	case !anti && a.PodAffinity != nil:
		required, preferred = a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution
	}
	if i >= len(required) {
		return nil
	}
	at := spec.Child("affinity", name)
	was, now := at.Child("requiredDuringSchedulingIgnoredDuringExecution"), at.Child("preferredDuringSchedulingIgnoredDuringExecution")
	weighted := map[string]any{"weight": 100, "podAffinityTerm": rule.Plain(required[i])}
	ops := []rule.Op{{Op: "test", Path: was.Index(i).Child("topologyKey").Pointer(), Value: required[i].TopologyKey}}
	if len(preferred) == 0 {
		ops = append(ops, rule.Op{Op: "add", Path: now.Pointer(), Value: []any{weighted}})
	} else {
		ops = append(ops, rule.Op{Op: "add", Path: now.Pointer() + "/-", Value: weighted})
	}
	if len(required) == 1 {
		return &rule.Patch{Type: "json", Body: append(ops, rule.Op{Op: "remove", Path: was.Pointer()})}
	}
	return &rule.Patch{Type: "json", Body: append(ops, rule.Op{Op: "remove", Path: was.Index(i).Pointer()})}
}

// mates are the pods among others that have the same controller as the pod of this Pass; old are
// those of an earlier revision of its Deployment, which a rollout is about to replace.
func mates(p *rule.Pass, others []*snapshot.Object) (same, old int) {
	top := p.TopOwner(p.Object)
	if top == p.Object {
		return 0, 0
	}
	for _, o := range others {
		if p.TopOwner(o) != top {
			continue
		}
		same++
		if top.GroupKind() == snapshot.DeploymentKind && p.Owner(o) != p.Owner(p.Object) {
			old++
		}
	}
	return same, old
}

// makeRoom says how a rollout goes on whose new pods cannot stand beside the old ones: those must go
// first.
func makeRoom(p *rule.Pass, f *rule.Finding) {
	top := p.TopOwner(p.Object)
	d, ok := top.Typed.(*appsv1.Deployment)
	if !ok {
		return
	}
	at := field.NewPath("spec", "strategy", "rollingUpdate")
	f.Object, f.Field, f.Value = top.Ref, at.Child("maxSurge"), ""
	f.Label = "asks for a new pod before an old one has gone"
	if r := d.Spec.Strategy.RollingUpdate; r != nil && r.MaxSurge != nil {
		f.Value = r.MaxSurge.String()
	}
	strategy := map[string]any{"spec": map[string]any{"strategy": map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{"maxSurge": 0, "maxUnavailable": 1}}}}
	patch := &rule.Patch{Type: "merge", Body: strategy}
	f.Fix = &rule.Fix{
		Title:         "let the rollout stop an old pod before it starts a new one",
		Caution:       fmt.Sprintf("meanwhile one pod less of %s serves", top.String()),
		Applicability: rule.NeedsThought, Object: top.Ref, Patch: patch, Command: p.PatchCommand(top.Ref, patch),
	}
	if d.Spec.Replicas == nil || *d.Spec.Replicas == 1 {
		f.Fix.Caution = fmt.Sprintf("it has one pod, so this is an outage: nobody serves for %s until the new one is up", top.String())
	}
}

// scaleTo is the command that asks for as many replicas as have a place, or nil where the workload is
// of a kind that it does not suit.
func scaleTo(p *rule.Pass) (words []string, replicas int) {
	top := p.TopOwner(p.Object)
	switch top.GroupKind() {
	case snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.ReplicaSetKind:
	default:
		return nil, 0
	}
	for _, o := range p.PodsOf(top) {
		if running(o.Pod()) && o.Pod().DeletionTimestamp == nil {
			replicas++
		}
	}
	if replicas == 0 {
		return nil, 0
	}
	return []string{"scale", top.String(), fmt.Sprintf("--replicas=%d", replicas)}, replicas
}
