package memory

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// OOMOwnLimit finds containers that the kernel killed at their own memory limit.
var OOMOwnLimit = rule.Cause{
	ID: "oom-own-limit", Title: "hits its own memory limit", Doc: rule.ReadDoc(docs, "oom_own_limit.md"),
	Stage: rule.StageExit, Beats: []string{"app-exit", "init-failing", "restart-after-long-run"}, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, c := range p.Object.PodContainers() {
			if _, ok := oomKilled(p, c); ok {
				wants = append(wants, p.DeathLog(c))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			d, ok := oomKilled(p, c)
			if !ok {
				continue
			}
			limit, ok := c.Resources.Limits[corev1.ResourceMemory]
			if !ok {
				continue
			}
			reportOOM(p, c, d, limit)
		}
	},
}

// oomKilled is the death of a container whose first process the kernel killed. The reason alone
// proves nothing: the runtime keeps it from an earlier child.
func oomKilled(p *rule.Pass, c snapshot.Container) (*rule.Death, bool) {
	d := p.LastDeath(c)
	return d, d != nil && d.Reason == "OOMKilled" && d.ExitCode == 137
}

func reportOOM(p *rule.Pass, c snapshot.Container, d *rule.Death, limit resource.Quantity) {
	setting := p.ContainerSetting(c).Child("resources", "limits", "memory")
	f := rule.Finding{
		Object:  setting.Object,
		Seen:    p.Object.In(c.Name),
		Field:   setting.Path,
		Value:   limit.String(),
		Message: fmt.Sprintf("hits its own %s memory limit: killed %s after start, %s", limit.String(), rule.Human(d.Ran()), rule.Count(int(d.Restarts), "restart")),
		Label:   "the kernel kills the container here; peak unknown (no metrics read)",
		Evidence: []rule.Evidence{
			p.DeathEvidence(c, d),
		},
		Certainty: rule.Certain,
		History:   d.Over,
	}
	if c.Init {
		f.Stage = rule.StageInit
	}
	f.Evidence = append(f.Evidence, p.LastLogLines(c, 1)...)
	if p.Object.Meta.GetAnnotations()["kubernetes.io/limit-ranger"] == "" {
		f.RuledOut = append(f.RuledOut, "a LimitRange default: the pod carries no limit-ranger annotation")
	}
	if node, _ := p.Lookup(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName); node != nil && !underPressure(node) {
		f.RuledOut = append(f.RuledOut, "the node: it reports no MemoryPressure")
	}
	raised := limit.DeepCopy()
	raised.Add(limit)
	f.Fix = &rule.Fix{
		Title:         "raise the limit, then measure",
		Caution:       fmt.Sprintf("%s is twice the present limit, a first step and no measurement; a leak dies again, later", raised.String()),
		Applicability: rule.NeedsThought,
		Patch:         setting.ReplaceValue(limit.String(), raised.String()),
		Command:       p.SetResources(setting.Object, c.Name, "memory="+raised.String(), "memory="+raised.String()),
	}
	p.Report(f)
}

func underPressure(node *snapshot.Object) bool {
	n, ok := node.Typed.(*corev1.Node)
	if !ok {
		return false
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeMemoryPressure && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}
