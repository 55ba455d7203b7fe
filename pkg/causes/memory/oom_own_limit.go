package memory

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// OOMOwnLimit finds containers that the kernel killed at their own memory limit.
var OOMOwnLimit = rule.Cause{
	ID: "oom-own-limit", Title: "hits its own memory limit", Doc: rule.ReadDoc(docs, "oom_own_limit.md"),
	Peers: map[string][]string{"popeye": {"POP-203", "POP-205"}},
	Stage: rule.StageExit, Beats: []string{"app-exit", "init-failing", "restart-after-long-run"}, On: rule.Pods,
	Wants: wantsOfKilled,
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
// proves nothing: the runtime keeps it from an earlier child. Nor does its lack: of two lives that end
// alike, containerd writes down OOMKilled for one and Error for the other.
func oomKilled(p *rule.Pass, c snapshot.Container) (*rule.Death, bool) {
	d := p.LastDeath(c)
	return d, d != nil && d.ExitCode == 137 && (d.Reason == "OOMKilled" || before(c) != nil)
}

// before is the life before the last, where that was killed for its memory; nil otherwise.
func before(c snapshot.Container) *corev1.ContainerStateTerminated {
	last := c.Status.LastTerminationState.Terminated
	if c.Status.State.Terminated == nil || last == nil || last.Reason != "OOMKilled" || last.ExitCode != 137 {
		return nil
	}
	return last
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
		Certainty: certainty(d),
		History:   d.Over,
	}
	if last := before(c); d.Reason != "OOMKilled" && last != nil {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Time: last.FinishedAt.Time,
			Text: fmt.Sprintf("lastState: OOMKilled, exit 137, ran %s", rule.Human(max(0, last.FinishedAt.Sub(last.StartedAt.Time))))})
	}
	if c.Init {
		f.Stage = rule.StageInit
	}
	f.Evidence = append(f.Evidence, p.LastLogLines(c, 1)...)
	given := false
	switch word := p.Object.Meta.GetAnnotations()[limitRangerNote]; {
	case word == "":
		f.RuledOut = append(f.RuledOut, "a LimitRange default: the pod carries no limit-ranger annotation")
	case limitRanger(word, c.Name):
		given = true
		f.Message = strings.Replace(f.Message, "its own "+limit.String()+" memory limit", "the "+limit.String()+" memory limit that a LimitRange gives it", 1)
		f.Label = "no memory limit here: a LimitRange of the namespace gives " + limit.String()
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "metadata.annotations[kubernetes.io/limit-ranger]", Text: "annotation: " + word})
		if name, q := rangeOf(p, limit); name != "" {
			f.Label = fmt.Sprintf("no memory limit here: limitrange/%s gives %s", name, q)
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: snapshot.Ref{APIVersion: "v1", Kind: "LimitRange", Namespace: p.Object.Namespace, Name: name},
				Field: "spec.limits", Text: fmt.Sprintf("limitrange/%s: default memory %s", name, q)})
		}
	}
	f.RuledOut = append(f.RuledOut, notNode(p)...)
	raised := twice(limit)
	f.Fix = &rule.Fix{
		Title:         "raise the limit, then measure",
		Caution:       fmt.Sprintf("%s is twice the present limit, a first step and no measurement; a leak dies again, later", raised.String()),
		Applicability: rule.NeedsThought,
	}
	set := func(fix *rule.Fix, to string) {
		fix.Patch = setting.ReplaceValue(limit.String(), to)
		fix.Command = p.SetResources(setting.Object, c.Name, "memory="+to, "memory="+to)
	}
	set(f.Fix, raised.String())
	if given {
		f.Fix.Title, f.Fix.Patch = "give it a limit of its own, then measure", nil // there is no value to replace
	}
	bound(p, &f, rule.Growth{Container: c, Resource: corev1.ResourceMemory, From: limit, To: raised, Request: true}, set)
	if given {
		f.Fix.Patch = nil
	}
	if every, ok := regular(p, c, d); ok {
		f.Message += fmt.Sprintf(", about every %s: does it keep what it should give back? its memory over time would tell", rule.Human(every))
		f.Fix.Title = "look for what it keeps: a heap profile or its memory over time; a higher limit only makes it last longer"
	}
	shareOut(p, c, &f, limit)
	p.Report(f)
}

// limitRangerNote is where the admission plugin says what it has set.
const limitRangerNote = "kubernetes.io/limit-ranger"

// rangeOf is the LimitRange that gives containers this memory limit, and how it writes that.
func rangeOf(p *rule.Pass, limit resource.Quantity) (name, value string) {
	for _, o := range p.List(snapshot.LimitRangeKind, p.Object.Namespace) {
		lr, ok := o.Typed.(*corev1.LimitRange)
		if !ok {
			continue
		}
		for _, item := range lr.Spec.Limits {
			if q, ok := item.Default[corev1.ResourceMemory]; ok && item.Type == corev1.LimitTypeContainer && q.Cmp(limit) == 0 {
				return o.Name, q.String()
			}
		}
	}
	return "", ""
}

// leakLife is how long lives must be for their regular end to speak for a leak: what a start needs is
// held long before.
const leakLife = 10 * time.Minute

// regular tells whether the container ends again and again after about the same long time. From status alone:
// the time from the pod's start to its last end, shared out among its lives, is about the last one's.
func regular(p *rule.Pass, c snapshot.Container, d *rule.Death) (every time.Duration, ok bool) {
	start := p.Object.Pod().Status.StartTime
	if d.Restarts < 2 || d.Ran() < leakLife || start == nil {
		return 0, false
	}
	lives := time.Duration(d.Restarts)
	if c.Status.State.Running == nil { // the last one has ended too
		lives++
	}
	every = d.FinishedAt.Sub(start.Time) / lives
	return every, every > d.Ran()*3/4 && every < d.Ran()*5/4
}

// limitRanger tells whether the admission plugin has set the container's memory limit. It writes
// "LimitRanger plugin set: cpu, memory request for container app; memory limit for container app".
func limitRanger(word, container string) bool {
	_, list, _ := strings.Cut(word, ": ")
	for _, part := range strings.Split(list, "; ") {
		what, name, ok := strings.Cut(part, " limit for ") // "container app", "init container app"
		if ok && name[strings.LastIndexByte(name, ' ')+1:] == container && strings.Contains(what, "memory") {
			return true
		}
	}
	return false
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
