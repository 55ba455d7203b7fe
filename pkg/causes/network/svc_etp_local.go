package network

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcETPLocal finds Services that nodes without a pod of theirs do not pass on.
var SvcETPLocal = rule.Cause{
	ID: "svc-etp-local", Title: "nodes without a pod of it drop its traffic", Doc: rule.ReadDoc(docs, "svc_etp_local.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.ServiceKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if staysLocal(p) != "" {
			return []snapshot.Want{snapshot.WantList(snapshot.NodeKind, "", "")}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		if policy := staysLocal(p); policy != "" && p.ListRead(snapshot.NodeKind, "") {
			reportLocal(p, policy)
		}
	},
}

// staysLocal is the field with which a Service keeps its traffic on the node where it comes in, or "". A load
// balancer asks the nodes which of them have pods; clients of a node's port do not.
func staysLocal(p *rule.Pass) string {
	svc := selectable(p)
	switch {
	case svc == nil || svc.Spec.ClusterIP == corev1.ClusterIPNone:
		return ""
	case svc.Spec.Type == corev1.ServiceTypeNodePort && svc.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal:
		return "externalTrafficPolicy"
	case svc.Spec.InternalTrafficPolicy != nil && *svc.Spec.InternalTrafficPolicy == corev1.ServiceInternalTrafficPolicyLocal:
		return "internalTrafficPolicy"
	}
	return ""
}

// serves tells whether a node is one that clients and pods of applications are on.
func serves(o *snapshot.Object) bool {
	node, ok := o.Typed.(*corev1.Node)
	if !ok {
		return false
	}
	for _, t := range node.Spec.Taints {
		if t.Key == "node-role.kubernetes.io/control-plane" || t.Key == "node-role.kubernetes.io/master" {
			return false
		}
	}
	if _, left := node.Labels[corev1.LabelNodeExcludeBalancers]; left || node.Spec.Unschedulable {
		return false
	}
	return rule.NodeReady(o) == corev1.ConditionTrue
}

func reportLocal(p *rule.Pass, policy string) {
	has, ready := map[string]bool{}, 0
	for _, o := range p.EndpointSlices(p.Object) {
		slice, ok := o.Typed.(*discoveryv1.EndpointSlice)
		if !ok {
			continue
		}
		for _, ep := range slice.Endpoints {
			if !rule.EndpointReady(&ep) {
				continue
			}
			if ep.NodeName == nil {
				return // where it is cannot be told
			}
			ready++
			has[*ep.NodeName] = true
		}
	}
	var without []string
	all := 0
	for _, o := range p.List(snapshot.NodeKind, "") {
		if serves(o) {
			if all++; !has[o.Name] {
				without = append(without, o.String())
			}
		}
	}
	if ready == 0 || len(without) == 0 {
		return
	}
	setting := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", policy)}
	f := rule.Finding{
		Field: setting.Path, Value: "Local", Certainty: rule.Possible,
		Message:  fmt.Sprintf("externalTrafficPolicy is Local, and %s has no ready pod of it: what connects there is dropped; is that where clients connect?", some(without)),
		Label:    "a node passes on only to pods of its own",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: endpointsOf(p).slice, Field: "endpoints", Text: fmt.Sprintf("%s on %d of %s", rule.Count(ready, "ready endpoint"), len(has), rule.Count(all, "node"))}},
		Fix: &rule.Fix{
			Title: "have every node pass it on", Applicability: rule.NeedsThought,
			Caution: "the pods then see the address of a node instead of the client's; or run a pod on each node",
		},
	}
	if policy == "internalTrafficPolicy" {
		f.Message = fmt.Sprintf("internalTrafficPolicy is Local, and %s has no ready pod of it: what pods there send to it is dropped; is that where the callers are?", some(without))
		f.Fix.Caution = "its traffic then leaves the node; or run a pod on each node"
	}
	f.Fix.Patch = setting.ReplaceValue("Local", "Cluster")
	f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	p.Report(f)
}
