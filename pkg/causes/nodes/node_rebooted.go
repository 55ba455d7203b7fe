package nodes

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodeRebooted finds containers that ended because their machine, or the container runtime there, went down
// under them.
var NodeRebooted = rule.Cause{
	ID: "node-rebooted", Title: "its node, or the runtime there, went down under it", Doc: rule.ReadDoc(docs, "node_rebooted.md"),
	Stage: rule.StageNodeLost, On: rule.Pods,
	Beats: []string{"app-exit", "container-status-unknown", "init-failing", "restart-after-long-run"},
	Wants: func(p *rule.Pass) []snapshot.Want {
		pod := p.Object.Pod()
		if pod.Spec.NodeName == "" || rule.TakenAway(pod) {
			return nil
		}
		for _, c := range p.Object.PodContainers() {
			d := p.LastDeath(c)
			if d == nil || !unseen[d.Reason] && !likeUnseen(d) {
				continue
			}
			wants := []snapshot.Want{snapshot.WantEvents(snapshot.NodeRef(pod.Spec.NodeName)), snapshot.WantEvents(p.Object.Ref)}
			if _, asked := p.Outcome(wants[0]); asked && rebooted(p, c, d) == nil { // then others must speak for it
				wants = append(wants, snapshot.WantList(snapshot.PodKind, p.Object.Namespace, ""))
			}
			return wants
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod.Spec.NodeName == "" || rule.TakenAway(pod) {
			return
		}
		var lost []end
		all := true
		for _, c := range p.Object.PodContainers() {
			d := p.LastDeath(c)
			if d == nil || c.Init && d.ExitCode == 0 {
				continue
			}
			if e, ok := withNode(p, c, d); ok {
				lost = append(lost, e)
			} else {
				all = false
			}
		}
		if len(lost) > 0 && all {
			reportDown(p, lost, p.Object.Ref)
			return
		}
		for _, e := range lost { // another container has ended since, of itself
			reportDown(p, []end{e}, p.Object.In(e.Name))
		}
	},
}

// unseen are the reasons of ends that nobody saw: containerd's for what was gone when it came back, and the
// kubelet's for what the runtime does not know at all.
// Source: containerd, internal/cri/server, unknownExitReason and unknownExitCode; kubelet, kubelet_pods.go.
var unseen = map[string]bool{"Unknown": true, "ContainerStatusUnknown": true}

// unseenCode is the exit code of what was gone when the runtime came back.
const unseenCode = 255

// What may lie between the end of a container as the runtime writes it down when it is back, and the
// kubelet's word that the machine was rebooted.
const (
	bootBefore = 5 * time.Minute
	bootAfter  = 30 * time.Minute
)

// together is how far the ends of what went down together may lie apart.
const together = 2 * time.Minute

// likeUnseen tells whether the end may be what docker writes down of what was gone when it came back: it has no
// reason of its own for that. A container that lives for less is in a crash loop, and may have ended by itself.
func likeUnseen(d *rule.Death) bool {
	return d.Reason == "Error" && d.ExitCode == unseenCode && d.Ran() >= rule.LongRun
}

// end is the end of a container with its node, and the node's word for it, where there is one.
type end struct {
	snapshot.Container
	*rule.Death
	rebooted *corev1.Event
}

// withNode tells whether the life d of a container ended because what it ran on did.
func withNode(p *rule.Pass, c snapshot.Container, d *rule.Death) (end, bool) {
	e := end{c, d, rebooted(p, c, d)}
	switch {
	case d.Reason == "Unknown" && d.ExitCode == unseenCode:
		return e, true
	case unseen[d.Reason], likeUnseen(d): // which happens for other reasons too
		return e, e.rebooted != nil
	}
	return e, false
}

// onNode is the pod's node; where it was not read, only its name is known.
func onNode(p *rule.Pass) *snapshot.Object {
	ref := snapshot.NodeRef(p.Object.Pod().Spec.NodeName)
	if o, _ := p.Lookup(snapshot.NodeKind, "", ref.Name); o != nil {
		return o
	}
	return &snapshot.Object{Ref: ref, Meta: &corev1.Node{}}
}

// rebooted is the event of the node which says that it was rebooted during the life that ended.
func rebooted(p *rule.Pass, c snapshot.Container, d *rule.Death) *corev1.Event {
	events := p.EventsOf(onNode(p))
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		at := snapshot.EventTime(e)
		if e.Reason != "Rebooted" || !d.StartedAt.IsZero() && at.Before(d.StartedAt.Time) {
			continue
		}
		switch run := c.Status.State.Running; {
		case !d.FinishedAt.IsZero() && d.FinishedAt.Unix() > 0:
			if at.Before(d.FinishedAt.Add(-bootBefore)) || at.After(d.FinishedAt.Add(bootAfter)) {
				continue
			}
		case run != nil && (at.Before(run.StartedAt.Add(-bootAfter)) || at.After(run.StartedAt.Add(bootAfter))):
			continue // an end without a moment
		}
		return e
	}
	return nil
}

// alike are the other pods on the node that ended in the same way at the same time.
func alike(p *rule.Pass, e end) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range p.List(snapshot.PodKind, "") {
		if o == p.Object || o.Pod().Spec.NodeName != p.Object.Pod().Spec.NodeName {
			continue
		}
		for _, c := range o.PodContainers() {
			if d := p.LastDeath(c); d != nil && d.Reason == e.Reason && d.ExitCode == e.ExitCode && d.FinishedAt.Sub(e.FinishedAt.Time).Abs() <= together {
				list = append(list, o)
				break
			}
		}
	}
	return list
}

func reportDown(p *rule.Pass, lost []end, seen snapshot.Ref) {
	node, first := onNode(p), lost[0]
	f := rule.Finding{
		Object: p.PodSpec().Object, Seen: seen, Certainty: rule.Possible, History: true,
		NoField: "no setting of the workload is to blame: what it ran on was gone for a moment",
	}
	var names []string
	restarts := int32(0)
	for _, e := range lost {
		names = append(names, e.Name)
		f.Evidence = append(f.Evidence, p.DeathEvidence(e.Container, e.Death))
		f.History = f.History && e.Status.State.Running != nil
		restarts = max(restarts, e.Restarts)
	}
	f.Message = fmt.Sprintf("%s ended with all that ran on %s", strings.Join(names, ", "), node.String())
	if !first.FinishedAt.IsZero() && first.FinishedAt.Unix() > 0 {
		f.Message = fmt.Sprintf("%s ended %s ago with all that ran on %s", strings.Join(names, ", "), rule.Human(p.Age(first.FinishedAt.Time)), node.String())
	}
	if first.Reason != "Error" {
		f.RuledOut = []string{"a program that crashed, or its memory limit: the runtime would have kept how it ended"}
	}
	question := weigh(p, &f, first, len(lost))
	switch {
	case f.History:
		f.Message += "; it runs again, after " + rule.Count(int(restarts), "restart")
	case first.Status.State.Terminated != nil && p.Object.Pod().Spec.RestartPolicy == corev1.RestartPolicyNever:
		f.Message += "; its restartPolicy Never leaves it so"
	}
	f.Message += question
	f.Fix = afterwards(p, node, f.History)
	p.Report(f)
}

// weigh adds what else speaks for a node that went down, and how sure that makes it; what is still to be asked
// it returns, for the end of the message.
func weigh(p *rule.Pass, f *rule.Finding, e end, containers int) (question string) {
	if e.rebooted != nil {
		f.Certainty = rule.Certain
		if e.Reason == "Error" {
			f.Certainty = rule.Likely
		}
		f.Message += ": the machine was rebooted"
		f.Evidence = append(f.Evidence, rule.EventEvidence(e.rebooted))
		return ""
	}
	agree := containers > 1
	if others := alike(p, e); len(others) > 0 {
		agree = true
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: snapshot.NodeRef(p.Object.Pod().Spec.NodeName), Text: fmt.Sprintf("%s on the node ended in the same way at the same time: %s", rule.Count(len(others), "other pod"), someOf(others))})
	}
	if sandbox := p.Event(p.Object, "SandboxChanged"); sandbox != nil && !snapshot.EventTime(sandbox).Before(e.FinishedAt.Add(-bootBefore)) {
		agree = true
		f.Evidence = append(f.Evidence, rule.EventEvidence(sandbox))
	}
	if agree {
		f.Certainty = rule.Likely
	}
	if rule.NewPass(p.Snapshot, onNode(p), nil, nil, rule.Sink{}).EventsCover(e.FinishedAt.Time) {
		f.Message += ": its container runtime was stopped and came back, and the node tells of no reboot"
		f.RuledOut = append(f.RuledOut, "a reboot: the kubelet would have said so in an event, Rebooted")
		return ""
	}
	f.Message += ": the machine was rebooted, or its container runtime was down"
	if agree {
		return ""
	}
	return "; did it? a Rebooted event of the node, which lives for an hour, would prove it"
}

// someOf names a few objects.
func someOf(list []*snapshot.Object) string {
	const few = 3
	var names []string
	for _, o := range list[:min(few, len(list))] {
		names = append(names, o.String())
	}
	if len(list) > few {
		names = append(names, fmt.Sprintf("%d more", len(list)-few))
	}
	return strings.Join(names, ", ")
}

// afterwards is what is left to do.
func afterwards(p *rule.Pass, node *snapshot.Object, runs bool) *rule.Fix {
	fix := &rule.Fix{
		Title:         fmt.Sprintf("nothing in the workload; unless somebody did that on purpose, see why %s went down", node.String()),
		Applicability: rule.NeedsThought, Object: node.Ref,
		Lines: []string{"on the machine: journalctl --list-boots; journalctl -b -1 -n 50; journalctl -u containerd --since -2h"},
	}
	pod := p.Object.Pod()
	_, owned := p.Object.OwnerRef()
	switch {
	case runs || pod.Spec.RestartPolicy != corev1.RestartPolicyNever:
	case owned:
		fix.Title = fmt.Sprintf("where its work is not done, have %s run again; then see why %s went down", p.TopOwner(p.Object).String(), node.String())
		fix.Caution = "a Job counts such an end as a failure of the pod: a backoffLimit above 0 lets it try again by itself"
	default:
		fix.Title = "create the pod again: nothing does so by itself"
		fix.Caution = "what it had written into its own files is gone; it starts from the beginning"
		fix.Object = p.Object.Ref
		fix.Lines = []string{p.Line("get", p.Object.String(), "-o", "yaml") + " | " + p.Line("replace", "--force", "-f", "-")}
	}
	return fix
}
