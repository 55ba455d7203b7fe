package memory

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// OOMPodLevel finds containers that were killed at the memory limit of their pod as a whole.
var OOMPodLevel = rule.Cause{
	ID: "oom-pod-level", Title: "the pod hits its memory limit as a whole", Doc: rule.ReadDoc(docs, "oom_pod_level.md"),
	Stage: rule.StageExit, Beats: []string{"app-exit", "init-failing", "restart-after-long-run"}, On: rule.Pods,
	Wants: wantsOfKilled,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			d, ok := oomKilled(p, c)
			if !ok {
				continue
			}
			_, has := own(c)
			if limit, ok := ofPod(p); ok && !has {
				reportPodLevel(p, c, d, limit)
			}
		}
	},
}

func reportPodLevel(p *rule.Pass, c snapshot.Container, d *rule.Death, limit resource.Quantity) {
	setting := p.PodSpec().Child("resources", "limits", "memory")
	raised := twice(limit)
	var others []string
	for _, o := range p.Object.PodContainers() {
		if o.Name != c.Name && !o.Init {
			others = append(others, o.Name)
		}
	}
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: limit.String(),
		Message:   fmt.Sprintf("hits the %s memory limit of the pod as a whole: %s", limit.String(), killedText(d)),
		Label:     "the only limit of container " + c.Name + ": what all containers hold counts together",
		Evidence:  append([]rule.Evidence{p.DeathEvidence(c, d)}, p.LastLogLines(c, 1)...),
		Certainty: rule.Likely, // the status does not say whose limit it was
		History:   d.Over,
		Stage:     stage(c),
		RuledOut:  append([]string{"a limit of its own: the container has none"}, notNode(p)...),
		Fix: &rule.Fix{
			Title:         "raise the pod's limit, then measure",
			Caution:       fmt.Sprintf("%s is twice the present limit, a first step and no measurement", raised.String()),
			Applicability: rule.NeedsThought,
		},
	}
	set := func(fix *rule.Fix, to string) {
		fix.Patch = p.Change(setting, limit.String(), to)
		fix.Command = p.PatchCommand(setting.Object, fix.Patch)
	}
	set(f.Fix, raised.String())
	bound(p, &f, rule.Growth{Resource: corev1.ResourceMemory, From: limit, To: raised}, set)
	if len(others) > 0 {
		f.Message += fmt.Sprintf("; it shares it with %s, and the kernel kills whoever holds most", strings.Join(others, ", "))
		f.Fix.Caution += "; a container that takes too much can have a limit of its own below it"
	}
	p.Report(f)
}
