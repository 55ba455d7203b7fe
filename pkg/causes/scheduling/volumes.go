package scheduling

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// boundVolume is a volume that a claim of the pod is bound to, and that only some nodes can use.
type boundVolume struct {
	volume string // its name in the pod
	claim  snapshot.Ref
	object *snapshot.Object
	pv     *corev1.PersistentVolume
}

// zoneLabels put a volume into a zone or region. Source: the scheduler's VolumeZone plugin.
var zoneLabels = []string{corev1.LabelTopologyZone, corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaZone, corev1.LabelFailureDomainBetaRegion}

// claimsOf are the claims of the pod: by name, or made for it from an ephemeral volume.
func claimsOf(p *rule.Pass) (claims []snapshot.Ref, volumes []string) {
	for _, v := range p.Object.Pod().Spec.Volumes {
		name := ""
		switch {
		case v.PersistentVolumeClaim != nil:
			name = v.PersistentVolumeClaim.ClaimName
		case v.Ephemeral != nil:
			name = p.Object.Name + "-" + v.Name
		}
		if name != "" {
			claims = append(claims, snapshot.Ref{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: p.Object.Namespace, Name: name})
			volumes = append(volumes, v.Name)
		}
	}
	return claims, volumes
}

// boundVolumes are the volumes of the pod's claims, as far as they were read.
func boundVolumes(p *rule.Pass) []boundVolume {
	var list []boundVolume
	claims, volumes := claimsOf(p)
	for i, ref := range claims {
		pvc := claimOf(p, ref)
		if pvc == nil || pvc.Spec.VolumeName == "" {
			continue
		}
		o, _ := p.Lookup(snapshot.PVKind, "", pvc.Spec.VolumeName)
		if o == nil {
			continue
		}
		if pv, ok := o.Typed.(*corev1.PersistentVolume); ok {
			list = append(list, boundVolume{volumes[i], ref, o, pv})
		}
	}
	return list
}

func claimOf(p *rule.Pass, ref snapshot.Ref) *corev1.PersistentVolumeClaim {
	o, _ := p.Lookup(snapshot.PVCKind, ref.Namespace, ref.Name)
	if o == nil {
		return nil
	}
	pvc, _ := o.Typed.(*corev1.PersistentVolumeClaim)
	return pvc
}

// wantVolumes asks for the claims of the pod and their volumes.
func wantVolumes(p *rule.Pass) []snapshot.Want {
	var wants []snapshot.Want
	claims, _ := claimsOf(p)
	for _, ref := range claims {
		wants = append(wants, snapshot.WantGet(snapshot.PVCKind, ref.Namespace, ref.Name))
		if pvc := claimOf(p, ref); pvc != nil && pvc.Spec.VolumeName != "" {
			wants = append(wants, snapshot.WantGet(snapshot.PVKind, "", pvc.Spec.VolumeName))
		}
	}
	return wants
}

// conflict words why the node cannot use the volume; "" where it can.
func (v boundVolume) conflict(n *corev1.Node) string {
	if a := v.pv.Spec.NodeAffinity; a != nil && a.Required != nil {
		if selector, err := nodeaffinity.NewNodeSelector(a.Required); err == nil && !selector.Match(n) {
			return fmt.Sprintf("persistentvolume/%s is not to be had there: only with %s", v.pv.Name, v.demand())
		}
	}
	for _, key := range zoneLabels {
		want, ok := v.pv.Labels[key]
		if !ok {
			continue
		}
		if have := n.Labels[key]; !slices.Contains(strings.Split(want, "__"), have) && zoned(n) {
			return fmt.Sprintf("persistentvolume/%s is not to be had there: only with %s", v.pv.Name, v.demand())
		}
	}
	return ""
}

// zoned tells whether a node has a zone at all: the scheduler takes one that has none.
func zoned(n *corev1.Node) bool {
	return slices.ContainsFunc(zoneLabels, func(key string) bool { return hasLabel(n, key) })
}

// demand words the labels that a node must have to use the volume.
func (v boundVolume) demand() string {
	if a := v.pv.Spec.NodeAffinity; a != nil && a.Required != nil {
		var terms []string
		for _, t := range a.Required.NodeSelectorTerms {
			var list []string
			for _, e := range slices.Concat(t.MatchExpressions, t.MatchFields) {
				if e.Operator == corev1.NodeSelectorOpIn && len(e.Values) == 1 {
					list = append(list, e.Key+"="+e.Values[0])
					continue
				}
				list = append(list, e.Key+" "+expression(e))
			}
			terms = append(terms, strings.Join(list, " and "))
		}
		return strings.Join(terms, " or ")
	}
	var list []string
	for _, key := range zoneLabels {
		if want, ok := v.pv.Labels[key]; ok {
			list = append(list, key+"="+want)
		}
	}
	return strings.Join(list, " and ")
}
