package scheduling

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// silence is how long a pod waits without a word before that means something: a scheduler that runs
// looks at a new pod within a second.
const silence = time.Minute

// SchedNoScheduler finds pods that no scheduler looks at.
var SchedNoScheduler = rule.Cause{
	ID: "sched-no-scheduler", Title: "the scheduler that it asks for does nothing", Doc: rule.ReadDoc(docs, "sched_no_scheduler.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		age := p.Age(pod.CreationTimestamp.Time)
		if !untouched(p) || len(pod.Spec.SchedulingGates) > 0 || len(pod.Spec.ResourceClaims) > 0 || age < silence || pod.Spec.SchedulerName == "" {
			return
		}
		setting := p.PodSpec().Child("schedulerName")
		name := pod.Spec.SchedulerName
		f := rule.Finding{
			Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Value: name, Certainty: rule.Likely,
			Message:  fmt.Sprintf("asks for scheduler %q, which has not said a word in %s: no scheduler of that name seems to run", name, rule.Human(age)),
			Label:    "a scheduler of this name must run in the cluster",
			Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions", Text: fmt.Sprintf("Pending for %s, without a node, the condition PodScheduled, or a scheduler's event", rule.Human(age))}},
			RuledOut: []string{"nodes that do not fit: a scheduler would say so in a condition of the pod"},
		}
		if name == corev1.DefaultSchedulerName {
			f.Certainty, f.Field, f.Value, f.Label = rule.Possible, nil, "", ""
			f.NoField = "whether kube-scheduler runs would tell: its pod in kube-system, or its lease there"
			f.Message = fmt.Sprintf("no scheduler has looked at it in %s: does kube-scheduler run? no setting of the pod keeps it from that", rule.Human(age))
			f.Fix = &rule.Fix{Title: "see whether kube-scheduler runs, and whether new pods elsewhere get a node", Applicability: rule.NeedsThought, Lines: []string{rule.Kubectl(p.Context, "kube-system", "get", "lease", "kube-scheduler")}}
			p.Report(f)
			return
		}
		f.Fix = &rule.Fix{
			Title: fmt.Sprintf("let the default scheduler place it, or start %s", name), Caution: "what the other scheduler does beyond placing (queues, gangs) is lost", Applicability: rule.NeedsThought,
			Patch: setting.ReplaceValue(name, corev1.DefaultSchedulerName),
		}
		if setting.Object.Kind == "Pod" {
			f.Fix.Patch, f.Fix.YAML = nil, "spec:\n  schedulerName: "+corev1.DefaultSchedulerName+"\n"
			f.Fix.Caution = "the scheduler of a pod cannot be changed: delete it and create it again"
		} else {
			f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
		}
		p.Report(f)
	},
}

// untouched tells whether no scheduler has said anything of the pod.
func untouched(p *rule.Pass) bool {
	pod := p.Object.Pod()
	if pod == nil || pod.Spec.NodeName != "" || pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodPending && pod.Status.Phase != "" || pod.Status.NominatedNodeName != "" {
		return false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled {
			return false
		}
	}
	return p.Event(p.Object, "FailedScheduling") == nil && p.Event(p.Object, "Scheduled") == nil && lookedAt(p) == nil
}

// lookedAt is an event of another scheduler: it does run, whatever it waits for.
func lookedAt(p *rule.Pass) *corev1.Event {
	for _, e := range p.EventsOf(p.Object) {
		from := e.ReportingController
		if from == "" {
			from = e.Source.Component
		}
		if from == p.Object.Pod().Spec.SchedulerName && snapshot.EventTime(e).After(p.Object.Pod().CreationTimestamp.Add(-time.Second)) {
			return e
		}
	}
	return nil
}
