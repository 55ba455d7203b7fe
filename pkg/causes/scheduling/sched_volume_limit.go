package scheduling

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedVolumeLimit finds pods for which every node has as many volumes attached as its driver allows.
var SchedVolumeLimit = rule.Cause{
	ID: "sched-volume-limit", Title: "the nodes have as many volumes as they can attach", Doc: rule.ReadDoc(docs, "sched_volume_limit.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		wants := wantsFor(p, byLimit)
		if len(wants) > 0 {
			wants = append(append(wants, snapshot.WantList(snapshot.CSINodeKind, "", "")), wantVolumes(p)...)
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		s, evidence := blamed(p, byLimit)
		if s == nil {
			return
		}
		f := rule.Finding{
			Object: p.Object.Ref, Seen: p.Object.Ref, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
			NoField: "the number is that of the machine and its storage driver: no setting of the pod changes it",
			Message: "every node that would take it has as many volumes attached as its driver allows",
			Fix: &rule.Fix{
				Title: "add a node, or remove pods with volumes that are not needed; larger machines often attach more", Applicability: rule.NeedsThought,
			},
		}
		if driver, node, most := volumeLimit(p, s); driver != "" {
			f.Message = fmt.Sprintf("every node that would take it has as many volumes of %s attached as it can: node/%s at most %d", driver, node, most)
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: fmt.Sprintf("csinode/%s: driver %s, allocatable count %d", node, driver, most)})
		}
		s.tell(&f, byLimit)
		p.Report(f)
	},
}

// volumeLimit is how many volumes of the pod's driver one of the nodes attaches.
func volumeLimit(p *rule.Pass, s *survey) (driver, node string, most int32) {
	var drivers []string
	for _, v := range boundVolumes(p) {
		if v.pv.Spec.CSI != nil {
			drivers = append(drivers, v.pv.Spec.CSI.Driver)
		}
	}
	open := s.with(byLimit)
	for _, o := range p.List(snapshot.CSINodeKind, "") {
		csi, ok := o.Typed.(*storagev1.CSINode)
		if !ok || !slices.ContainsFunc(open, func(pl place) bool { return pl.node.Name == o.Name }) {
			continue
		}
		for _, d := range csi.Spec.Drivers {
			if d.Allocatable != nil && d.Allocatable.Count != nil && slices.Contains(drivers, d.Name) {
				return d.Name, o.Name, *d.Allocatable.Count
			}
		}
	}
	return "", "", 0
}

// onePod tells whether a claim may be used by one pod at a time.
func onePod(pvc *corev1.PersistentVolumeClaim) bool {
	return slices.Contains(pvc.Spec.AccessModes, corev1.ReadWriteOncePod)
}
