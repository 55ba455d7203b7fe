package scheduling

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SchedHostPort finds pods that want a port of the node which another pod has on every node.
var SchedHostPort = rule.Cause{
	ID: "sched-hostport", Title: "the port that it wants of the node is taken", Doc: rule.ReadDoc(docs, "sched_hostport.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsFor(p, byPorts) },
	Run: func(p *rule.Pass) {
		if s, evidence := blamed(p, byPorts); s != nil {
			reportPorts(p, s, evidence)
		}
	},
}

func reportPorts(p *rule.Pass, s *survey, evidence rule.Evidence) {
	f := rule.Finding{
		Object: p.PodSpec().Object, Seen: p.Object.Ref, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
		NoField: "which of its ports is taken is not known",
		Message: "wants a port of the node that is taken on every node that would take it",
	}
	number := int32(0)
	var holders []*snapshot.Object
	for _, pl := range s.with(byPorts) {
		if o, port := s.holder(pl.node); o != nil && (number == 0 || number == port.HostPort) {
			number = port.HostPort
			holders = append(holders, o)
		}
	}
	if list := wanted(p.Object.Pod()); number == 0 && len(list) == 1 {
		number = list[0].HostPort
	}
	found := false
	for _, c := range p.Object.PodContainers() {
		for i, port := range c.Ports {
			if port.HostPort != number || number == 0 || found {
				continue
			}
			found = true
			container := p.ContainerSetting(c)
			setting := container.Child("ports").Index(i).Child("hostPort")
			f.Object, f.Field, f.NoField, f.Value, f.Seen = setting.Object, setting.Path, "", fmt.Sprint(number), p.Object.In(c.Name)
			f.Label = "one pod for each node can have it"
			f.Message = fmt.Sprintf("wants port %d of the node itself, and no node that would take it has that free", number)
			f.Fix = &rule.Fix{
				Title:         "do without the port of the node: a Service reaches the pod on any node",
				Caution:       "whoever calls the node's own address on this port no longer gets through; a Service of type NodePort or LoadBalancer replaces it",
				Applicability: rule.NeedsThought,
			}
			switch {
			case p.Object.Pod().Spec.HostNetwork:
				f.Fix.Title = "run without hostNetwork and reach the pod by a Service, or run one pod for each node"
				f.Marks = append(f.Marks, rule.Mark{Field: p.PodSpec().Child("hostNetwork").Path, Label: "makes every container port a port of the node"})
			case setting.Object.Kind == "Pod":
				f.Fix.YAML = fmt.Sprintf("ports:\n- containerPort: %d\n", port.ContainerPort)
				f.Fix.Caution = "a pod's ports cannot be changed: delete it and create it again. " + f.Fix.Caution[:1] + f.Fix.Caution[1:]
			default:
				f.Fix.Patch = &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: setting.Pointer(), Value: number}, {Op: "remove", Path: setting.Pointer()}}}
				f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
			}
		}
	}
	if len(holders) == 0 {
		s.tell(&f, byPorts)
		p.Report(f)
		return
	}
	f.Message = fmt.Sprintf("wants port %d of the node itself, and on %s that would take it a pod has that: %s", number, allNodes(len(s.with(byPorts))), refs(holders))
	same, old := mates(p, holders)
	switch {
	case old == len(holders):
		f.Message = fmt.Sprintf("the new pod wants port %d of the node, which the old one has: the rollout cannot go on", number)
		if f.Field != nil {
			f.Marks = append(f.Marks, rule.Mark{Field: f.Field, Label: "one pod for each node can have it"})
		}
		makeRoom(p, &f)
	case same == len(holders) && f.Fix != nil:
		if _, replicas := scaleTo(p); replicas > 0 {
			f.Fix.Caution += fmt.Sprintf(". Or run only the %d that have a node to themselves", replicas)
		}
	}
	s.tell(&f, byPorts)
	p.Report(f)
}
