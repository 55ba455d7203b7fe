package lifecycle

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// Deadline finds pods that were stopped because they ran for longer than they may.
var Deadline = rule.Cause{
	ID: "deadline", Title: "ran past its activeDeadlineSeconds", Doc: rule.ReadDoc(docs, "deadline.md"),
	Peers: map[string][]string{"popeye": {"POP-207"}, "clusterlint": {"pod-state"}},
	Stage: rule.StageFailed, On: rule.Pods,
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod.Status.Phase != corev1.PodFailed || pod.Status.Reason != "DeadlineExceeded" || pod.Spec.ActiveDeadlineSeconds == nil {
			return
		}
		allowed := *pod.Spec.ActiveDeadlineSeconds
		setting := p.PodSpec().Child("activeDeadlineSeconds")
		if t := owners(p); t != nil && t.ActiveDeadlineSeconds == nil {
			return // the Job's own deadline, which its controller put there
		}
		f := rule.Finding{
			Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Value: fmt.Sprint(allowed), Certainty: rule.Certain,
			Message:  fmt.Sprintf("stopped after the %s that its activeDeadlineSeconds allow", rule.Seconds(time.Duration(allowed)*time.Second)),
			Label:    "counts from the start of the pod, pulls and init containers included",
			Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Time: endOf(p), Text: "DeadlineExceeded: " + pod.Status.Message}},
			RuledOut: []string{"a program that failed by itself: the kubelet stopped it"},
		}
		if start := pod.Status.StartTime; start != nil {
			for _, c := range p.Object.PodContainers() {
				if c.Status != nil && c.Status.State.Terminated != nil {
					f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: fmt.Sprintf("started %s after the pod, and stopped %s after it", rule.Human(max(0, c.Status.State.Terminated.StartedAt.Sub(start.Time))), rule.Human(max(0, c.Status.State.Terminated.FinishedAt.Sub(start.Time))))})
					break
				}
			}
		}
		f.Fix = &rule.Fix{
			Title: "allow as long as the work takes, or find out why it takes longer than it should", Applicability: rule.Placeholders,
			Caution: "the deadline may be right and the work hang: its last log lines tell. A pod that failed is not started again",
			YAML:    "activeDeadlineSeconds: <SECONDS>\n",
		}
		p.Report(f)
	},
}
