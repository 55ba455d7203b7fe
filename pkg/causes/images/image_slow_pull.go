package images

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// slowPull is how long a pull may take before it is worth a word.
const slowPull = 2 * time.Minute

// ImageSlowPull finds containers whose image is being pulled, and has been for long.
var ImageSlowPull = rule.Cause{
	ID: "image-slow-pull", Title: "the image is still being pulled", Doc: rule.ReadDoc(docs, "image_slow_pull.md"),
	Stage: rule.StageImage, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if len(pulls(p)) == 0 {
			return nil
		}
		return []snapshot.Want{snapshot.WantGet(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName)}
	},
	Run: func(p *rule.Pass) {
		for _, pull := range pulls(p) {
			reportSlow(p, pull)
		}
	},
}

// pull is a container whose image is being pulled.
type pull struct {
	snapshot.Container
	event *corev1.Event
}

// pulls are the containers that the kubelet has been pulling an image for so long that it is worth a word.
func pulls(p *rule.Pass) []pull {
	var list []pull
	for _, c := range p.Object.PodContainers() {
		w := waiting(p, c, "ContainerCreating", "PodInitializing")
		if w == nil || c.Status.LastTerminationState.Terminated != nil {
			continue
		}
		e := p.ContainerEvent(c.Name, "Pulling")
		if e == nil || p.Age(snapshot.EventTime(e)) < slowPull || over(p, c, e) {
			continue
		}
		list = append(list, pull{c, e})
	}
	return list
}

// over tells whether anything was said of the container after its pull began. Events have whole seconds:
// in the same one only what can follow a pull counts.
func over(p *rule.Pass, c snapshot.Container, began *corev1.Event) bool {
	start := snapshot.EventTime(began)
	for _, e := range p.EventsOf(p.Object) {
		if name := rule.ContainerOf(e); e == began || name != "" && name != c.Name {
			continue
		}
		at := snapshot.EventTime(e)
		if at.After(start) || at.Equal(start) && slices.Contains([]string{"Pulled", "Failed", "BackOff", "Created", "Killing"}, e.Reason) {
			return true
		}
	}
	return false
}

func reportSlow(p *rule.Pass, pull pull) {
	setting := p.ContainerSetting(pull.Container).Child("image")
	since := p.Age(snapshot.EventTime(pull.event))
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(pull.Name), Field: setting.Path, Value: pull.Image,
		Message: fmt.Sprintf("node/%s has been pulling %s for %s, and it has neither come nor failed", p.Object.Pod().Spec.NodeName, pull.Image, rule.Human(since)),
		Label:   "large, or slow to come",
		Evidence: []rule.Evidence{
			rule.EventEvidence(pull.event),
			{Source: rule.FromStatus, Object: p.Object.In(pull.Name), Field: "status", Text: "state: waiting, " + pull.Status.State.Waiting.Reason + "; no event since"},
		},
		RuledOut:  []string{"volumes and network of the pod: the kubelet pulls after both are there"},
		Certainty: rule.Likely,
		Fix: &rule.Fix{
			Title:         "wait while it comes; for the next time, a smaller image, or one that the nodes have before they need it",
			Caution:       "to delete the pod begins the pull anew only on another node; what has come so far stays on this one",
			Applicability: rule.NeedsThought,
		},
	}
	if others := alsoPulling(p); others > 0 {
		f.Message += fmt.Sprintf("; %s on the node wait for images too, and a kubelet pulls one at a time unless told otherwise", rule.Count(others, "other pod"))
	}
	p.Report(f)
}

// alsoPulling counts the other pods that were read, on the same node, which the kubelet pulls images for.
func alsoPulling(p *rule.Pass) int {
	n := 0
	for _, o := range p.List(snapshot.PodKind, "") {
		pod := o.Pod()
		if o == p.Object || pod == nil || pod.Spec.NodeName != p.Object.Pod().Spec.NodeName {
			continue
		}
		if len(pulls(rule.NewPass(p.Snapshot, o, nil, nil, rule.Sink{}))) > 0 {
			n++
		}
	}
	return n
}
