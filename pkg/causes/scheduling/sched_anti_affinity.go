package scheduling

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedAntiAffinity finds pods that must not be near others, and every node has one of those near.
var SchedAntiAffinity = rule.Cause{
	ID: "sched-anti-affinity", Title: "every node has a pod that it must not be near", Doc: rule.ReadDoc(docs, "sched_anti_affinity.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsFor(p, byAnti, byTheirs) },
	Run: func(p *rule.Pass) {
		if s, evidence := blamed(p, byAnti); s != nil {
			reportAnti(p, s, evidence)
		}
		if s, evidence := blamed(p, byTheirs); s != nil {
			reportTheirs(p, s, evidence)
		}
	},
}

const antiTerms = "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution"

// antiSetting is one term of required anti-affinity below a pod spec.
func antiSetting(spec rule.Setting, i int) rule.Setting {
	return spec.Child("affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution").Index(i)
}

func reportAnti(p *rule.Pass, s *survey, evidence rule.Evidence) {
	spec := p.PodSpec()
	f := rule.Finding{
		Object: spec.Object, Seen: p.Object.Ref, Field: spec.Child("affinity", "podAntiAffinity").Path, Certainty: rule.Certain,
		Message: "must not be near certain pods, and every node that would take it has one near", Label: "keeps it away from every node",
		Evidence: []rule.Evidence{evidence},
	}
	n := newNeighbours(p, nodes(p), s.taken)
	var worst *term
	var near []*snapshot.Object
	most := 0
	for _, t := range n.far {
		var there []*snapshot.Object
		hit := 0
		for _, pl := range s.with(byAnti) {
			if v, ok := pl.node.Labels[t.TopologyKey]; ok && len(t.domains[v]) > 0 {
				hit, there = hit+1, append(there, t.domains[v]...)
			}
		}
		if hit > most {
			worst, most, near = t, hit, there
		}
	}
	if worst == nil && len(n.far) == 1 {
		worst = n.far[0]
	}
	if worst == nil {
		f.Fix = &rule.Fix{Title: "prefer to stay away from them, instead of requiring it", Caution: "which pods are in its way could not be read", Applicability: rule.NeedsThought}
		s.tell(&f, byAnti)
		p.Report(f)
		return
	}
	setting := antiSetting(spec, worst.index)
	f.Field, f.Value = setting.Child("topologyKey").Path, worst.TopologyKey
	f.Label = fmt.Sprintf("no two on one %s: pods with %s", level(worst.TopologyKey), worst.words())
	same, old := mates(p, near)
	switch {
	case len(near) == 0:
		f.Message = fmt.Sprintf("must not share a %s with pods that have %s, and every node that would take it has one", level(worst.TopologyKey), worst.words())
	case same == len(near):
		f.Message = fmt.Sprintf("no two pods of %s may share a %s, and %s that would take one %s one: %s", p.TopOwner(p.Object).String(), level(worst.TopologyKey), allNodes(most), has(most), refs(near))
	default:
		f.Message = fmt.Sprintf("must not share a %s with pods that have %s: %s that would take it %s one: %s", level(worst.TopologyKey), worst.words(), allNodes(most), has(most), refs(near))
	}
	if old > 0 && old == len(near) {
		f.Message = fmt.Sprintf("the new pod must not share a %s with the old ones, and each node has one of those: the rollout cannot go on", level(worst.TopologyKey))
		f.Marks = append(f.Marks, rule.Mark{Field: setting.Path, Label: "keeps new pods away from old ones too"})
		makeRoom(p, &f)
		s.tell(&f, byAnti)
		p.Report(f)
		return
	}
	soften(p, &f, spec, true, worst)
	// To prefer instead of requiring would not mend it: the pods that run keep their rule, and it keeps
	// away those of the next revision too, which have to be ready before an old one is stopped.
	if command, replicas := scaleTo(p); command != nil && same == len(near) && same > 0 {
		f.Fix = &rule.Fix{
			Title: fmt.Sprintf("run %s, as many as have a place, or add a node", rule.Count(replicas, "pod")),
			Caution: fmt.Sprintf("that is fewer than somebody asked for. To let two share a %s, move the term to preferredDuringSchedulingIgnoredDuringExecution, and delete the old pods then: their rule keeps new ones away",
				level(worst.TopologyKey)),
			Applicability: rule.NeedsThought, Object: p.TopOwner(p.Object).Ref, Command: command,
		}
	}
	s.tell(&f, byAnti)
	p.Report(f)
}

// soften is the fix that turns a required term into a preference.
func soften(p *rule.Pass, f *rule.Finding, spec rule.Setting, anti bool, t *term) {
	f.Fix = &rule.Fix{
		Title:         "prefer it instead of requiring it: the pod is placed, and the term still counts where it can",
		Caution:       fmt.Sprintf("then two may share a %s, and what takes that one down takes both", level(t.TopologyKey)),
		Applicability: rule.NeedsThought,
	}
	if !anti {
		f.Fix.Caution = "then it may run far from them: slower, or without what it needs beside it"
	}
	if patch := prefer(templateOf(p, spec), spec, anti, t.index); patch != nil && spec.Object.Kind != "Pod" {
		f.Fix.Patch = patch
		f.Fix.Command = p.PatchCommand(spec.Object, patch)
		return
	}
	name := "podAffinity"
	if anti {
		name = "podAntiAffinity"
	}
	f.Fix.YAML = fmt.Sprintf("affinity:\n  %s:\n    preferredDuringSchedulingIgnoredDuringExecution:\n    - weight: 100\n      podAffinityTerm: <THE REQUIRED TERM>\n", name)
	f.Fix.Applicability = rule.Placeholders
	if spec.Object.Kind == "Pod" {
		f.Fix.Caution = "the affinity of a pod cannot be changed: delete it and create it again. " + strings.ToUpper(f.Fix.Caution[:1]) + f.Fix.Caution[1:]
	}
}

// reportTheirs is the finding where the others' anti-affinity keeps the pod away: theirs is to change.
func reportTheirs(p *rule.Pass, s *survey, evidence rule.Evidence) {
	n := newNeighbours(p, nodes(p), s.taken)
	f := rule.Finding{
		Seen: p.Object.Ref, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
		NoField: "it is the anti-affinity of other pods, and those could not be read",
		Message: "other pods must not be near one with its labels, and one of those is near every node that would take it",
	}
	var worst *term
	var holders []*snapshot.Object
	for _, pl := range s.with(byTheirs) {
		for _, t := range n.theirs {
			if v, ok := pl.node.Labels[t.TopologyKey]; ok && len(t.domains[v]) > 0 {
				holders = append(holders, t.holder)
				if worst == nil {
					worst = t
				}
			}
		}
	}
	if worst == nil {
		f.Object = p.PodSpec().Object
		f.Fix = &rule.Fix{Title: "see which pods have anti-affinity against its labels, or give it others", Applicability: rule.NeedsThought}
		s.tell(&f, byTheirs)
		p.Report(f)
		return
	}
	theirs := rule.NewPass(p.Snapshot, worst.holder, nil, nil, rule.Sink{}).PodSpec()
	setting := antiSetting(theirs, worst.index)
	f.NoField, f.Object, f.Field, f.Value = "", theirs.Object, setting.Child("topologyKey").Path, worst.TopologyKey
	f.Message = fmt.Sprintf("%s must not share a %s with pods that have %s, and %s does: its pods are near every node that would take it", theirs.Object.String(), level(worst.TopologyKey), worst.words(), p.Object.String())
	f.Label = fmt.Sprintf("keeps pods with %s away", worst.words())
	f.RuledOut = []string{"its own anti-affinity: the scheduler names that of pods that run already"}
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: worst.holder.Ref, Field: "spec." + antiTerms, Text: fmt.Sprintf("%s has the anti-affinity; the labels of %s: %s", refs(holders), p.Object.String(), labelText(p.Object.Pod().Labels))})
	soften(p, &f, theirs, true, worst)
	f.Fix.Caution = fmt.Sprintf("whoever wrote it wants %s alone; or give this pod other labels, or add a node. Its pods keep others away until they are replaced", theirs.Object.String())
	s.tell(&f, byTheirs)
	p.Report(f)
}

func labelText(set map[string]string) string {
	var list []string
	for k, v := range set {
		if !snapshot.ControllerLabel(k) {
			list = append(list, k+"="+v)
		}
	}
	slices.Sort(list)
	return words(list)
}

func allNodes(n int) string {
	if n == 1 {
		return "the only node"
	}
	return fmt.Sprintf("all %d nodes", n)
}

func has(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

// refs names objects, each once.
func refs(list []*snapshot.Object) string {
	var names []string
	seen := map[string]bool{}
	for _, o := range list {
		if name := o.String(); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return words(names)
}
