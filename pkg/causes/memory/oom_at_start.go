package memory

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// OOMAtStart finds pods and containers whose memory limit is too small for the runtime to start them at
// all.
var OOMAtStart = rule.Cause{
	ID: "oom-at-start", Title: "its memory limit is too small to start anything", Doc: rule.ReadDoc(docs, "oom_at_start.md"),
	Stage: rule.StageVolume, Beats: []string{"app-exit", "init-failing", "mount-failed", "oom-own-limit", "restart-after-long-run"}, On: rule.Pods,
	Run: func(p *rule.Pass) {
		list := slips(p)
		for _, s := range list {
			reportSlip(p, s)
		}
		if t := tooSmall(p); t != nil && len(list) == 0 {
			reportAtStart(p, t)
		}
	},
}

// What the runtime says of a limit in which not even its own first steps fit, and the kubelet of a volume in
// memory, which may be as large as the pod's memory limit and no larger. Sources: runc, for a process
// that was killed before it could start; kubelet, for the size of the volumes.
var (
	noRoom   = knowledge.Regexp(`OOM-killed \(memory limit too low\?\)|cannot allocate memory|memory limit too low`)
	noSpace  = knowledge.Regexp(`no space left on device`)
	inTmpfs  = knowledge.Regexp(`kubernetes\.io~(?:projected|secret|empty-dir)/`)
	tinyPod  = resource.MustParse("4Mi")  // below this a pod's own volumes in memory may not fit
	smallPod = resource.MustParse("64Mi") // above this what runc needs is not the reason
)

// small is a pod or container that could not be started in its memory limit.
type small struct {
	container snapshot.Container
	limit     resource.Quantity
	setting   rule.Setting
	evidence  []rule.Evidence
	sandbox   bool // the pod as a whole, before any container
	shared    bool // the limit is that of the pod, and others may have taken it
	past      bool // it runs now
}

// tooSmall finds what could not be started; nil for nothing.
func tooSmall(p *rule.Pass) *small {
	pod := p.Object.Pod()
	if pod == nil || pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return nil
	}
	smallest := smallestLimit(p)
	if smallest == nil || smallest.limit.Cmp(smallPod) > 0 {
		return nil
	}
	for _, c := range p.Object.PodContainers() {
		if c.Status == nil {
			continue
		}
		limit, has := own(c)
		s := &small{container: c, past: c.Status.State.Running != nil, limit: limit, setting: p.ContainerSetting(c).Child("resources", "limits", "memory")}
		if !has {
			if s.limit, has = ofPod(p); !has {
				continue
			}
			s.setting, s.shared = p.PodSpec().Child("resources", "limits", "memory"), true
		}
		d := p.LastDeath(c)
		switch w := c.Status.State.Waiting; {
		case w != nil && noRoom.MatchString(w.Message):
			s.evidence = append(s.evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: w.Reason + ": " + rule.Quote(ending(w.Message))})
			return s
		case d != nil && d.Reason == "StartError" && noRoom.MatchString(d.Message):
			s.evidence = append(s.evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Time: d.FinishedAt.Time, Text: "StartError: " + rule.Quote(ending(d.Message))})
			return s
		}
	}
	if started(p) {
		return nil
	}
	e := p.Event(p.Object, "FailedCreatePodSandBox")
	if e != nil && noRoom.MatchString(e.Message) {
		smallest.sandbox = true
		smallest.evidence = []rule.Evidence{rule.EventEvidence(e)}
		return smallest
	}
	if e := p.Event(p.Object, "FailedMount", "no space left on device"); e != nil && inTmpfs.MatchString(e.Message) && smallest.limit.Cmp(tinyPod) < 0 {
		smallest.sandbox = true
		smallest.evidence = []rule.Evidence{rule.EventEvidence(e)}
		return smallest
	}
	return nil
}

// ending is the end of what a runtime says, where the reason stands.
func ending(text string) string {
	const letters = 120
	if len(text) <= letters {
		return text
	}
	return "..." + text[len(text)-letters:]
}

// started tells whether any container of the pod has been started.
func started(p *rule.Pass) bool {
	for _, c := range p.Object.PodContainers() {
		if c.Status != nil && (c.Status.State.Running != nil || c.Status.State.Terminated != nil || c.Status.LastTerminationState.Terminated != nil) {
			return true
		}
	}
	return false
}

// smallestLimit is the smallest memory limit of a pod's containers, or else that of the pod as a whole; nil where
// there is none.
func smallestLimit(p *rule.Pass) *small {
	var found *small
	for _, c := range p.Object.PodContainers() {
		if limit, ok := own(c); ok && !limit.IsZero() && (found == nil || limit.Cmp(found.limit) < 0) {
			found = &small{container: c, limit: limit, setting: p.ContainerSetting(c).Child("resources", "limits", "memory")}
		}
	}
	if limit, ok := ofPod(p); ok && !limit.IsZero() && (found == nil || limit.Cmp(found.limit) < 0) {
		found = &small{limit: limit, shared: true, setting: p.PodSpec().Child("resources", "limits", "memory")}
	}
	return found
}

func reportAtStart(p *rule.Pass, s *small) {
	f := rule.Finding{
		Object: s.setting.Object, Seen: p.Object.Ref, Field: s.setting.Path, Value: s.limit.String(),
		Message:   fmt.Sprintf("cannot be started in its %s memory limit: the runtime needs more before the program has its first byte", s.limit.String()),
		Label:     "the runtime itself does not fit",
		Evidence:  s.evidence,
		Certainty: rule.Certain,
		RuledOut:  []string{"the program: not one instruction of it ran"},
		Fix: &rule.Fix{
			Title:         "give it a limit in which the program fits",
			Caution:       "some MiB are for the runtime alone; the rest depends on the program",
			Applicability: rule.Placeholders,
			Patch:         p.Change(s.setting, s.limit.String(), "<MEMORY>"),
		},
	}
	if s.container.Container != nil {
		f.Seen = p.Object.In(s.container.Name)
	}
	switch {
	case s.sandbox:
		f.Message = fmt.Sprintf("its pod cannot be started with a memory limit of %s: not even the runtime's own first step fits", s.limit.String())
		f.Seen = p.Object.Ref
	case s.shared:
		f.Message = fmt.Sprintf("cannot be started in what is left of the %s memory limit of the pod as a whole", s.limit.String())
		f.Label = "what the other containers hold counts too"
	}
	if !s.sandbox {
		f.Stage = rule.StageExit
		if s.container.Init {
			f.Stage = rule.StageInit
		}
	}
	if s.past {
		f.Message = strings.Replace(f.Message, "cannot be started", "could not be started at first", 1)
		f.History = true
	}
	if s.shared {
		f.Fix.Command = p.PatchCommand(s.setting.Object, f.Fix.Patch)
	} else {
		f.Fix.Command = p.SetResources(s.setting.Object, s.container.Name, "memory=<MEMORY>", "memory=<MEMORY>")
	}
	p.Report(f)
}
