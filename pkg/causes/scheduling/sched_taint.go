package scheduling

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedTaint finds pods that tolerate too little for the nodes that would otherwise take them.
var SchedTaint = rule.Cause{
	ID: "sched-taint", Title: "the nodes have a taint that the pod does not tolerate", Doc: rule.ReadDoc(docs, "sched_taint.md"),
	Peers: map[string][]string{"popeye": {"POP-207"}},
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if message, _, ok := unschedulable(p); ok && strings.Contains(message, taintWords) {
			return []snapshot.Want{snapshot.WantList(snapshot.NodeKind, "", "")}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		message, evidence, ok := unschedulable(p)
		if !ok || !strings.Contains(message, taintWords) {
			return
		}
		if len(nodes(p)) == 0 {
			if onlyRefused(message, taintWords, selectorWords) {
				reportUnseenTaint(p, evidence)
			}
			return
		}
		var shut, lost *corev1.Node
		var unmet []corev1.Taint
		open := false
		for _, n := range matching(p) {
			taints := untolerated(p.Object.Pod(), n)
			switch {
			case len(taints) == 0:
				open = true
			case notReady(taints):
				lost = n
			case shut == nil || len(taints) < len(unmet):
				shut, unmet = n, taints
			}
		}
		switch {
		case open: // another node was refused for another reason
		case shut != nil:
			reportTaint(p, evidence, shut, unmet)
		case lost != nil:
			reportLostNode(p, evidence, lost)
		}
	},
}

// untolerated are the taints of a node that keep the pod away.
func untolerated(pod *corev1.Pod, n *corev1.Node) []corev1.Taint {
	var list []corev1.Taint
	for _, t := range n.Spec.Taints {
		if t.Effect == corev1.TaintEffectPreferNoSchedule || t.Key == corev1.TaintNodeUnschedulable {
			continue
		}
		if rule.TolerationFor(t, pod.Spec.Tolerations) < 0 {
			list = append(list, t)
		}
	}
	return list
}

// notReady tells whether Kubernetes itself set the taint, because the node does not work.
func notReady(taints []corev1.Taint) bool {
	for _, t := range taints {
		if strings.HasPrefix(t.Key, "node.kubernetes.io/") || strings.HasPrefix(t.Key, "node.cloudprovider.kubernetes.io/") {
			return true
		}
	}
	return false
}

func reportTaint(p *rule.Pass, evidence rule.Evidence, n *corev1.Node, unmet []corev1.Taint) {
	spec := p.PodSpec()
	setting := spec.Child("tolerations")
	names := make([]string, 0, len(unmet))
	add := make([]any, 0, len(unmet))
	text := "tolerations:\n"
	for _, t := range unmet {
		names = append(names, t.ToString())
		toleration := map[string]any{"key": t.Key, "operator": "Equal", "value": t.Value, "effect": string(t.Effect)}
		text += fmt.Sprintf("- key: %s\n  operator: Equal\n  value: %q\n  effect: %s\n", t.Key, t.Value, t.Effect)
		if t.Value == "" {
			toleration = map[string]any{"key": t.Key, "operator": "Exists", "effect": string(t.Effect)}
			text = strings.TrimSuffix(text, fmt.Sprintf("  operator: Equal\n  value: %q\n  effect: %s\n", t.Value, t.Effect)) + fmt.Sprintf("  operator: Exists\n  effect: %s\n", t.Effect)
		}
		add = append(add, toleration)
	}
	taints := strings.Join(names, ", ")
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Certainty: rule.Certain,
		Message: fmt.Sprintf("does not tolerate %s, the taint of node/%s, %s", taints, n.Name, whichNode(p)),
		Label:   fmt.Sprintf("nothing here tolerates %s", taints),
		Evidence: []rule.Evidence{
			evidence,
			{Source: rule.FromSpec, Object: snapshot.NodeRef(n.Name), Field: "spec.taints", Text: fmt.Sprintf("node/%s spec.taints: %s", n.Name, taints)},
		},
		RuledOut: []string{fmt.Sprintf("the node's labels: node/%s satisfies all that the pod asks for", n.Name)},
		Fix: &rule.Fix{
			Title:         fmt.Sprintf("tolerate the taint, so that node/%s takes the pod", n.Name),
			Caution:       "somebody set the taint to keep other pods away; make sure that this one is meant to run there",
			Applicability: rule.NeedsThought,
		},
	}
	if len(unmet) > 1 {
		f.Message = strings.Replace(f.Message, "the taint of", "the taints of", 1)
	}
	if len(p.Object.Pod().Spec.NodeSelector) > 0 {
		f.Marks = append(f.Marks, rule.Mark{Field: spec.Child("nodeSelector").Path, Label: fmt.Sprintf("leads to node/%s", n.Name)})
	}
	owner, _ := p.Lookup(setting.Object.GroupKind(), setting.Object.Namespace, setting.Object.Name)
	if owner == nil || len(owner.Templates) == 0 {
		f.Fix.YAML = text // what the template tolerates already is not known, and a patch of the list would drop it
		p.Report(f)
		return
	}
	var body []rule.Op
	if len(owner.Templates[0].Spec.Tolerations) == 0 {
		f.Label = "add tolerations here: " + f.Label
		body = []rule.Op{{Op: "add", Path: setting.Pointer(), Value: add}}
	} else {
		for _, t := range add {
			body = append(body, rule.Op{Op: "add", Path: setting.Pointer() + "/-", Value: t})
		}
	}
	f.Fix.Patch = &rule.Patch{Type: "json", Body: body}
	f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
	p.Report(f)
}

// whichNode words why this node counts.
func whichNode(p *rule.Pass) string {
	switch n, all := len(matching(p)), len(nodes(p)); {
	case all == 1:
		return "the only node"
	case n == 1:
		return "the only node with the labels that it asks for"
	case n == all:
		return fmt.Sprintf("and none of %d nodes is free of taints", all)
	default:
		return fmt.Sprintf("and none of the %d nodes with the labels that it asks for is free of taints", n)
	}
}

// reportLostNode is the finding where Kubernetes set the taint because the node does not work: to
// tolerate it would help nobody.
func reportLostNode(p *rule.Pass, evidence rule.Evidence, n *corev1.Node) {
	var names []string
	for _, t := range n.Spec.Taints {
		names = append(names, t.ToString())
	}
	node := snapshot.NodeRef(n.Name)
	p.Report(rule.Finding{
		Object: node, Seen: p.Object.Ref, Certainty: rule.Certain, Because: &node,
		NoField:  "Kubernetes sets this taint itself while the node does not work or runs short, and a toleration would mend neither",
		Message:  fmt.Sprintf("no working node is left for it: node/%s, %s, has the taint %s", n.Name, whichNode(p), strings.Join(names, ", ")),
		Evidence: []rule.Evidence{evidence, {Source: rule.FromSpec, Object: snapshot.NodeRef(n.Name), Field: "spec.taints", Text: fmt.Sprintf("node/%s spec.taints: %s", n.Name, strings.Join(names, ", "))}},
		Fix:      &rule.Fix{Title: fmt.Sprintf("see what keeps node/%s from working", n.Name), Applicability: rule.NeedsThought, Command: []string{"describe", "node/" + n.Name}},
	})
}

// reportUnseenTaint is the finding where nodes could not be read.
func reportUnseenTaint(p *rule.Pass, evidence rule.Evidence) {
	setting := p.PodSpec().Child("tolerations")
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Certainty: rule.Likely,
		Message:  "every node that would take it has a taint that it does not tolerate; which one only the nodes tell, and they could not be read",
		Label:    "nothing here tolerates the taint",
		Evidence: []rule.Evidence{evidence},
		Fix: &rule.Fix{
			Title:         "tolerate the taint, if the pod is meant to run on those nodes",
			Caution:       "whoever runs the cluster can tell the taint and what it is for; Kubernetes itself sets some on nodes that do not work",
			Applicability: rule.Placeholders,
			YAML:          "tolerations:\n- key: <KEY>\n  operator: Equal\n  value: <VALUE>\n  effect: NoSchedule",
		},
	}
	if pod := p.Object.Pod(); len(pod.Spec.NodeSelector) > 0 || len(requiredTerms(pod)) > 0 {
		// The scheduler looks at taints first: whether a tainted node has the labels it does not say.
		f.Certainty = rule.Possible
		f.Message = "a taint that it does not tolerate, or labels that no node has? the labels and taints of the nodes would tell, and they could not be read"
		f.Marks = append(f.Marks, rule.Mark{Field: selectorField(p).Path, Label: "or no node satisfies this"})
	}
	p.Report(f)
}
