package scheduling

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedSelector finds pods whose nodeSelector or required node affinity no node satisfies.
var SchedSelector = rule.Cause{
	ID: "sched-selector", Title: "no node has the labels that the pod asks for", Doc: rule.ReadDoc(docs, "sched_selector.md"),
	Peers: map[string][]string{"popeye": {"POP-207"}},
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if message, _, ok := unschedulable(p); ok && strings.Contains(message, selectorWords) {
			return []snapshot.Want{snapshot.WantList(snapshot.NodeKind, "", "")}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		message, evidence, ok := unschedulable(p)
		if !ok || !strings.Contains(message, selectorWords) {
			return
		}
		if all := nodes(p); len(all) > 0 {
			if len(matching(p)) == 0 {
				reportSelector(p, evidence, all)
			}
			return
		}
		if onlyRefused(message, selectorWords) {
			reportUnseen(p, evidence)
		}
	},
}

// demand is one thing that the pod asks of a node's labels.
type demand struct {
	setting rule.Setting
	key     string
	value   string   // as people write it
	values  []string // the values that would do; none for Exists and the like
	patch   func(near string) *rule.Patch
	match   func(*corev1.Node) bool
}

// demands are what the pod asks of labels; of several affinity terms, any of which would do, those
// of the only one, and otherwise none.
func demands(p *rule.Pass) []demand {
	pod, spec := p.Object.Pod(), p.PodSpec()
	keys := make([]string, 0, len(pod.Spec.NodeSelector))
	for k := range pod.Spec.NodeSelector {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var list []demand
	for _, k := range keys {
		want := pod.Spec.NodeSelector[k]
		setting := rule.Setting{Object: spec.Object, Path: spec.Path.Child("nodeSelector").Key(k)}
		list = append(list, demand{
			setting: setting, key: k, value: want, values: []string{want},
			patch: func(near string) *rule.Patch { return setting.ReplaceValue(want, near) },
			match: func(n *corev1.Node) bool { return n.Labels[k] == want },
		})
	}
	required := requiredTerms(pod)
	if len(required) != 1 {
		return list
	}
	term := spec.Child("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms").Index(0)
	for i, e := range required[0].MatchExpressions {
		selector, err := nodeaffinity.NewNodeSelector(&corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{e}}}})
		if err != nil {
			continue
		}
		setting := term.Child("matchExpressions").Index(i)
		d := demand{setting: setting, key: e.Key, value: expression(e), match: selector.Match}
		if e.Operator == corev1.NodeSelectorOpIn {
			d.values = e.Values
			d.setting = setting.Child("values")
			if len(e.Values) == 1 {
				d.setting = d.setting.Index(0)
				d.value = e.Values[0]
				d.patch = func(near string) *rule.Patch { return d.setting.ReplaceValue(e.Values[0], near) }
			}
		}
		list = append(list, d)
	}
	return list
}

func requiredTerms(pod *corev1.Pod) []corev1.NodeSelectorTerm {
	a := pod.Spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	return a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
}

// expression words an affinity requirement.
func expression(e corev1.NodeSelectorRequirement) string {
	text := string(e.Operator)
	if len(e.Values) > 0 {
		text += " " + strings.Join(e.Values, ", ")
	}
	return text
}

func reportSelector(p *rule.Pass, evidence rule.Evidence, all []*corev1.Node) {
	spec := p.PodSpec()
	f := rule.Finding{
		Object: spec.Object, Seen: p.Object.Ref, Field: selectorField(p).Path, Certainty: rule.Certain,
		Message:  fmt.Sprintf("none of %s has the labels that it asks for", rule.Count(len(all), "node")),
		Label:    "no node satisfies this",
		Evidence: []rule.Evidence{evidence},
		RuledOut: []string{"taints and full nodes: without the labels no node comes that far"},
		Fix: &rule.Fix{
			Title:         "ask for labels that a node has, or label the nodes that are meant",
			Caution:       "the selector may be there for a reason: a kind of disk, an architecture, a zone",
			Applicability: rule.NeedsThought,
		},
	}
	for _, d := range demands(p) {
		if slices.ContainsFunc(all, d.match) {
			continue
		}
		f.Field, f.Value = d.setting.Path, d.value
		near := unmet(p, &f, d, all)
		evenThen(p, &f, d, near)
		p.Report(f)
		return
	}
	if list := demands(p); len(list) > 1 {
		apart(&f, list, all)
	}
	p.Report(f)
}

// evenThen words what keeps the pod from the nodes that it could go to once this demand is met: those that
// have the value near or, where there is none, those that have all else that it asks for.
func evenThen(p *rule.Pass, f *rule.Finding, d demand, near string) {
	var held []string
	for _, pl := range look(p, "").places {
		others := slices.ContainsFunc(demands(p), func(other demand) bool { return other.key != d.key && !other.match(pl.node) })
		if others || near != "" && pl.node.Labels[d.key] != near {
			continue
		}
		var texts []string
		for _, o := range pl.obstacles {
			if o.kind == byTaint || o.kind == byCordon || o.kind == byRoom {
				texts = append(texts, o.text)
			}
		}
		if len(texts) == 0 {
			return
		}
		held = append(held, fmt.Sprintf("node/%s: %s", pl.node.Name, strings.Join(texts, ", ")))
	}
	if len(held) == 0 {
		return
	}
	const few = 3
	if len(held) > few {
		held = append(held[:few:few], fmt.Sprintf("and %d more", len(held)-few))
	}
	f.RuledOut = nil
	f.Fix.Caution = join(f.Fix.Caution, "this alone does not place it: "+strings.Join(held, "; "))
}

// unmet words a demand that no node meets, with the labels that come nearest; it returns the value that the
// fix asks for instead, "" where it asks for none.
func unmet(p *rule.Pass, f *rule.Finding, d demand, all []*corev1.Node) string {
	asked := d.key + ": " + d.value
	if len(d.values) == 1 {
		asked = d.key + "=" + d.values[0]
	}
	have := labelValues(all, d.key)
	switch len(have) {
	case 0:
		f.Message = fmt.Sprintf("asks for a node with %s, and none of %s has a label %s", asked, rule.Count(len(all), "node"), d.key)
		f.Label = "no node has this label"
		if near := knowledge.Nearest(d.key, labelKeys(all)); near != "" {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: fmt.Sprintf("nodes have a label of a like name: %s", near)})
		}
	default:
		f.Message = fmt.Sprintf("asks for a node with %s, and nodes have %s only with %s", asked, d.key, words(have))
		f.Label = fmt.Sprintf("no node has this value; there is %s", words(have))
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: fmt.Sprintf("%s on nodes: %s", d.key, words(have))})
	}
	if len(d.values) != 1 {
		return ""
	}
	if near := knowledge.Nearest(d.values[0], have); near != "" && d.patch != nil {
		f.Fix.Title = fmt.Sprintf("ask for %s=%s, the nearest that nodes have; or label the nodes that are meant", d.key, near)
		f.Fix.Patch = d.patch(near)
		f.Fix.Command = p.PatchCommand(d.setting.Object, f.Fix.Patch)
		return near
	}
	node := snapshot.NodeRef("<NODE>")
	f.Fix.Title = fmt.Sprintf("label the nodes that are meant, or ask for labels that nodes have, in %s", f.Object.String())
	f.Fix.Caution = "a label is a promise: set it only where it is true. Other pods may look for it too"
	f.Fix.Applicability = rule.Placeholders
	f.Fix.Object = node
	f.Fix.Command = []string{"label", "node", "<NODE>", d.key + "=" + d.values[0]}
	return ""
}

// apart words demands each of which some node meets, and no node all of them.
func apart(f *rule.Finding, list []demand, all []*corev1.Node) {
	var best *corev1.Node
	var lacking []string
	for _, n := range all {
		var lacks []string
		for _, d := range list {
			if !d.match(n) {
				lacks = append(lacks, d.key)
			}
		}
		if best == nil || len(lacks) < len(lacking) {
			best, lacking = n, lacks
		}
	}
	if best == nil || len(lacking) == 0 {
		return
	}
	keys := make([]string, 0, len(list))
	for _, d := range list {
		keys = append(keys, d.key)
	}
	f.Message = fmt.Sprintf("no node meets all that it asks of %s at once; node/%s fails on %s", strings.Join(keys, ", "), best.Name, strings.Join(lacking, ", "))
	f.Label = fmt.Sprintf("each is met by some node; node/%s fails on %s", best.Name, strings.Join(lacking, ", "))
}

// reportUnseen is the finding where nodes could not be read: the scheduler says which kind of
// refusal it was, not which label.
func reportUnseen(p *rule.Pass, evidence rule.Evidence) {
	setting := selectorField(p)
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Certainty: rule.Certain,
		Message:  "no node has the labels that it asks for",
		Label:    "no node satisfies this",
		Evidence: []rule.Evidence{evidence},
		Fix: &rule.Fix{
			Title:         "ask for labels that a node has, or label the nodes that are meant",
			Caution:       "which labels nodes have could not be read: whoever runs the cluster can tell",
			Applicability: rule.NeedsThought,
		},
	}
	if list := demands(p); len(list) == 1 {
		f.Field, f.Value = list[0].setting.Path, list[0].value
		f.Message = fmt.Sprintf("no node satisfies %s: %s", list[0].key, list[0].value)
	}
	p.Report(f)
}

// selectorField is what narrows the pod to some nodes: the nodeSelector, else the affinity.
func selectorField(p *rule.Pass) rule.Setting {
	pod, spec := p.Object.Pod(), p.PodSpec()
	if len(pod.Spec.NodeSelector) > 0 && len(requiredTerms(pod)) == 0 {
		return spec.Child("nodeSelector")
	}
	if len(pod.Spec.NodeSelector) == 0 && len(requiredTerms(pod)) > 0 {
		return spec.Child("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	}
	return spec
}

// words lists a few of many.
func words(list []string) string { return rule.Few(list, 5) }

func labelValues(all []*corev1.Node, key string) []string {
	var list []string
	for _, n := range all {
		if v, ok := n.Labels[key]; ok && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	sort.Strings(list)
	return list
}

func labelKeys(all []*corev1.Node) []string {
	var list []string
	for _, n := range all {
		for k := range n.Labels {
			if !slices.Contains(list, k) {
				list = append(list, k)
			}
		}
	}
	sort.Strings(list)
	return list
}
