package controllers

import (
	"fmt"
	"sort"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// DsMissingNodes finds DaemonSets that run nowhere since their nodeSelector misses what nodes have by a
// few letters, or their nodeName is that of no node.
var DsMissingNodes = rule.Cause{
	ID: "ds-missing-nodes", Title: "no node has the labels that the DaemonSet asks for", Doc: rule.ReadDoc(docs, "ds_missing_nodes.md"),
	Stage: rule.StageNotScheduled, On: rule.Kinds(snapshot.DaemonSetKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if ds := nowhere(p); ds != nil {
			return []snapshot.Want{snapshot.WantList(snapshot.NodeKind, "", "")}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		ds := nowhere(p)
		nodes := p.List(snapshot.NodeKind, "")
		if ds == nil || len(nodes) == 0 {
			return
		}
		if name := ds.Spec.Template.Spec.NodeName; name != "" {
			reportNoNode(p, nodes, name)
			return
		}
		selector := ds.Spec.Template.Spec.NodeSelector
		keys := make([]string, 0, len(selector))
		for k := range selector {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, key := range keys {
			var values, others []string
			for _, o := range nodes {
				if n, ok := o.Typed.(*corev1.Node); ok {
					for k, v := range n.Labels {
						if k == key {
							values = append(values, v)
						} else {
							others = append(others, k)
						}
					}
				}
			}
			sort.Strings(others)
			sort.Strings(values)
			if near := knowledge.Nearest(selector[key], values); len(values) > 0 && near != "" {
				reportNowhere(p, nodes, key, selector[key], near)
				return
			}
			if near := knowledge.Nearest(key, others); len(values) == 0 && near != "" && hasValue(nodes, near, selector[key]) {
				reportNowhereKey(p, nodes, key, selector[key], near)
				return
			}
		}
	},
}

// reportNoNode says that a DaemonSet is bound by name to a node that is not there.
func reportNoNode(p *rule.Pass, nodes []*snapshot.Object, name string) {
	var names []string
	for _, o := range nodes {
		if o.Name == name {
			return // something else keeps it from that node
		}
		names = append(names, o.Name)
	}
	if !p.ListRead(snapshot.NodeKind, "") {
		return
	}
	s := p.PodSpec().Child("nodeName")
	f := rule.Finding{
		Object: s.Object, Field: s.Path, Value: name, Certainty: rule.Certain,
		Message:  fmt.Sprintf("runs on no node: its pods are for node %s alone, and there is no node of that name", clip(name)),
		Label:    "a DaemonSet has a pod on each node; with nodeName on this one only",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.desiredNumberScheduled", Text: fmt.Sprintf("desired on 0 of %s, none of them called %s", rule.Count(len(nodes), "node"), clip(name))}},
		Fix: &rule.Fix{
			Title: "leave nodeName out", Caution: "it then starts on every node that its nodeSelector, affinity and tolerations allow",
			Applicability: rule.NeedsThought, Object: s.Object,
			Patch: &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: s.Pointer(), Value: name}, {Op: "remove", Path: s.Pointer()}}},
		},
	}
	if near := knowledge.Nearest(name, names); near != "" {
		f.Label += fmt.Sprintf("; there is %q", near)
	}
	f.Fix.Command = p.PatchCommand(s.Object, f.Fix.Patch)
	p.Report(f)
}

// nowhere is the DaemonSet of the Pass, where no node asks for it and its nodeSelector or nodeName may be why.
func nowhere(p *rule.Pass) *appsv1.DaemonSet {
	ds, ok := p.Object.Typed.(*appsv1.DaemonSet)
	if !ok || ds.DeletionTimestamp != nil || ds.Status.ObservedGeneration < ds.Generation || ds.Status.DesiredNumberScheduled > 0 || len(ds.Spec.Template.Spec.NodeSelector) == 0 && ds.Spec.Template.Spec.NodeName == "" {
		return nil
	}
	return ds
}

func hasValue(nodes []*snapshot.Object, key, value string) bool {
	for _, o := range nodes {
		if o.Meta.GetLabels()[key] == value {
			return true
		}
	}
	return false
}

func nowhereFinding(p *rule.Pass, nodes []*snapshot.Object, key, value string) (rule.Finding, rule.Setting) {
	s := p.PodSpec().Child("nodeSelector")
	s.Path = s.Path.Key(key)
	return rule.Finding{
		Object: s.Object, Field: s.Path, Value: value, Certainty: rule.Likely,
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.desiredNumberScheduled", Text: fmt.Sprintf("desired on 0 of %s", rule.Count(len(nodes), "node"))}},
		RuledOut: []string{"a kind of node that is not there at all: nodes have a label of nearly that name and value"},
	}, s
}

func reportNowhere(p *rule.Pass, nodes []*snapshot.Object, key, value, near string) {
	f, s := nowhereFinding(p, nodes, key, value)
	f.Message = fmt.Sprintf("runs on no node: it asks for %s=%s, and nodes have %s=%s", key, value, key, near)
	f.Label = fmt.Sprintf("no node has this value; there is %q", near)
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: nodes[0].Ref, Field: "metadata.labels", Text: fmt.Sprintf("a label of nodes: %s=%s", key, near)})
	f.Fix = &rule.Fix{Title: fmt.Sprintf("ask for %s=%s", key, near), Caution: "it then starts on every node with that label", Applicability: rule.NeedsThought, Patch: s.ReplaceValue(value, near)}
	f.Fix.Command = p.PatchCommand(s.Object, f.Fix.Patch)
	p.Report(f)
}

func reportNowhereKey(p *rule.Pass, nodes []*snapshot.Object, key, value, near string) {
	f, s := nowhereFinding(p, nodes, key, value)
	f.AtKey = true
	f.Message = fmt.Sprintf("runs on no node: it asks for %s=%s, and nodes have %s=%s", key, value, near, value)
	f.Label = fmt.Sprintf("no node has this label; there is %q", near)
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: nodes[0].Ref, Field: "metadata.labels", Text: fmt.Sprintf("a label of nodes: %s=%s", near, value)})
	right := p.PodSpec().Child("nodeSelector")
	f.Fix = &rule.Fix{Title: fmt.Sprintf("ask for %s=%s", near, value), Caution: "it then starts on every node with that label", Applicability: rule.NeedsThought, Patch: &rule.Patch{Type: "json", Body: []rule.Op{
		{Op: "test", Path: s.Pointer(), Value: value}, {Op: "remove", Path: s.Pointer()},
		{Op: "add", Path: rule.Setting{Object: right.Object, Path: right.Path.Key(near)}.Pointer(), Value: value},
	}}}
	f.Fix.Command = p.PatchCommand(s.Object, f.Fix.Patch)
	p.Report(f)
}
