package scheduling

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedCordoned finds pods for which only cordoned nodes are left.
var SchedCordoned = rule.Cause{
	ID: "sched-cordoned", Title: "the nodes that would take it are cordoned", Doc: rule.ReadDoc(docs, "sched_cordoned.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsFor(p, byCordon) },
	Run: func(p *rule.Pass) {
		if s, evidence := blamed(p, byCordon); s != nil {
			reportCordoned(p, s, evidence)
		}
	},
}

func reportCordoned(p *rule.Pass, s *survey, evidence rule.Evidence) {
	f := rule.Finding{
		Object: p.PodSpec().Object, Seen: p.Object.Ref, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
		NoField: "which nodes are cordoned could not be read",
		Message: "the nodes that would take it are cordoned: somebody has told the scheduler to put nothing on them",
		Fix:     &rule.Fix{Title: "ask whoever runs the cluster why nodes are cordoned, and for how long", Applicability: rule.NeedsThought},
	}
	list := s.with(byCordon)
	if len(list) == 0 {
		s.tell(&f, byCordon)
		p.Report(f)
		return
	}
	n := list[0].node
	f.Object, f.NoField, f.Field, f.Value = snapshot.NodeRef(n.Name), "", field.NewPath("spec", "unschedulable"), "true"
	f.Label = "takes no new pods"
	switch {
	case len(s.places) == 1:
		f.Message = fmt.Sprintf("node/%s is cordoned, and there is no other", n.Name)
	case len(list) == 1 && len(s.open()) == 1:
		f.Message = fmt.Sprintf("node/%s is cordoned, and it is the only one of %d that the pod's labels and tolerations leave", n.Name, len(s.places))
	case len(list) == 1:
		f.Message = fmt.Sprintf("node/%s would take it, and is cordoned", n.Name)
	default:
		f.Message = fmt.Sprintf("%d of %d nodes are cordoned, node/%s among them, and no other takes it", len(list), len(s.places), n.Name)
	}
	if pod := p.Object.Pod(); len(pod.Spec.NodeSelector) > 0 && len(s.open()) < len(s.places) {
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("the labels that it asks for: node/%s has them", n.Name))
	}
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("let node/%s take pods again", n.Name),
		Caution:       "somebody cordoned it, perhaps to mend or replace it: ask first",
		Applicability: rule.NeedsThought, Command: []string{"uncordon", n.Name},
	}
	s.tell(&f, byCordon)
	p.Report(f)
}
