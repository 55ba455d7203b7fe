package network

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CiliumPolicyOrphan finds policies of Cilium that are for no pod.
var CiliumPolicyOrphan = rule.Check{
	ID: "cilium-policy-orphan", Title: "policy of Cilium selects no pod", Doc: rule.ReadDoc(docs, "cilium_policy_orphan.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Kinds(snapshot.CiliumPolicyKind, snapshot.CiliumClusterPolicyKind),
	Applies: func(p *rule.Pass) bool { return !system(p.Object.Namespace) },
	Run: func(p *rule.Pass) {
		for i, spec := range ciliumRules(p.Object) {
			path := field.NewPath("spec")
			if specOf(p.Object) == nil {
				path = field.NewPath("specs").Index(i)
			} else if i > 0 {
				path = field.NewPath("specs").Index(i - 1)
			}
			judgeEndpoints(p, path.Child("endpointSelector"), spec["endpointSelector"])
		}
	},
	Peers: map[string][]string{"popeye": {"POP-1700"}},
}

func judgeEndpoints(p *rule.Pass, path *field.Path, selector any) {
	labels, namespace, ok := endpoints(p.Object, selector)
	if !ok || len(labels.MatchLabels)+len(labels.MatchExpressions) == 0 {
		return
	}
	fits, err := snapshot.SelectorOf(labels)
	if err != nil {
		return
	}
	where := []string{namespace}
	if namespace == "" {
		where = nil
		for _, o := range p.Workloads("") {
			where = append(where, o.Namespace)
		}
		where = rule.Distinct(where)
	}
	workloads := 0
	for _, ns := range where {
		if len(selected(p, ns, fits)) > 0 {
			return
		}
		workloads += len(p.Workloads(ns))
		if p.MadeByOperator(ns, labels) {
			p.Unknown("an operator may make the pods that it is for")
			return
		}
	}
	in := "in the cluster"
	if namespace != "" {
		in = "in namespace " + namespace
	}
	if p.Files {
		if in = "in the input"; !p.Closed && workloads == 0 {
			p.Unknown("no workload that it may be for is in the input")
			return
		}
	}
	text := metav1.FormatLabelSelector(labels)
	p.Report(rule.Finding{
		Field: path, Value: text, Certainty: certaintyHere(p), Label: "finds no pod",
		Message: fmt.Sprintf("endpointSelector %s finds no pod and no pod template %s: the policy limits nothing", text, in),
	}).WithFix(rule.Fix{
		Title: "select labels that the pods carry, or delete the policy", Applicability: rule.NeedsThought,
		Caution: "from then on only what its rules name gets in or out",
	})
}

// endpoints reads an endpointSelector as a selector of pods by their own labels, in one namespace or, with "", in all.
// ok is false where it asks for anything else: a reserved endpoint, an account, labels of the namespace. Source:
// github.com/cilium/cilium Documentation/security/policy/kubernetes.rst and pkg/labels, where a label without a
// source is one of any.
func endpoints(policy *snapshot.Object, v any) (of *metav1.LabelSelector, namespace string, ok bool) {
	all, ok := rule.LabelSelectorIn(v)
	if !ok {
		return nil, "", false
	}
	namespace = policy.Namespace
	if policy.GroupKind() == snapshot.CiliumClusterPolicyKind {
		namespace = ""
	}
	of = &metav1.LabelSelector{MatchLabels: map[string]string{}}
	for k, value := range all.MatchLabels {
		key, plain := podLabel(k)
		switch {
		case key == namespaceLabel:
			if namespace != "" && namespace != value {
				return nil, "", false // Cilium refuses it
			}
			namespace = value
		case !plain:
			return nil, "", false
		default:
			of.MatchLabels[key] = value
		}
	}
	for _, e := range all.MatchExpressions {
		key, plain := podLabel(e.Key)
		if !plain || key == namespaceLabel {
			return nil, "", false
		}
		e.Key = key
		of.MatchExpressions = append(of.MatchExpressions, e)
	}
	return of, namespace, true
}

const namespaceLabel = "io.kubernetes.pod.namespace"

// podLabel is the key of a label without its source; plain is false where it is none that a pod carries.
func podLabel(key string) (bare string, plain bool) {
	for _, source := range []string{"k8s:", "any:"} {
		key = strings.TrimPrefix(key, source)
	}
	return key, !strings.Contains(key, ":") && !strings.HasPrefix(key, "io.cilium.")
}
