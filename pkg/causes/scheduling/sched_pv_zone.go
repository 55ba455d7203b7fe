package scheduling

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedPVZone finds pods whose volume can only be had on nodes that do not take them.
var SchedPVZone = rule.Cause{
	ID: "sched-pv-zone", Title: "its volume is not to be had on any node that takes it", Doc: rule.ReadDoc(docs, "sched_pv_zone.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		wants := wantsFor(p, byVolume)
		if len(wants) > 0 {
			wants = append(wants, wantVolumes(p)...)
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if s, evidence := blamed(p, byVolume); s != nil {
			reportZone(p, s, evidence)
		}
	},
}

func reportZone(p *rule.Pass, s *survey, evidence rule.Evidence) {
	spec := p.PodSpec()
	f := rule.Finding{
		Object: spec.Object, Seen: p.Object.Ref, Field: spec.Child("volumes").Path, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
		Message: "a volume of it can only be had on nodes that do not take it", Label: "one of these is bound to a volume elsewhere",
	}
	fix := &rule.Fix{
		Title:         "run a node where the volume is, or restore its data into a volume where the nodes are",
		Caution:       "a volume does not move: a new claim gives an empty one. A class with volumeBindingMode: WaitForFirstConsumer makes volumes where the pod can run",
		Applicability: rule.NeedsThought,
	}
	f.Fix = fix
	for _, v := range boundVolumes(p) {
		shut, there := 0, ""
		for _, pl := range s.places {
			if v.conflict(pl.node) != "" {
				shut++
			} else {
				there = pl.node.Name
			}
		}
		if shut == 0 {
			continue
		}
		f.Object, f.Value = v.object.Ref, ""
		f.Field = field.NewPath("spec", "nodeAffinity", "required")
		if v.pv.Spec.NodeAffinity == nil || v.pv.Spec.NodeAffinity.Required == nil {
			f.Field = field.NewPath("metadata", "labels")
		}
		f.Label = "only on these nodes"
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: v.claim, Field: "spec.volumeName", Text: fmt.Sprintf("%s is bound to persistentvolume/%s", v.claim.String(), v.pv.Name)})
		if there == "" {
			f.Message = fmt.Sprintf("its volume, of %s, can only be had on a node with %s, and none of %s has that", v.claim.String(), v.demand(), rule.Count(len(s.places), "node"))
			f.RuledOut = []string{"the pod's own labels and affinity: no node at all can use the volume"}
			break
		}
		f.Message = fmt.Sprintf("its volume, of %s, can only be had on a node with %s, as node/%s, and that does not take the pod", v.claim.String(), v.demand(), there)
		fix.Title = "let the pod go where its volume is, or restore the data into a volume where the nodes are"
		break
	}
	s.tell(&f, byVolume)
	p.Report(f)
}
