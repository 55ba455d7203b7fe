package efficiency

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ofLate is how long a container that ran out of memory counts: a day has its busy hours and its nightly jobs.
const ofLate = 24 * time.Hour

// OOMKilled finds workloads whose containers ran out of memory of late.
var OOMKilled = rule.Check{
	ID: "oom-killed", Title: "a container ran out of memory in the last day", Doc: rule.ReadDoc(docs, "oom_killed.md"),
	Dimension: rule.Efficiency, Severity: rule.Medium, Off: true, On: rule.Workloads,
	Needs: []schema.GroupKind{snapshot.PodKind, snapshot.ReplicaSetKind, snapshot.JobKind},
	Applies: func(p *rule.Pass) bool {
		for _, gk := range []schema.GroupKind{snapshot.PodKind, snapshot.ReplicaSetKind, snapshot.JobKind} {
			if !p.ListRead(gk, p.Object.Namespace) {
				return true // nobody can tell
			}
		}
		for _, pod := range p.PodsOf(p.Object) {
			if len(pod.Pod().Status.ContainerStatuses)+len(pod.Pod().Status.InitContainerStatuses) > 0 {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		pods := p.PodsOf(p.Object)
		var order []string
		killed := map[string][]kill{}
		for _, o := range pods {
			for _, list := range [][]corev1.ContainerStatus{o.Pod().Status.InitContainerStatuses, o.Pod().Status.ContainerStatuses} {
				for i := range list {
					at, ok := ranOut(p, &list[i])
					if !ok {
						continue
					}
					name := list[i].Name
					if killed[name] == nil {
						order = append(order, name)
					}
					killed[name] = append(killed[name], kill{o, at})
				}
			}
		}
		for _, name := range order {
			reportKilled(p, name, killed[name], len(pods))
		}
	},
}

// kill is a container of a pod that ran out of memory.
type kill struct {
	pod *snapshot.Object
	at  time.Time
}

// ranOut is when a container last ran out of memory, as far as its status tells: it keeps its present life and the one
// before.
func ranOut(p *rule.Pass, st *corev1.ContainerStatus) (time.Time, bool) {
	for _, t := range []*corev1.ContainerStateTerminated{st.State.Terminated, st.LastTerminationState.Terminated} {
		if t != nil && t.Reason == "OOMKilled" && !t.FinishedAt.IsZero() && p.Age(t.FinishedAt.Time) <= ofLate {
			return t.FinishedAt.Time, true
		}
	}
	return time.Time{}, false
}

func reportKilled(p *rule.Pass, name string, kills []kill, pods int) {
	last := kills[0]
	f := rule.Finding{}
	for _, k := range kills {
		if k.at.After(last.at) {
			last = k
		}
		f.Pods = append(f.Pods, k.pod.Ref)
	}
	f.Seen = last.pod.In(name)
	f.Evidence = []rule.Evidence{{Source: rule.FromStatus, Object: f.Seen, Field: "status.containerStatuses", Time: last.at, Text: "terminated: OOMKilled"}}
	where := ""
	if p.Object.Pod() == nil {
		where = fmt.Sprintf(" in %d of %s", len(kills), rule.Count(pods, "pod"))
	}
	c, found := containerNamed(p.Object, name)
	limit := "it is not in the template any more"
	switch q, ok := c.limit(); {
	case found && ok:
		limit = "its limit is " + q
	case found:
		limit = "it has no limit of its own, so that its pod's or its node's was reached"
	}
	f.Message = fmt.Sprintf("container %q ran out of memory%s, last %s ago: %s", name, where, rule.Human(p.Age(last.at)), limit)
	if !found {
		f.NoField = "the container is not in the template"
		p.Report(f)
		return
	}
	f.Field, f.Label = resources(c.Path, "limits", corev1.ResourceMemory), "it was killed here"
	fix := ask(p, c.Container, "give it what it needs on its busiest day, or find out what eats the memory",
		"a program that never gives memory back only lives longer with more; the change rolls all pods, and what they ask for must fit on a node", "limits", corev1.ResourceMemory, "<MEMORY>")
	p.Report(f).WithFix(*fix)
}

// held is a container of a template.
type held struct{ snapshot.Container }

func (h held) limit() (string, bool) {
	if h.Container.Container == nil {
		return "", false
	}
	q, ok := h.Resources.Limits[corev1.ResourceMemory]
	return q.String(), ok
}

func containerNamed(o *snapshot.Object, name string) (held, bool) {
	for _, t := range o.Templates {
		for _, c := range t.Containers() {
			if c.Name == name {
				return held{c}, true
			}
		}
	}
	return held{}, false
}
