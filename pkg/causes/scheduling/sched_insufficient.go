package scheduling

import (
	"fmt"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The scheduler's words, from its NodeResourcesFit plugin.
var insufficient = knowledge.Regexp(`Insufficient (cpu|memory|ephemeral-storage)`)

// SchedInsufficient finds pods that request more than any node has, or has left.
var SchedInsufficient = rule.Cause{
	ID: "sched-insufficient", Title: "no node has what the pod requests", Doc: rule.ReadDoc(docs, "sched_insufficient.md"),
	Peers: map[string][]string{"popeye": {"POP-207"}},
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want { return wantsFor(p, byRoom) },
	Run: func(p *rule.Pass) {
		if s, evidence := blamed(p, byRoom); s != nil {
			reportInsufficient(p, s, evidence)
		}
	},
}

// missingResource is what the nearest node lacks; where none was read, the first that the scheduler names.
func missingResource(s *survey) corev1.ResourceName {
	for _, pl := range s.with(byRoom) {
		for _, o := range pl.obstacles {
			for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
				if o.kind == byRoom && strings.Contains(o.text, "of "+string(name)+" ") {
					return name
				}
			}
		}
	}
	return corev1.ResourceName(insufficient.FindStringSubmatch(withoutPreemption(s.message))[1])
}

func requested(p *rule.Pass, name corev1.ResourceName) resource.Quantity {
	return helper.PodRequests(p.Object.Pod(), helper.PodResourcesOptions{})[name]
}

type capacity struct {
	node *snapshot.Object
	has  resource.Quantity
}

// largestNode is the node with the most allocatable of a resource, among those that least else keeps the
// pod from; its node is nil where none was read.
func largestNode(p *rule.Pass, s *survey, name corev1.ResourceName) capacity {
	var best capacity
	for _, pl := range s.nearest(byRoom) {
		if q, ok := pl.node.Status.Allocatable[name]; ok && (best.node == nil || q.Cmp(best.has) > 0) {
			best = capacity{objectOf(p, pl.node), q}
		}
	}
	return best
}

func objectOf(p *rule.Pass, n *corev1.Node) *snapshot.Object {
	o, _ := p.Lookup(snapshot.NodeKind, "", n.Name)
	return o
}

// freest is the node that comes closest: little else keeps the pod from it, and it has the most of the
// resource that no pod has requested.
func freest(p *rule.Pass, s *survey, name corev1.ResourceName) capacity {
	var best capacity
	for _, pl := range s.nearest(byRoom) {
		if q, ok := s.rooms[pl.node.Name][name]; ok && (best.node == nil || q.Cmp(best.has) > 0) {
			best = capacity{objectOf(p, pl.node), q}
		}
	}
	return best
}

func reportInsufficient(p *rule.Pass, s *survey, evidence rule.Evidence) {
	if node := p.Object.Pod().Status.NominatedNodeName; node != "" {
		p.Report(rule.Finding{
			Object: p.PodSpec().Object, Seen: p.Object.Ref, Certainty: rule.Likely, Evidence: []rule.Evidence{evidence},
			NoField: "nothing is left to change: room is being made",
			Message: fmt.Sprintf("the scheduler stops pods of lower priority on node/%s to make room for it, and places it once they have gone", node),
			Fix:     &rule.Fix{Title: "wait until the pods that it stops have ended their grace period", Applicability: rule.NeedsThought},
		})
		return
	}
	name := missingResource(s)
	want := requested(p, name)
	c, own := hungriest(p, name)
	setting := p.ContainerSetting(c).Child("resources", "requests").Child(string(name))
	if q, ok := podLevel(p)[name]; ok {
		c, own = snapshot.Container{}, q
		setting = p.PodSpec().Child("resources", "requests").Child(string(name))
	}
	f := rule.Finding{
		Object:    setting.Object,
		Seen:      p.Object.Ref,
		Field:     setting.Path,
		Value:     own.String(),
		Message:   fmt.Sprintf("requests %s of %s, and no node has that to spare", want.String(), name),
		Label:     "the scheduler looks for a node with this much unrequested",
		Evidence:  []rule.Evidence{evidence},
		Certainty: rule.Certain,
	}
	which := "the largest node"
	if len(s.nearest(byRoom)) < len(s.places) {
		which = "the largest node that would take it"
	}
	if c.Container != nil {
		f.Seen = p.Object.In(c.Name)
	}
	var fits resource.Quantity
	whose := ""
	caution := "the container may need what it asks for; otherwise add a node"
	switch largest := largestNode(p, s, name); {
	case largest.node == nil:
		f.RuledOut = nil
	case largest.has.Cmp(want) < 0:
		f.Message = fmt.Sprintf("requests %s of %s; %s, %s, has %s in all", want.String(), name, which, largest.node.Name, largest.has.String())
		f.Label = fmt.Sprintf("never fits: node/%s offers %s", largest.node.Name, largest.has.String())
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: largest.node.Ref, Field: "status.allocatable", Text: fmt.Sprintf("node/%s allocatable %s: %s", largest.node.Name, name, largest.has.String())})
		f.RuledOut = append(f.RuledOut, "a full cluster: even an empty node is too small, so waiting does not help")
		fits, whose = largest.has, largest.node.Name
		caution = "leave room for what else runs on the node; if the container needs that much, add a larger node"
	case s.rooms != nil:
		free := freest(p, s, name)
		if free.node == nil {
			break
		}
		f.Message = fmt.Sprintf("requests %s of %s; the node that comes closest, %s, has %s left", want.String(), name, free.node.Name, amount(free.has))
		f.Label = fmt.Sprintf("fits an empty node; node/%s has %s unrequested", free.node.Name, amount(free.has))
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a request that never fits: node/%s has %s in all", largest.node.Name, largest.has.String()))
		fits, whose = free.has, free.node.Name
	}
	request := "<REQUEST>"
	f.Fix = &rule.Fix{Title: "request less, or add a node that has more", Caution: caution, Applicability: rule.Placeholders}
	if fits.Sign() > 0 && want.Cmp(own) == 0 {
		half := halve(name, fits)
		request = half.String()
		f.Fix.Title = fmt.Sprintf("request less (half of what node/%s could give), or add a node that has more", whose)
		f.Fix.Applicability = rule.NeedsThought
		f.Fix.Patch = setting.ReplaceValue(own.String(), request)
	}
	switch {
	case c.Container == nil: // kubectl set resources knows those of containers only
		patch := setting.ReplaceValue(own.String(), request)
		f.Fix.Command = p.PatchCommand(setting.Object, patch)
	case setting.Object.Kind == "Pod":
		f.Fix.YAML = rule.Nest(request, "resources", "requests", string(name))
		f.Fix.Patch = nil
		f.Fix.Caution = "the requests of a pod that has no node cannot be changed: delete it and create it again. " + strings.ToUpper(caution[:1]) + caution[1:]
	default:
		f.Fix.Command = p.SetResources(setting.Object, c.Name, string(name)+"="+request, "")
	}
	if more := neverFit(p, s, name); len(more) > 0 {
		f.Message += "; no node has " + strings.Join(more, ", ") + " either"
		f.Fix.Caution = "this alone does not place it: no node has " + strings.Join(more, ", ") + " either. " + strings.ToUpper(caution[:1]) + caution[1:]
	}
	s.tell(&f, byRoom)
	p.Report(f)
}

// neverFit words the other resources of which the pod requests more than any node has in all.
func neverFit(p *rule.Pass, s *survey, except corev1.ResourceName) []string {
	var list []string
	for name, want := range helper.PodRequests(p.Object.Pod(), helper.PodResourcesOptions{}) {
		if name == except || want.IsZero() || len(s.places) == 0 {
			continue
		}
		if largest := largestNode(p, s, name); largest.node == nil || largest.has.Cmp(want) < 0 {
			list = append(list, fmt.Sprintf("%s of %s", want.String(), name))
		}
	}
	sort.Strings(list)
	return list
}

// halve is half of q, in the unit in which people write the resource.
func halve(name corev1.ResourceName, q resource.Quantity) resource.Quantity {
	if name == corev1.ResourceCPU {
		return *resource.NewMilliQuantity(q.MilliValue()/2, resource.DecimalSI)
	}
	const mebi = 1 << 20
	return *resource.NewQuantity(q.Value()/2/mebi*mebi, resource.BinarySI)
}

// hungriest is the container that requests most of a resource.
func hungriest(p *rule.Pass, name corev1.ResourceName) (snapshot.Container, resource.Quantity) {
	var best snapshot.Container
	var most resource.Quantity
	for _, c := range p.Object.PodContainers() {
		if q := c.Resources.Requests[name]; best.Container == nil || q.Cmp(most) > 0 {
			best, most = c, q
		}
	}
	return best, most
}

// podLevel are the requests of the pod as a whole, where it has some.
func podLevel(p *rule.Pass) corev1.ResourceList {
	if r := p.Object.Pod().Spec.Resources; r != nil {
		return r.Requests
	}
	return nil
}
