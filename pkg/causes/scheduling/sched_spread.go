package scheduling

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedSpread finds pods whose spread constraint no node that would take them can keep.
var SchedSpread = rule.Cause{
	ID: "sched-spread", Title: "no node keeps the spread that the pod asks for", Doc: rule.ReadDoc(docs, "sched_spread.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsFor(p, bySpread) },
	Run: func(p *rule.Pass) {
		if s, evidence := blamed(p, bySpread); s != nil {
			reportSpread(p, s, evidence)
		}
	},
}

func reportSpread(p *rule.Pass, s *survey, evidence rule.Evidence) {
	spec := p.PodSpec()
	f := rule.Finding{
		Object: spec.Object, Seen: p.Object.Ref, Field: spec.Child("topologySpreadConstraints").Path, Certainty: rule.Certain,
		Message: "no node that would take it keeps the spread that it asks for", Label: "no node satisfies this",
		Evidence: []rule.Evidence{evidence},
	}
	c := narrowest(newNeighbours(p, nodes(p), s.taken), s)
	if c == nil { // the scheduler's own default constraints never forbid, unless its configuration says so
		f.NoField = "the pod has no constraint of its own: the scheduler's configuration has one for all pods"
		f.Field = nil
		if len(p.Object.Pod().Spec.TopologySpreadConstraints) > 0 {
			f.Field, f.NoField = spec.Child("topologySpreadConstraints").Path, ""
		}
		s.tell(&f, bySpread)
		p.Report(f)
		return
	}
	setting := spec.Child("topologySpreadConstraints").Index(c.index)
	f.Fix = &rule.Fix{
		Title:         "spread as well as it goes, instead of not at all",
		Caution:       fmt.Sprintf("then one %s may get more pods than another, and its failure costs more of them", level(c.TopologyKey)),
		Applicability: rule.NeedsThought,
	}
	f.Fix.Patch = setting.Child("whenUnsatisfiable").ReplaceValue(string(corev1.DoNotSchedule), string(corev1.ScheduleAnyway))
	switch {
	case c.missing && len(nodes(p)) > 0 || strings.Contains(s.message, "missing required label") && len(s.places) == 0:
		f.Field, f.Value = setting.Child("topologyKey").Path, c.TopologyKey
		f.Message = fmt.Sprintf("spreads over %s, and no node has that label", c.TopologyKey)
		f.Label = "no node has this label"
		if near := knowledge.Nearest(c.TopologyKey, labelKeys(nodes(p))); near != "" {
			f.Fix.Title = fmt.Sprintf("spread over %s, the nearest label that nodes have", near)
			f.Fix.Caution = "the name is alike; that it is meant, only you know"
			f.Fix.Patch = setting.Child("topologyKey").ReplaceValue(c.TopologyKey, near)
			f.Label = "no node has this label; there is " + near
		} else {
			f.Fix.Caution += fmt.Sprintf(". Or label the nodes with %s", c.TopologyKey)
		}
	case len(s.places) == 0:
		f.Field, f.Value = setting.Child("whenUnsatisfiable").Path, string(corev1.DoNotSchedule)
	default:
		f.Field, f.Value = setting.Child("whenUnsatisfiable").Path, string(corev1.DoNotSchedule)
		f.Message = fmt.Sprintf("its pods may differ by %d from %s to %s: %s, and the next one cannot go where the fewest are", c.MaxSkew, level(c.TopologyKey), level(c.TopologyKey), c.table())
		f.Label = fmt.Sprintf("rather no pod than a difference of more than %d", c.MaxSkew)
		f.Marks = append(f.Marks, rule.Mark{Field: setting.Child("maxSkew").Path, Label: "the difference that is allowed"})
		if why := s.shut(c); why != "" {
			f.Message = fmt.Sprintf("its pods may differ by %d from %s to %s: %s, and %s", c.MaxSkew, level(c.TopologyKey), level(c.TopologyKey), c.table(), why)
		}
	}
	f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
	if setting.Object.Kind == "Pod" {
		f.Fix.Patch, f.Fix.Command = nil, nil
		f.Fix.YAML = rule.Nest(string(corev1.ScheduleAnyway), "whenUnsatisfiable")
		f.Fix.Caution = "the constraint of a pod cannot be changed: delete it and create it again. Then one " + level(c.TopologyKey) + " may get more pods than another"
	}
	s.tell(&f, bySpread)
	p.Report(f)
}

// narrowest is the constraint that most nodes fail.
func narrowest(n *neighbours, s *survey) *spreading {
	var worst *spreading
	most := -1
	for _, c := range n.spread {
		hit := 0
		for _, pl := range s.with(bySpread) {
			v, ok := pl.node.Labels[c.TopologyKey]
			if !ok || c.counts[v]+c.self-c.least() > int(c.MaxSkew) {
				hit++
			}
		}
		if hit > most {
			worst, most = c, hit
		}
	}
	return worst
}

// shut words why the domain with the fewest pods takes none.
func (s *survey) shut(c *spreading) string {
	for _, v := range slices.Sorted(maps.Keys(c.counts)) {
		n := c.counts[v]
		if n != c.least() {
			continue
		}
		for _, pl := range s.places {
			if pl.node.Labels[c.TopologyKey] == v && len(pl.obstacles) > 0 && !pl.has(bySpread) {
				return fmt.Sprintf("%s takes none: node/%s: %s", v, pl.node.Name, pl.obstacles[0].text)
			}
		}
	}
	return ""
}
