package lifecycle

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ContainerStatusUnknown finds containers of whose end nobody knows anything: the kubelet looked, and they were
// gone.
var ContainerStatusUnknown = rule.Cause{
	ID: "container-status-unknown", Title: "gone without a word: exit 137 is made up", Doc: rule.ReadDoc(docs, "container_status_unknown.md"),
	Stage: rule.StageFailed, On: rule.Pods,
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod.Status.Reason == "Evicted" || pod.DeletionTimestamp != nil {
			return // why it ended is known
		}
		for _, c := range p.Object.PodContainers() {
			if c.Status == nil {
				continue
			}
			t := c.Status.State.Terminated
			if t == nil {
				t = c.Status.LastTerminationState.Terminated
			}
			if t == nil || t.Reason != "ContainerStatusUnknown" || c.Status.State.Running != nil {
				continue
			}
			node := snapshot.NodeRef(pod.Spec.NodeName)
			f := rule.Finding{
				Object: node, Seen: p.Object.In(c.Name), Certainty: rule.Possible,
				NoField:  "did the machine restart, or did somebody remove its containers? events of the node, as Rebooted, would tell",
				Message:  fmt.Sprintf("%s could not find the container any more, so its end is unknown: the exit code 137 is the kubelet's stand-in, no signal and no lack of memory", node.String()),
				Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Time: t.FinishedAt.Time, Text: t.Reason + ": " + t.Message}},
				RuledOut: []string{"a program that crashed, or its memory limit: the container runtime would have kept the exit code"},
				History:  replaced(p) || pod.Status.Phase == corev1.PodRunning && rule.PodReady(pod),
				Fix:      &rule.Fix{Title: fmt.Sprintf("see what happened to %s at that time", node.String()), Applicability: rule.NeedsThought, Command: []string{"describe", node.String()}},
			}
			p.Report(f)
			return
		}
	},
}
