package lifecycle

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The kubelet's words, from its eviction manager.
var (
	nodeLow       = knowledge.Regexp(`The node was low on resource: ([a-z-]+)\.`)
	nodeHad       = knowledge.Regexp(`The node had condition: \[([A-Za-z ]+)\]`)
	nodeThreshold = knowledge.Regexp(`Threshold quantity: (\S+), available: (\S+)\. `)
	wasUsing      = knowledge.Regexp(`Container (\S+) was using ([0-9.]+[A-Za-z]*), request is ([0-9.]+[A-Za-z]*)`)
)

// EvictedNodePressure finds pods that the kubelet evicted because the node itself ran short.
var EvictedNodePressure = rule.Cause{
	ID: "evicted-node-pressure", Title: "evicted: the node ran short", Doc: rule.ReadDoc(docs, "evicted_node_pressure.md"),
	Peers: map[string][]string{"popeye": {"POP-207"}, "clusterlint": {"pod-state"}},
	Stage: rule.StageFailed, On: rule.Pods,
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != corev1.PodSucceeded {
			return
		}
		if said := pod.Status.Message; pod.Status.Reason == "Evicted" && (nodeLow.MatchString(said) || nodeHad.MatchString(said)) {
			reportPressure(p, said, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Time: endOf(p), Text: "Evicted: " + said})
			return
		}
		if e := p.Event(p.Object, "Evicted", "The node was low on resource"); e != nil && nodeLow.MatchString(e.Message) {
			reportPressure(p, e.Message, rule.EventEvidence(e))
		}
	},
}

func reportPressure(p *rule.Pass, said string, evidence rule.Evidence) {
	node := snapshot.NodeRef(p.Object.Pod().Spec.NodeName)
	f := rule.Finding{
		Object: p.PodSpec().Object, Seen: p.Object.Ref, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence}, History: over(p, &eviction{at: endOf(p)}),
		RuledOut: []string{"a limit of its own: the kubelet speaks of the node"},
	}
	if m := nodeHad.FindStringSubmatch(said); m != nil && !nodeLow.MatchString(said) {
		f.Object, f.NoField, f.Because = node, "no setting of the pod is to blame: the node takes no pods of its kind while it is short", &node
		f.Message = fmt.Sprintf("%s refused it: the node had %s", node.String(), m[1])
		f.Fix = &rule.Fix{Title: fmt.Sprintf("see what fills %s; its controller makes a new pod elsewhere", node.String()), Applicability: rule.NeedsThought, Command: []string{"describe", node.String()}}
		p.Report(f)
		return
	}
	short := nodeLow.FindStringSubmatch(said)[1]
	left := ""
	if m := nodeThreshold.FindStringSubmatch(said); m != nil {
		left = fmt.Sprintf(" (%s left, below its threshold of %s)", inShort(m[2]), inShort(m[1]))
	}
	f.Message = fmt.Sprintf("evicted: %s ran low on %s%s", node.String(), short, left)
	name := corev1.ResourceName(short)
	if name != corev1.ResourceMemory && name != corev1.ResourceEphemeralStorage {
		f.Object, f.NoField, f.Because = node, fmt.Sprintf("nothing that a pod requests keeps %s free on a node", short), &node
		f.Fix = &rule.Fix{Title: fmt.Sprintf("see what takes the %s of %s", short, node.String()), Applicability: rule.NeedsThought, Command: []string{"describe", node.String()}}
		p.Report(f)
		return
	}
	f.NoField = "the kubelet names no container that took more than it requested"
	for _, m := range wasUsing.FindAllStringSubmatch(said, -1) {
		for _, c := range p.Object.PodContainers() {
			if c.Name == m[1] && f.Field == nil {
				blameRequest(p, &f, c, name, m[2], m[3])
			}
		}
	}
	if f.Field == nil {
		f.Because = &node
		f.Fix = &rule.Fix{Title: fmt.Sprintf("see what takes the %s of %s", short, node.String()), Applicability: rule.NeedsThought, Object: node, Command: []string{"describe", node.String()}}
	}
	p.Report(f)
}

// blameRequest points at the request that the container went past, which is why it was chosen.
func blameRequest(p *rule.Pass, f *rule.Finding, c snapshot.Container, name corev1.ResourceName, used, asked string) {
	setting := p.ContainerSetting(c).Child("resources", "requests").Child(string(name))
	f.Object, f.Field, f.NoField, f.Seen = setting.Object, setting.Path, "", p.Object.In(c.Name)
	if q, ok := c.Resources.Requests[name]; ok {
		f.Value = q.String()
	}
	f.Message += fmt.Sprintf("; %s used %s and requested %s, so it was among the first to go", c.Name, inShort(used), inShort(asked))
	f.Label = fmt.Sprintf("it used %s: what goes past its request is evicted first", inShort(used))
	f.Fix = &rule.Fix{Title: "request what it uses, so that the scheduler finds a node that has it", Applicability: rule.Placeholders}
	to := "<REQUEST>"
	if q, err := resource.ParseQuantity(used); err == nil && !strings.Contains(used, "<") {
		const mebi = 1 << 20
		rounded := resource.NewQuantity((q.Value()+mebi-1)/mebi*mebi, resource.BinarySI)
		if limit, ok := c.Resources.Limits[name]; ok && rounded.Cmp(limit) > 0 { // a request above the limit is refused
			*rounded = limit
		}
		to, f.Fix.Applicability = rounded.String(), rule.NeedsThought
		f.Fix.Caution = fmt.Sprintf("%s is what it used when it was evicted, rounded up. What takes more and more of it, as with a leak, goes past any request", to)
		if most, known := allocatable(p, name); known && rounded.Cmp(most) > 0 {
			f.Fix.Caution = fmt.Sprintf("%s is what it used when it was evicted, rounded up; node/%s has %s in all, so it would be placed there no more", to, p.Object.Pod().Spec.NodeName, inShort(most.String()))
		}
	}
	f.Fix.Command = p.SetResources(setting.Object, c.Name, string(name)+"="+to, "")
}

// allocatable is what the pod's node has for pods in all.
func allocatable(p *rule.Pass, name corev1.ResourceName) (resource.Quantity, bool) {
	o := nodeOf(p)
	if o == nil {
		return resource.Quantity{}, false
	}
	node, ok := o.Typed.(*corev1.Node)
	if !ok {
		return resource.Quantity{}, false
	}
	q, ok := node.Status.Allocatable[name]
	return q, ok
}
