package lifecycle

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The kubelet's words, from its eviction manager.
var (
	podOverLimit       = knowledge.Regexp(`Pod ephemeral local storage usage exceeds the total limit of containers (\S+?)\.(?:\s|$)`)
	containerOverLimit = knowledge.Regexp(`Container (\S+) exceeded its local ephemeral storage limit "([^"]+)"`)
)

// EvictedESLimit finds pods that were evicted because they wrote more to the node's disk than their
// own limit allows.
var EvictedESLimit = rule.Cause{
	ID: "evicted-es-limit", Title: "evicted: past its own ephemeral-storage limit", Doc: rule.ReadDoc(docs, "evicted_es_limit.md"),
	Stage: rule.StageFailed, On: rule.Pods,
	Run: func(p *rule.Pass) {
		if e := evicted(p); e != nil {
			reportEvicted(p, e)
		}
	},
}

// eviction is what the kubelet says of a pod that it evicted.
type eviction struct {
	container string // "" where all containers together went past the sum of their limits
	limit     string
	at        time.Time
	evidence  []rule.Evidence
}

// evicted reads the pod's own status, else the event: a program that ends well when it is told to
// stop leaves a pod that Succeeded, with no word in its status.
func evicted(p *rule.Pass) *eviction {
	pod := p.Object.Pod()
	if pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != corev1.PodSucceeded {
		return nil
	}
	e := &eviction{at: endOf(p)}
	if pod.Status.Reason == "Evicted" && e.parse(pod.Status.Message) {
		e.evidence = append(e.evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Time: e.at, Text: "Evicted: " + pod.Status.Message})
		return e
	}
	if event := p.Event(p.Object, "Evicted", "phemeral"); event != nil && e.parse(event.Message) {
		e.evidence = append(e.evidence, rule.EventEvidence(event))
		if e.at.IsZero() {
			e.at = snapshot.EventTime(event)
		}
		return e
	}
	return nil
}

func (e *eviction) parse(message string) bool {
	if m := containerOverLimit.FindStringSubmatch(message); m != nil {
		e.container, e.limit = m[1], m[2]
		return true
	}
	if m := podOverLimit.FindStringSubmatch(message); m != nil {
		e.limit = m[1]
		return true
	}
	return false
}

// endOf is when the last container of the pod ended; zero when that is not recorded.
func endOf(p *rule.Pass) time.Time {
	var end time.Time
	for _, c := range p.Object.PodContainers() {
		if d := p.LastDeath(c); d != nil && d.FinishedAt.After(end) {
			end = d.FinishedAt.Time
		}
	}
	return end
}

func reportEvicted(p *rule.Pass, e *eviction) {
	limited := limits(p, e.container)
	f := rule.Finding{
		Object: p.PodSpec().Object, Seen: p.Object.Ref, Certainty: rule.Certain, Evidence: e.evidence,
		NoField:  "no container has the limit that the kubelet speaks of; the pod as a whole may",
		Message:  fmt.Sprintf("evicted: wrote more than its %s of ephemeral storage (files in containers, emptyDir volumes, logs)", e.limit),
		RuledOut: []string{"a node that runs out of disk: the kubelet would say \"The node was low on resource\""},
		History:  over(p, e),
	}
	if len(limited) == 0 {
		p.Report(f)
		return
	}
	c := limited[0]
	limit := c.Resources.Limits[corev1.ResourceEphemeralStorage]
	setting := p.ContainerSetting(c).Child("resources", "limits", "ephemeral-storage")
	f.Object, f.Field, f.NoField, f.Value = setting.Object, setting.Path, "", limit.String()
	f.Label = "the kubelet evicts the pod when it has written more than this"
	if e.container != "" || len(limited) == 1 {
		f.Seen = p.Object.In(c.Name)
	}
	if e.container == "" && len(limited) > 1 {
		f.Label = fmt.Sprintf("the limits of %s add up to %s, for all of the pod's files together", rule.Count(len(limited), "container"), e.limit)
		for _, other := range limited[1:] {
			f.Marks = append(f.Marks, rule.Mark{Field: p.ContainerSetting(other).Child("resources", "limits", "ephemeral-storage").Path, Label: "counts as well"})
		}
	}
	if !c.Init && !c.Beside {
		if d := p.LastDeath(c); d != nil {
			f.Evidence = append(f.Evidence, p.DeathEvidence(c, d))
		}
	}
	raised := limit.DeepCopy()
	raised.Add(limit)
	f.Fix = &rule.Fix{
		Title:         "write less, or to a volume of its own; else raise the limit",
		Caution:       fmt.Sprintf("%s is twice the present limit, a first step and no measurement; what keeps writing reaches any limit", raised.String()),
		Applicability: rule.NeedsThought,
		Patch:         setting.ReplaceValue(limit.String(), raised.String()),
		Command:       p.SetResources(setting.Object, c.Name, "", "ephemeral-storage="+raised.String()),
	}
	p.Report(f)
}

// limits are the containers with a limit on ephemeral storage, the largest first, or the one named.
func limits(p *rule.Pass, name string) []snapshot.Container {
	var list []snapshot.Container
	var most resource.Quantity
	for _, c := range p.Object.PodContainers() {
		q, ok := c.Resources.Limits[corev1.ResourceEphemeralStorage]
		if !ok || name != "" && c.Name != name {
			continue
		}
		if q.Cmp(most) > 0 && len(list) > 0 {
			list = append([]snapshot.Container{c}, list...)
		} else {
			list = append(list, c)
		}
		if q.Cmp(most) > 0 {
			most = q
		}
	}
	return list
}

// over tells whether the eviction is long ago and a controller has put another pod in place, or has
// gone on to another revision.
func over(p *rule.Pass, e *eviction) bool {
	if rule.Superseded(p.Snapshot, p.Object) {
		return true
	}
	if _, replaced := p.Object.OwnerRef(); !replaced || e.at.IsZero() {
		return false
	}
	return p.Age(e.at) >= rule.LongRun
}
