package memory

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"

	corev1 "k8s.io/api/core/v1"
)

// OOMNode finds containers without a memory limit that the kernel killed because the node had no more.
var OOMNode = rule.Cause{
	ID: "oom-node", Title: "the node runs out of memory", Doc: rule.ReadDoc(docs, "oom_node.md"),
	Stage: rule.StageExit, Beats: []string{"app-exit", "init-failing", "restart-after-long-run"}, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		wants := logOfKilled(p)
		for _, c := range p.Object.PodContainers() {
			if _, ok := withoutLimit(p, c); ok && p.Object.Pod().Spec.NodeName != "" {
				wants = append(wants, snapshot.WantEvents(nodeRef(p)))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if d, ok := withoutLimit(p, c); ok {
				reportNode(p, c, d)
			}
		}
	},
}

func nodeRef(p *rule.Pass) snapshot.Ref {
	return snapshot.NodeRef(p.Object.Pod().Spec.NodeName)
}

// withoutLimit is the end of a container that the kernel killed for its memory although neither it nor its
// pod has a limit.
func withoutLimit(p *rule.Pass, c snapshot.Container) (*rule.Death, bool) {
	d, ok := oomKilled(p, c)
	if !ok {
		return nil, false
	}
	_, its := own(c)
	_, pods := ofPod(p)
	return d, !its && !pods
}

// systemOOM is the newest event of the pod's node which says that it ran out of memory, in the life that
// ended or just after.
func systemOOM(p *rule.Pass, d *rule.Death) *corev1.Event {
	node, _ := p.Lookup(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName)
	if node == nil {
		node = &snapshot.Object{Ref: nodeRef(p), Meta: &corev1.Node{}}
	}
	e := p.Event(node, "SystemOOM")
	if e == nil || snapshot.EventTime(e).Before(d.StartedAt.Add(-knowledge.StopSlack)) {
		return nil
	}
	return e
}

func reportNode(p *rule.Pass, c snapshot.Container, d *rule.Death) {
	setting := p.ContainerSetting(c).Child("resources", "limits", "memory")
	name := p.Object.Pod().Spec.NodeName
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path,
		Message:   fmt.Sprintf("has no memory limit and was killed for its memory: node/%s had no more; %s", name, killedText(d)),
		Label:     "no memory limit: nothing but the node's memory bounds it",
		Evidence:  append([]rule.Evidence{p.DeathEvidence(c, d)}, p.LastLogLines(c, 1)...),
		Certainty: rule.Likely,
		History:   d.Over,
		Stage:     stage(c),
		RuledOut:  []string{"a memory limit: neither the container nor its pod has one"},
		Fix: &rule.Fix{
			Title:         "give it a request of what it needs and a limit, so that the scheduler counts it; see who holds most on that node",
			Caution:       "another pod may be the one that takes too much: the kernel kills who holds most beyond its request, and this one requests little",
			Applicability: rule.Placeholders,
			Command:       p.SetResources(setting.Object, c.Name, "memory=<MEMORY>", "memory=<MEMORY>"),
		},
	}
	agree := false
	if e := systemOOM(p, d); e != nil {
		agree = true
		f.Evidence = append(f.Evidence, rule.EventEvidence(e))
	}
	if node, _ := p.Lookup(snapshot.NodeKind, "", name); node != nil && underPressure(node) {
		agree = true
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: node.Ref, Field: "status.conditions", Text: "MemoryPressure: True"})
	}
	if q := p.Object.Pod().Status.QOSClass; q != "" {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.qosClass", Text: "QoS class " + string(q)})
	}
	if !agree {
		f.Message += "; its SystemOOM events, or its free memory at that time, would prove it"
	}
	p.Report(f)
}
