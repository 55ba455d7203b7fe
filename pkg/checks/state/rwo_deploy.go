package state

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RWODeploy finds claims that one node may mount, in workloads that will have pods on several.
var RWODeploy = rule.Check{
	ID: "rwo-deploy", Title: "several pods want a volume that one node may mount", Doc: rule.ReadDoc(docs, "rwo_deploy.md"),
	Dimension: rule.State, Severity: rule.High, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool { return len(sharedClaims(p.Object)) > 0 },
	Run: func(p *rule.Pass) {
		for _, c := range sharedClaims(p.Object) {
			if !ownDatabase(c) { // says db-in-deployment
				judgeShared(p, c)
			}
		}
	},
	Peers: map[string][]string{"clusterlint": {"dobs-pod-owner"}},
}

// sharedClaim is a volume of a template for which all of its pods name one claim.
type sharedClaim struct {
	template snapshot.Template
	volume   string
	claim    string
	path     *field.Path // of the claim's name
}

// sharedClaims are such volumes of what may have several pods at a time.
func sharedClaims(o *snapshot.Object) []sharedClaim {
	switch o.GroupKind() {
	case snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.ReplicaSetKind, snapshot.RCKind, snapshot.DaemonSetKind, snapshot.RolloutKind:
	default:
		return nil
	}
	var list []sharedClaim
	for _, t := range o.Templates {
		for i := range t.Spec.Volumes {
			v := &t.Spec.Volumes[i]
			if v.PersistentVolumeClaim != nil && !claimTemplate(o, v.Name) {
				list = append(list, sharedClaim{t, v.Name, v.PersistentVolumeClaim.ClaimName, t.SpecPath().Child("volumes").Index(i).Child("persistentVolumeClaim", "claimName")})
			}
		}
	}
	return list
}

func judgeShared(p *rule.Pass, c sharedClaim) {
	pvc := claimOf(p, c.claim)
	if pvc == nil {
		return
	}
	one := onlyPod(pvc)
	shares, known := sharable(p, pvc)
	if !one && (shares || oneNode(p, c.template)) {
		return
	}
	certainty := rule.Certain
	if !one && !known { // of a file share nobody checks the mode
		certainty = rule.Likely
	}
	mode, who := "ReadWriteOnce", "one node"
	if one {
		mode, who = "ReadWriteOncePod", "one pod"
	}
	mark := []rule.Mark{{Field: c.path, Label: fmt.Sprintf("%s: %s may mount it", mode, who)}}
	if ds, ok := p.Object.Typed.(*appsv1.DaemonSet); ok {
		if ds.Status.DesiredNumberScheduled != 1 {
			p.Report(rule.Finding{
				Field: c.path, Value: c.claim, Label: mark[0].Label, Certainty: certainty,
				Message: fmt.Sprintf("claim %q is %s, which %s may mount, and a DaemonSet has a pod on each node: all but the first never start", c.claim, mode, who),
			}).WithFix(rule.Fix{Title: "give each pod a volume of its own (ephemeral.volumeClaimTemplate), or use a class that offers ReadWriteMany", Caution: "what is in the claim now stays there", Applicability: rule.NeedsThought})
		}
		return
	}
	m, ok := mostPods(p, p.Object)
	if !ok || m.pods == 0 {
		return
	}
	if m.pods > 1 {
		f := rule.Finding{
			Object: m.object.Ref, Field: m.path, Value: fmt.Sprint(m.pods), Label: "more pods than may mount the claim", Certainty: certainty,
			Message: fmt.Sprintf("claim %q is %s, which %s may mount, and there are %d replicas: those on other nodes never start", c.claim, mode, who, m.pods),
		}
		if m.object != p.Object {
			f.Message = fmt.Sprintf("claim %q of %s is %s, which %s may mount, and %s scales it to up to %d replicas: those on other nodes never start", c.claim, p.Object, mode, who, m.object, m.pods)
		} else {
			f.Marks = mark
		}
		if one {
			f.Message = f.Message[:len(f.Message)-len("those on other nodes never start")] + "the others never start"
		}
		if !one && allReady(p.Object, m.pods) { // they are on one node, or the driver does not look
			f.Severity, f.Certainty = rule.Medium, rule.Likely
			f.Message = strings.Replace(f.Message, "those on other nodes never start", "they run now, and one that comes to another node after a rollout or a drain never starts", 1)
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "run one replica, or make it a StatefulSet with volumeClaimTemplates, or use a class that offers ReadWriteMany", Applicability: rule.NeedsThought,
			Caution: "the access mode of a claim cannot be changed: a new claim starts empty",
		})
		return
	}
	d, ok := p.Object.Typed.(*appsv1.Deployment)
	if !ok {
		return
	}
	if overlap, oldMayGo := surges(d); !overlap || oldMayGo {
		return
	}
	f := rule.Finding{
		Field: field.NewPath("spec", "strategy", "type"), Value: string(d.Spec.Strategy.Type), Severity: rule.Medium, Marks: mark, Certainty: certainty,
		Message: fmt.Sprintf("claim %q is %s, and a rollout starts the new pod before the old one goes: on another node it waits for the volume for ever", c.claim, mode),
		Label:   "the new pod must be ready before the old one goes",
	}
	if one {
		f.Severity = rule.High
		f.Message = fmt.Sprintf("claim %q is %s, and a rollout starts the new pod before the old one goes: each of the two waits for the other for ever", c.claim, mode)
	}
	p.Report(f).WithFix(recreate(p))
}

// allReady tells whether as many pods as there may be are ready.
func allReady(o *snapshot.Object, pods int) bool {
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		return int(t.Status.ReadyReplicas) >= pods
	case *appsv1.StatefulSet:
		return int(t.Status.ReadyReplicas) >= pods
	case *appsv1.ReplicaSet:
		return int(t.Status.ReadyReplicas) >= pods
	}
	return false
}

// claimOf is a claim of this namespace that was read. That it is missing is another check's to say.
func claimOf(p *rule.Pass, name string) *corev1.PersistentVolumeClaim {
	o, out := p.Lookup(snapshot.PVCKind, p.Object.Namespace, name)
	if o == nil {
		if out.State == snapshot.Blind && !p.Files {
			p.Unknown("persistentvolumeclaim/%s: %s", name, out.Reason)
		}
		return nil
	}
	pvc, _ := o.Typed.(*corev1.PersistentVolumeClaim)
	return pvc
}

func onlyPod(pvc *corev1.PersistentVolumeClaim) bool {
	return len(pvc.Spec.AccessModes) == 1 && pvc.Spec.AccessModes[0] == corev1.ReadWriteOncePod
}

// sharable tells whether pods on several nodes can use a claim: its modes say so, or what its volume is. Of a file share
// nobody checks the mode, and all pods of a volume that lies on a node come to that node. What the volume is, is known
// only where it or its class was read.
func sharable(p *rule.Pass, pvc *corev1.PersistentVolumeClaim) (shares, known bool) {
	for _, m := range pvc.Spec.AccessModes {
		if m == corev1.ReadWriteMany || m == corev1.ReadOnlyMany {
			return true, true
		}
	}
	if pvc.Spec.VolumeName != "" {
		if pv := persistentVolume(p, pvc.Spec.VolumeName); pv != nil {
			return sharableVolume(pv), true
		}
	}
	if name, ok := classOf(pvc.Annotations, &pvc.Spec); ok && name != "" {
		if c := storageClass(p, name); c != nil {
			d := driverOf(c.Provisioner)
			return d.node || d.shared, true
		}
	}
	return false, false
}

func sharableVolume(pv *corev1.PersistentVolume) bool {
	s := pv.Spec.PersistentVolumeSource
	if s.NFS != nil || s.HostPath != nil || s.Local != nil || s.CephFS != nil || s.AzureFile != nil || s.Glusterfs != nil {
		return true
	}
	if s.CSI != nil {
		if d := driverOf(s.CSI.Driver); d.node || d.shared {
			return true
		}
	}
	return pinsToHost(pv)
}

// pinsToHost tells whether a volume is to be had on named nodes only.
func pinsToHost(pv *corev1.PersistentVolume) bool {
	if pv.Spec.NodeAffinity == nil || pv.Spec.NodeAffinity.Required == nil {
		return false
	}
	terms := pv.Spec.NodeAffinity.Required.NodeSelectorTerms
	return len(terms) == 1 && slices.ContainsFunc(terms[0].MatchExpressions, func(r corev1.NodeSelectorRequirement) bool {
		return r.Key == corev1.LabelHostname && r.Operator == corev1.NodeSelectorOpIn && len(r.Values) == 1
	})
}

// oneNode tells whether all pods of a template come to one node.
func oneNode(p *rule.Pass, t snapshot.Template) bool {
	if !p.Files && p.ListRead(snapshot.NodeKind, "") && len(p.List(snapshot.NodeKind, "")) == 1 {
		return true
	}
	if t.Spec.NodeName != "" || t.Spec.NodeSelector[corev1.LabelHostname] != "" {
		return true
	}
	if t.Spec.Affinity == nil {
		return false
	}
	if a := t.Spec.Affinity.NodeAffinity; a != nil && a.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		terms := a.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
		if len(terms) == 1 && slices.ContainsFunc(terms[0].MatchExpressions, func(r corev1.NodeSelectorRequirement) bool {
			return r.Key == corev1.LabelHostname && r.Operator == corev1.NodeSelectorOpIn && len(r.Values) == 1
		}) {
			return true
		}
	}
	if a := t.Spec.Affinity.PodAffinity; a != nil {
		for i := range a.RequiredDuringSchedulingIgnoredDuringExecution {
			term := &a.RequiredDuringSchedulingIgnoredDuringExecution[i]
			if selector, err := snapshot.SelectorOf(term.LabelSelector); err == nil && term.TopologyKey == corev1.LabelHostname && selector.Matches(labels.Set(t.Labels)) {
				return true
			}
		}
	}
	return false
}
