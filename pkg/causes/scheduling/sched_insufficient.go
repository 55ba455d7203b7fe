package scheduling

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The scheduler's words, from its NodeResourcesFit plugin.
var insufficient = regexp.MustCompile(`Insufficient (cpu|memory|ephemeral-storage)`)

// SchedInsufficient finds pods that request more than any node has, or has left.
var SchedInsufficient = rule.Cause{
	ID: "sched-insufficient", Title: "no node has what the pod requests", Doc: rule.ReadDoc(docs, "sched_insufficient.md"),
	Stage: rule.StageNotScheduled, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		message, _, ok := unschedulable(p)
		if !ok || !insufficient.MatchString(message) {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantList(snapshot.NodeKind, "", "")}
		if name := missingResource(message); p.ListRead(snapshot.NodeKind, "") {
			if largest := largestNode(p, name); largest.node != nil && largest.has.Cmp(requested(p, name)) >= 0 {
				wants = append(wants, snapshot.WantList(snapshot.PodKind, "", ""))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		message, evidence, ok := unschedulable(p)
		if !ok || !insufficient.MatchString(message) {
			return
		}
		reportInsufficient(p, missingResource(message), evidence)
	},
}

func missingResource(message string) corev1.ResourceName {
	return corev1.ResourceName(insufficient.FindStringSubmatch(message)[1])
}

func requested(p *rule.Pass, name corev1.ResourceName) resource.Quantity {
	return helper.PodRequests(p.Object.Pod(), helper.PodResourcesOptions{})[name]
}

type capacity struct {
	node *snapshot.Object
	has  resource.Quantity
}

// largestNode is the node with the most allocatable of a resource; its node is nil where none was read.
func largestNode(p *rule.Pass, name corev1.ResourceName) capacity {
	var best capacity
	for _, o := range p.List(snapshot.NodeKind, "") {
		node, ok := o.Typed.(*corev1.Node)
		if !ok {
			continue
		}
		if q, ok := node.Status.Allocatable[name]; ok && (best.node == nil || q.Cmp(best.has) > 0) {
			best = capacity{o, q}
		}
	}
	return best
}

// freest is the node that comes closest: with the most of a resource that no pod has requested.
func freest(p *rule.Pass, name corev1.ResourceName) capacity {
	used := map[string]resource.Quantity{}
	for _, o := range p.List(snapshot.PodKind, "") {
		pod := o.Pod()
		if pod.Spec.NodeName == "" || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		sum := used[pod.Spec.NodeName]
		sum.Add(helper.PodRequests(pod, helper.PodResourcesOptions{})[name])
		used[pod.Spec.NodeName] = sum
	}
	var best capacity
	for _, o := range p.List(snapshot.NodeKind, "") {
		node, ok := o.Typed.(*corev1.Node)
		if !ok || node.Spec.Unschedulable {
			continue
		}
		q, ok := node.Status.Allocatable[name]
		if !ok {
			continue
		}
		free := q.DeepCopy()
		free.Sub(used[o.Name])
		if best.node == nil || free.Cmp(best.has) > 0 {
			best = capacity{o, free}
		}
	}
	return best
}

func reportInsufficient(p *rule.Pass, name corev1.ResourceName, evidence rule.Evidence) {
	want := requested(p, name)
	c, own := hungriest(p, name)
	setting := p.ContainerSetting(c).Child("resources", "requests").Child(string(name))
	f := rule.Finding{
		Object:    setting.Object,
		Seen:      p.Object.In(c.Name),
		Field:     setting.Path,
		Value:     own.String(),
		Message:   fmt.Sprintf("requests %s of %s, and no node has that to spare", want.String(), name),
		Label:     "the scheduler looks for a node with this much unrequested",
		Evidence:  []rule.Evidence{evidence},
		Certainty: rule.Certain,
	}
	var fits resource.Quantity
	caution := "the container may need what it asks for; otherwise add a node"
	switch largest := largestNode(p, name); {
	case largest.node == nil:
		f.RuledOut = nil
	case largest.has.Cmp(want) < 0:
		f.Message = fmt.Sprintf("requests %s of %s; the largest node, %s, has %s in all", want.String(), name, largest.node.Name, largest.has.String())
		f.Label = fmt.Sprintf("never fits: node/%s offers %s", largest.node.Name, largest.has.String())
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: largest.node.Ref, Field: "status.allocatable", Text: fmt.Sprintf("node/%s allocatable %s: %s", largest.node.Name, name, largest.has.String())})
		f.RuledOut = append(f.RuledOut, "a full cluster: even an empty node is too small, so waiting does not help")
		fits = largest.has
		caution = "leave room for what else runs on the node; if the container needs that much, add a larger node"
	case p.ListRead(snapshot.PodKind, ""):
		free := freest(p, name)
		if free.node == nil {
			break
		}
		f.Message = fmt.Sprintf("requests %s of %s; the node that comes closest, %s, has %s left", want.String(), name, free.node.Name, free.has.String())
		f.Label = fmt.Sprintf("fits an empty node; node/%s has %s unrequested", free.node.Name, free.has.String())
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a request that never fits: node/%s has %s in all", largest.node.Name, largest.has.String()))
		fits = free.has
	}
	request := "<REQUEST>"
	f.Fix = &rule.Fix{Title: "request less, or add a node that has more", Caution: caution, Applicability: rule.Placeholders}
	if fits.Sign() > 0 && want.Cmp(own) == 0 {
		half := halve(name, fits)
		request = half.String()
		f.Fix.Title = fmt.Sprintf("request less (half of what node/%s could give), or add a node that has more", nodeName(f))
		f.Fix.Applicability = rule.NeedsThought
		f.Fix.Patch = setting.ReplaceValue(own.String(), request)
	}
	f.Fix.Command = p.SetResources(setting.Object, c.Name, string(name)+"="+request, "")
	if more := neverFit(p, name); len(more) > 0 {
		f.Message += "; no node has " + strings.Join(more, ", ") + " either"
		f.Fix.Caution = "this alone does not place it: no node has " + strings.Join(more, ", ") + " either. " + strings.ToUpper(caution[:1]) + caution[1:]
	}
	p.Report(f)
}

// neverFit words the other resources of which the pod requests more than any node has in all.
func neverFit(p *rule.Pass, except corev1.ResourceName) []string {
	var list []string
	for name, want := range helper.PodRequests(p.Object.Pod(), helper.PodResourcesOptions{}) {
		if name == except || want.IsZero() || len(p.List(snapshot.NodeKind, "")) == 0 {
			continue
		}
		if largest := largestNode(p, name); largest.node == nil || largest.has.Cmp(want) < 0 {
			list = append(list, fmt.Sprintf("%s of %s", want.String(), name))
		}
	}
	sort.Strings(list)
	return list
}

func nodeName(f rule.Finding) string {
	for _, e := range f.Evidence {
		if e.Object.Kind == "Node" {
			return e.Object.Name
		}
	}
	return "that"
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
