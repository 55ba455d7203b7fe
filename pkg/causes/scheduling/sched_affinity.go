package scheduling

import (
	"fmt"
	"sort"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedAffinity finds pods that must be near others, and none of those is near a node that would take
// them.
var SchedAffinity = rule.Cause{
	ID: "sched-affinity", Title: "no node is near the pods that it must be near", Doc: rule.ReadDoc(docs, "sched_affinity.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsFor(p, byAffinity) },
	Run: func(p *rule.Pass) {
		if s, evidence := blamed(p, byAffinity); s != nil {
			reportAffinity(p, s, evidence)
		}
	},
}

func reportAffinity(p *rule.Pass, s *survey, evidence rule.Evidence) {
	spec := p.PodSpec()
	at := spec.Child("affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	f := rule.Finding{
		Object: spec.Object, Seen: p.Object.Ref, Field: at.Path, Certainty: rule.Certain,
		Message: "must be near certain pods, and none of those is near a node that would take it", Label: "no node satisfies this",
		Evidence: []rule.Evidence{evidence},
	}
	n := newNeighbours(p, nodes(p), s.taken)
	t := loneliest(n, s)
	if t == nil {
		f.Fix = &rule.Fix{Title: "prefer to be near them, instead of requiring it", Caution: "which pods there are could not be read", Applicability: rule.NeedsThought}
		s.tell(&f, byAffinity)
		p.Report(f)
		return
	}
	setting := at.Index(t.index)
	f.Field = setting.Child("labelSelector").Path
	switch waiting := unplaced(p, t); {
	case !n.known:
		f.Message = fmt.Sprintf("must share a %s with a pod that has %s, and no node that would take it has one", level(t.TopologyKey), t.words())
		f.Label = "no such pod is near enough"
	case len(t.all) > 0:
		f.Field, f.Value = setting.Child("topologyKey").Path, t.TopologyKey
		f.Message = fmt.Sprintf("must share a %s with a pod that has %s; %s, and that %s does not take it", level(t.TopologyKey), t.words(), where(t), level(t.TopologyKey))
		f.Label = "the pods are elsewhere"
	case len(waiting) > 0:
		f.Message = fmt.Sprintf("must share a %s with a pod that has %s, and %s has no node yet", level(t.TopologyKey), t.words(), refs(waiting))
		f.Label = "waits for pods that wait themselves"
		f.Because = &waiting[0].Ref
	default:
		f.Message = fmt.Sprintf("must share a %s with a pod that has %s, and no pod in namespace %s has that", level(t.TopologyKey), t.words(), p.Object.Namespace)
		f.Label = "no pod has these labels"
		f.RuledOut = []string{"full nodes: without such a pod none is looked at"}
	}
	soften(p, &f, spec, false, t)
	if len(t.all) == 0 && n.known && f.Because == nil {
		nearLabel(p, &f, setting, t)
	}
	s.tell(&f, byAffinity)
	p.Report(f)
}

// loneliest is the term that the fewest nodes satisfy.
func loneliest(n *neighbours, s *survey) *term {
	var worst *term
	most := -1
	for _, t := range n.near {
		hit := 0
		for _, pl := range s.with(byAffinity) {
			if v, ok := pl.node.Labels[t.TopologyKey]; !ok || len(t.domains[v]) == 0 {
				hit++
			}
		}
		if hit > most {
			worst, most = t, hit
		}
	}
	return worst
}

// unplaced are pods that the term finds and that have no node themselves.
func unplaced(p *rule.Pass, t *term) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range p.List(snapshot.PodKind, "") {
		if pod := o.Pod(); o != p.Object && pod.Spec.NodeName == "" && t.finds(pod) && p.TopOwner(o) != p.TopOwner(p.Object) {
			list = append(list, o)
		}
	}
	return list
}

func where(t *term) string {
	o := t.all[0]
	if len(t.all) > 1 {
		return fmt.Sprintf("there are %d, one on node/%s", len(t.all), o.Pod().Spec.NodeName)
	}
	return fmt.Sprintf("%s is on node/%s", o.String(), o.Pod().Spec.NodeName)
}

// nearLabel offers the label value of pods that are there, where the term asks for one much like it.
func nearLabel(p *rule.Pass, f *rule.Finding, setting rule.Setting, t *term) {
	if t.LabelSelector == nil || len(t.Namespaces) > 0 || t.NamespaceSelector != nil {
		return
	}
	keys := make([]string, 0, len(t.LabelSelector.MatchLabels))
	for k := range t.LabelSelector.MatchLabels {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		want := t.LabelSelector.MatchLabels[k]
		var have []string
		for _, o := range p.List(snapshot.PodKind, p.Object.Namespace) {
			if v := o.Pod().Labels[k]; v != "" && p.TopOwner(o) != p.TopOwner(p.Object) {
				have = append(have, v)
			}
		}
		near := knowledge.Nearest(want, have)
		if near == "" || near == want {
			continue
		}
		at := rule.Setting{Object: setting.Object, Path: setting.Child("labelSelector", "matchLabels").Path.Key(k)}
		f.Field, f.Value, f.Label = at.Path, want, fmt.Sprintf("no pod has this value; there is %s", near)
		f.Fix = &rule.Fix{
			Title:         fmt.Sprintf("look for %s=%s, the nearest that pods have", k, near),
			Caution:       "the value is alike; that those pods are meant, only you know",
			Applicability: rule.NeedsThought, Patch: at.ReplaceValue(want, near),
		}
		f.Fix.Command = p.PatchCommand(at.Object, f.Fix.Patch)
		return
	}
}
