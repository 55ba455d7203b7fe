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
		wants := []snapshot.Want{snapshot.WantGet(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName), snapshot.WantList(snapshot.PodKind, p.Object.Namespace, "")}
		for _, o := range beside(p) {
			wants = append(wants, snapshot.WantEvents(o.Ref))
		}
		return wants
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
		list = append(list, pull{spokenOf(p, c, e.Message), e})
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
	setting := imageSetting(p, pull.Container)
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
	first, others := ahead(p, pull)
	switch {
	case first != nil:
		behind(&f, p, pull, first)
	case others > 0:
		f.Message = fmt.Sprintf("waits for %s, which node/%s was asked for %s ago and which has neither come nor failed; %s on the node wait for images too, and a kubelet pulls one at a time unless told otherwise",
			pull.Image, p.Object.Pod().Spec.NodeName, rule.Human(since), rule.Count(others, "other pod"))
		f.Label = "large, or slow to come, or behind one that is"
	}
	p.Report(f)
}

// queue is how many pods a kubelet lets wait for images. Source: kubelet, maxImagePullRequests.
const queue = 10

// beside are the other pods that were read, on the same node, whose containers have not been created yet.
func beside(p *rule.Pass) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range p.List(snapshot.PodKind, "") {
		pod := o.Pod()
		if o == p.Object || pod == nil || pod.Spec.NodeName != p.Object.Pod().Spec.NodeName || len(list) == queue {
			continue
		}
		pass := rule.NewPass(p.Snapshot, o, nil, nil, rule.Sink{})
		if slices.ContainsFunc(o.PodContainers(), func(c snapshot.Container) bool {
			return waiting(pass, c, "ContainerCreating", "PodInitializing") != nil
		}) {
			list = append(list, o)
		}
	}
	return list
}

// other is the pull of another pod.
type other struct {
	pull
	pod *snapshot.Object
}

// ahead is the pull of another pod on the node that was asked for first and is still going on, and how many
// pods besides this one wait for images; nil where none was asked for before this one. Events have whole
// seconds: of the same one nobody knows which came first.
func ahead(p *rule.Pass, mine pull) (first *other, others int) {
	start := snapshot.EventTime(mine.event)
	for _, o := range beside(p) {
		list := pulls(rule.NewPass(p.Snapshot, o, nil, nil, rule.Sink{}))
		if len(list) == 0 {
			continue
		}
		others++
		for _, l := range list {
			at := snapshot.EventTime(l.event)
			if start.Sub(at) >= time.Second && (first == nil || at.Before(snapshot.EventTime(first.event))) {
				first = &other{l, o}
			}
		}
	}
	return first, others
}

// behind turns a finding around: this image is not known to be large or slow, since another one comes before it.
func behind(f *rule.Finding, p *rule.Pass, mine pull, first *other) {
	ref, since := first.pod.Ref, snapshot.EventTime(mine.event).Sub(snapshot.EventTime(first.event))
	f.Field, f.Value, f.Label = nil, "", ""
	f.NoField = "its own image is not known to be slow: the node has others to pull before it"
	f.Message = fmt.Sprintf("waits for %s for %s; %s before that %s asked node/%s for %s, which has not come yet, and a kubelet pulls one image at a time unless told otherwise",
		mine.Image, rule.Human(p.Age(snapshot.EventTime(mine.event))), rule.Human(since), ref.String(), p.Object.Pod().Spec.NodeName, first.Image)
	f.Because = &ref
	f.Evidence = append(f.Evidence, rule.EventEvidence(first.event))
	f.Fix.Title = fmt.Sprintf("see to the image of %s, which comes first; this one comes after it", ref.String())
	f.Fix.Caution = "that one may wait for another in turn, of a namespace that was not read. Where nodes often pull large images, serializeImagePulls: false in the kubelet's configuration lets them come side by side"
	f.Fix.Lines = []string{p.Explain(ref)}
}
