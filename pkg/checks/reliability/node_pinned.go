package reliability

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodePinned finds workloads that may run on one node only.
var NodePinned = rule.Check{
	ID: "node-pinned", Title: "may run on one node only", Doc: rule.ReadDoc(docs, "node_pinned.md"),
	Dimension: rule.Reliability, Severity: rule.Low, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		if p.Object.GroupKind() == snapshot.DaemonSetKind || knowledge.SystemNamespace(p.Object.Namespace) {
			return false
		}
		if pod := p.Object.Pod(); pod != nil && (placed(pod) || len(pod.OwnerReferences) > 0) {
			return false
		}
		return hasApps(p)
	},
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			// The scheduler writes nodeName into each pod of a cluster.
			scheduled := p.Object.Pod() != nil && p.Object.Origin == nil
			pin := pinnedTo(t, scheduled)
			if pin == nil {
				continue
			}
			f := rule.Finding{
				Field: pin.path, Value: pin.node, Label: "this node, and no other",
				Message: fmt.Sprintf("%s %s: it can run on that one node only, and is down while the node is%s", pin.by, pin.node, pin.why),
			}
			services := depending(p, p.ServicesOf(p.Object, t))
			s, ok := scaleOf(p, p.Object)
			switch {
			case ok && s.count == 0:
				continue
			case ok && s.count > 1:
				f.Severity = rule.Medium
				f.Message = fmt.Sprintf("%s %s: all %d replicas must run on that one node, and are down together%s", pin.by, pin.node, s.count, pin.why)
			case len(services) > 0:
				f.Severity = rule.Medium
			}
			if len(services) > 0 {
				f.Message += "; " + does(services, "goes", "go") + " with it"
			}
			fix := rule.Fix{
				Title:         "ask for what the node has - a label, a zone, a device - and not for its name",
				Caution:       "a volume or a device of that very node keeps the workload there: then it needs copies on other nodes instead",
				Applicability: rule.NeedsThought,
			}
			if pin.by != "nodeAffinity" { // of which a part may be meant
				fix.Patch = p.Drop(pin.path)
				fix.Command = p.Live(fix.Patch)
			}
			p.Report(f).WithFix(fix)
		}
	},
	Peers: map[string][]string{"clusterlint": {"node-name-pod-selector"}},
}

// pin is a setting that names the one node on which pods may run.
type pin struct {
	path     *field.Path
	by, node string
	why      string // what else comes of it
}

// pinnedTo finds the setting that leaves the pods of a template one node.
func pinnedTo(t snapshot.Template, scheduled bool) *pin {
	spec := t.SpecPath()
	if t.Spec.NodeName != "" && !scheduled {
		return &pin{spec.Child("nodeName"), "nodeName", t.Spec.NodeName, "; the scheduler is not asked, so a cordon or a full node does not count"}
	}
	if host := t.Spec.NodeSelector[corev1.LabelHostname]; host != "" {
		return &pin{spec.Child("nodeSelector").Key(corev1.LabelHostname), "nodeSelector", host, ""}
	}
	if t.Spec.Affinity == nil || t.Spec.Affinity.NodeAffinity == nil || t.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	var only *pin
	terms := spec.Child("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
	for i, term := range t.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		at, host := onlyHost(term, terms.Index(i))
		if at == nil || only != nil && host != only.node { // one of several terms is enough
			return nil
		}
		only = &pin{at, "nodeAffinity", host, ""}
	}
	return only
}

// onlyHost is the one node that a term allows.
func onlyHost(term corev1.NodeSelectorTerm, path *field.Path) (*field.Path, string) {
	for _, x := range []struct {
		name, key string
		list      []corev1.NodeSelectorRequirement
	}{{"matchExpressions", corev1.LabelHostname, term.MatchExpressions}, {"matchFields", "metadata.name", term.MatchFields}} {
		for i, e := range x.list {
			if e.Key == x.key && e.Operator == corev1.NodeSelectorOpIn && len(e.Values) == 1 {
				return path.Child(x.name).Index(i).Child("values"), e.Values[0]
			}
		}
	}
	return nil, ""
}
