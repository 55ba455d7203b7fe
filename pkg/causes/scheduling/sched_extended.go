package scheduling

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The scheduler's words, from its NodeResourcesFit plugin, for what a device plugin offers.
var deviceMissing = knowledge.Regexp(`Insufficient ([a-z0-9.-]+/[A-Za-z0-9._-]*[A-Za-z0-9]|hugepages-\w+)`)

// SchedExtended finds pods that ask for devices which no node offers, or has left.
var SchedExtended = rule.Cause{
	ID: "sched-extended", Title: "no node has the device that the pod asks for", Doc: rule.ReadDoc(docs, "sched_extended.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsFor(p, byDevice) },
	Run: func(p *rule.Pass) {
		if s, evidence := blamed(p, byDevice); s != nil {
			reportDevice(p, s, evidence)
		}
	},
}

func reportDevice(p *rule.Pass, s *survey, evidence rule.Evidence) {
	name := corev1.ResourceName(deviceMissing.FindStringSubmatch(withoutPreemption(s.message))[1])
	want := requests(p.Object.Pod())[name]
	f := rule.Finding{
		Object: p.PodSpec().Object, Seen: p.Object.Ref, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
		NoField: "no container asks for it: what runs the pod does",
		Message: fmt.Sprintf("asks for %s of %s, and no node has that to spare", want.String(), name),
	}
	for _, c := range p.Object.PodContainers() {
		q, ok := c.Resources.Limits[name]
		if !ok {
			continue
		}
		limits := p.ContainerSetting(c).Child("resources", "limits")
		setting := rule.Setting{Object: limits.Object, Path: limits.Path.Key(string(name))}
		f.Object, f.Field, f.NoField, f.Value, f.Seen = setting.Object, setting.Path, "", q.String(), p.Object.In(c.Name)
		f.Label = "the scheduler looks for a node with this many unused"
		offerDevice(p, s, &f, c, name)
		break
	}
	s.tell(&f, byDevice)
	p.Report(f)
}

// offerDevice words what nodes have of the device, and the fix.
func offerDevice(p *rule.Pass, s *survey, f *rule.Finding, c snapshot.Container, name corev1.ResourceName) {
	offers, most := 0, int64(0)
	var devices []string
	for _, n := range nodes(p) {
		for have, q := range n.Status.Allocatable {
			if extended(have) && !q.IsZero() && !slices.Contains(devices, string(have)) {
				devices = append(devices, string(have))
			}
		}
		if q := n.Status.Allocatable[name]; !q.IsZero() {
			offers++
			most = max(most, q.Value())
		}
	}
	want := requests(p.Object.Pod())[name]
	resources := p.ContainerSetting(c).Child("resources")
	drop := func(to string) *rule.Patch {
		var ops []rule.Op
		for _, part := range []struct {
			name string
			list corev1.ResourceList
		}{{"limits", c.Resources.Limits}, {"requests", declaredRequests(p, c)}} {
			q, ok := part.list[name]
			if !ok {
				continue
			}
			at := rule.Setting{Object: resources.Object, Path: resources.Child(part.name).Path.Key(string(name))}
			ops = append(ops, rule.Op{Op: "test", Path: at.Pointer(), Value: q.String()}, rule.Op{Op: "remove", Path: at.Pointer()})
			if to != "" {
				other := rule.Setting{Object: resources.Object, Path: resources.Child(part.name).Path.Key(to)}
				ops = append(ops, rule.Op{Op: "add", Path: other.Pointer(), Value: q.String()})
			}
		}
		return &rule.Patch{Type: "json", Body: ops}
	}
	switch near := knowledge.Nearest(string(name), devices); {
	case len(s.places) == 0:
		f.Fix = &rule.Fix{Title: "ask for a device that nodes have", Caution: "what nodes offer could not be read: whoever runs the cluster can tell", Applicability: rule.NeedsThought}
		return
	case offers == 0 && near != "":
		f.Message = fmt.Sprintf("asks for %s of %s, which no node offers; there is %s", want.String(), name, near)
		f.Label = "no node offers it; there is " + near
		f.Fix = &rule.Fix{
			Title: fmt.Sprintf("ask for %s, the nearest that nodes offer", near), Caution: "the name is alike; that it is meant, only you know",
			Applicability: rule.NeedsThought, Patch: drop(near),
		}
	case offers == 0:
		f.Message = fmt.Sprintf("asks for %s of %s, and none of %s offers any: there is no such device, or its device plugin does not run", want.String(), name, rule.Count(len(s.places), "node"))
		f.Label = "no node offers it"
		f.RuledOut = []string{"devices that others use: no node counts any"}
		f.Fix = &rule.Fix{
			Title: "add a node with the device, or start its device plugin there; where the program can do without, ask for none",
			Caution: "the command asks for none: a program that needs the device fails then. On a node that has one, see whether its device plugin runs " +
				"(a DaemonSet, often in kube-system)",
			Applicability: rule.NeedsThought, Patch: drop(""),
		}
	default:
		f.Message = fmt.Sprintf("asks for %s of %s; %s it, and other pods have what it would need", want.String(), name, offering(offers))
		f.Label = "all are in use"
		if most < want.Value() {
			f.Message = fmt.Sprintf("asks for %s of %s; no node has more than %d", want.String(), name, most)
			f.Label = fmt.Sprintf("never fits: the most that one node has is %d", most)
		}
		f.Evidence = append(f.Evidence, users(p, name)...)
		f.Fix = &rule.Fix{Title: "wait until a pod that has one ends, run fewer of them, or add a node with the device", Applicability: rule.NeedsThought}
		if command, replicas := scaleTo(p); command != nil && replicas > 0 {
			f.Fix.Title = fmt.Sprintf("run %s, as many as have a place, or add a node with the device", rule.Count(replicas, "pod"))
			f.Fix.Caution = "the workload then has fewer pods than somebody asked for"
			f.Fix.Object, f.Fix.Command = p.TopOwner(p.Object).Ref, command
		}
		return
	}
	if f.Object.Kind == "Pod" {
		f.Fix.Patch = nil
		f.Fix.Caution = "the resources of a pod cannot be changed so: delete it and create it again"
		return
	}
	f.Fix.Command = p.PatchCommand(f.Object, f.Fix.Patch)
}

// declaredRequests are the requests that the container's template has itself: the API copies limits of
// devices to the requests of the pod, and not of the template.
func declaredRequests(p *rule.Pass, c snapshot.Container) corev1.ResourceList {
	top := p.TopOwner(p.Object)
	for _, t := range top.Templates {
		for _, tc := range t.Containers() {
			if tc.Name == c.Name {
				return tc.Resources.Requests
			}
		}
	}
	return nil
}

func offering(n int) string {
	if n == 1 {
		return "1 node offers"
	}
	return fmt.Sprintf("%d nodes offer", n)
}

// users names the pods that have the device.
func users(p *rule.Pass, name corev1.ResourceName) []rule.Evidence {
	var list []*snapshot.Object
	for _, o := range p.List(snapshot.PodKind, "") {
		if q := requests(o.Pod())[name]; running(o.Pod()) && !q.IsZero() {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return []rule.Evidence{{Source: rule.FromSpec, Text: "in use by " + refs(list)}}
}
