package reliability

import (
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SPOFShared finds single pods on which the whole cluster depends.
var SPOFShared = rule.Check{
	ID: "spof-shared", Title: "one replica of what the whole cluster needs", Doc: rule.ReadDoc(docs, "spof_shared.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Workloads,
	Needs: []schema.GroupKind{snapshot.ServiceKind, snapshot.HPAKind, snapshot.ValidatingWebhookKind, snapshot.MutatingWebhookKind, snapshot.APIServiceKind},
	Applies: func(p *rule.Pass) bool {
		s, ok := scaleOf(p, p.Object)
		return ok && (s.count > 0 || s.object != p.Object) && sharedRole(p) != nil
	},
	Run: func(p *rule.Pass) {
		s, ok := scaleOf(p, p.Object)
		if !ok || s.count > 1 || oneNodeCluster(p) {
			return
		}
		r := sharedRole(p)
		if r == nil {
			return
		}
		f := rule.Finding{Object: s.object.Ref, Field: s.field, Severity: r.severity, Label: "one pod is all there is", Message: fmt.Sprintf("a single replica %s: %s", r.does, r.effect)}
		if s.unset {
			f.Message += fmt.Sprintf(" (%s is not set, and %d by default)", last(s.field), s.count)
		} else {
			f.Value = fmt.Sprint(s.count)
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "run two, on different nodes", Applicability: rule.NeedsThought, Caution: "whether two can work side by side, its documentation says; most elect a leader or need none",
			Object: s.object.Ref, Patch: rule.PutIn(s.object, s.field, int64(2)), Command: scaleCommand(s, 2),
		})
	},
}

// clusterRole is what the whole cluster needs a workload for.
type clusterRole struct {
	does, effect string
	severity     rule.Severity
}

// sharedRole tells what the whole cluster needs the workload of a Pass for; nil for all others.
func sharedRole(p *rule.Pass) *clusterRole {
	if p.Object.Meta.GetLabels()["addonmanager.kubernetes.io/mode"] == "Reconcile" || p.Object.Meta.GetLabels()["kubernetes.azure.com/managedby"] != "" {
		return nil // the cloud puts it back
	}
	for _, t := range p.Object.Templates {
		if p.Object.Namespace == "kube-system" && t.Labels["k8s-app"] == "kube-dns" {
			return &clusterRole{"resolves all names of the cluster", "when its pod or its node goes, nothing finds anything", rule.Medium}
		}
		for _, c := range t.Containers() {
			if !c.Init && ingressController(c.Image) {
				r := &clusterRole{"takes all traffic from outside", "when its pod or its node goes, nothing can be reached from there", rule.High}
				if p.Files { // whether there is a second node for a second one, manifests do not say
					r.severity = rule.Medium
				}
				return r
			}
		}
		for _, svc := range p.ServicesOf(p.Object, t) {
			if r, ok := calledBack(p)[svc.Key()]; ok {
				if p.Object.Namespace == "kube-system" && r.severity == rule.Medium {
					r.severity = rule.Low // how Kubernetes' own add-ons come
				}
				return &r
			}
		}
	}
	return nil
}

// ingressControllers are the images of programs through which traffic comes into a cluster, by their last part.
// Source: the charts of each project.
var ingressControllers = map[string]bool{
	"nginx-ingress-controller": true, "nginx-ingress": true, "traefik": true, "haproxy-ingress": true, "haproxy-ingress-controller": true, "kubernetes-ingress": true, "kong": true, "apisix": true, "nginx-gateway-fabric": true,
}

func ingressController(image string) bool {
	return ingressControllers[knowledge.ImageBase(image)] || strings.Contains(image, "ingress-nginx/controller")
}

type calledBackKey struct{}

// calledBack are the Services that the API server calls for requests of others: admission webhooks that must answer, and APIs.
func calledBack(p *rule.Pass) map[snapshot.Ref]clusterRole {
	return snapshot.Derived(p.Snapshot, calledBackKey{}, func() map[snapshot.Ref]clusterRole {
		found := map[snapshot.Ref]clusterRole{}
		add := func(namespace, name string, s clusterRole) {
			key := snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: namespace, Name: name}.Key()
			if have, ok := found[key]; !ok || s.severity.Rank() < have.severity.Rank() {
				found[key] = s
			}
		}
		hook := func(o *snapshot.Object, name string, policy *admissionv1.FailurePolicyType, to *admissionv1.ServiceReference, rules []admissionv1.RuleWithOperations, narrowed bool) {
			if to == nil || policy != nil && *policy == admissionv1.Ignore {
				return
			}
			s := clusterRole{fmt.Sprintf("answers webhook %s of %s", name, o), "while it is away, the API refuses what the webhook is asked about", rule.Medium}
			if !narrowed && asksForPods(rules) {
				s.severity, s.effect = rule.High, "while it is away, the API refuses new pods, and nothing that fails is replaced"
			}
			add(to.Namespace, to.Name, s)
		}
		for _, o := range p.List(snapshot.ValidatingWebhookKind, "") {
			if c, ok := o.Typed.(*admissionv1.ValidatingWebhookConfiguration); ok {
				for i := range c.Webhooks {
					w := &c.Webhooks[i]
					hook(o, w.Name, w.FailurePolicy, w.ClientConfig.Service, w.Rules, chosen(w.ObjectSelector) || chosen(w.NamespaceSelector) || len(w.MatchConditions) > 0)
				}
			}
		}
		for _, o := range p.List(snapshot.MutatingWebhookKind, "") {
			if c, ok := o.Typed.(*admissionv1.MutatingWebhookConfiguration); ok {
				for i := range c.Webhooks {
					w := &c.Webhooks[i]
					hook(o, w.Name, w.FailurePolicy, w.ClientConfig.Service, w.Rules, chosen(w.ObjectSelector) || chosen(w.NamespaceSelector) || len(w.MatchConditions) > 0)
				}
			}
		}
		for _, o := range p.List(snapshot.APIServiceKind, "") {
			spec, _ := o.Content["spec"].(map[string]any)
			service, _ := spec["service"].(map[string]any)
			namespace, _ := service["namespace"].(string)
			name, _ := service["name"].(string)
			if name != "" {
				add(namespace, name, clusterRole{"serves the API " + o.Name, "while it is away, whoever asks that API fails, and no namespace can be deleted", rule.Medium})
			}
		}
		return found
	})
}

// chosen tells whether a selector takes only what carries a label: one that leaves something out takes all the rest.
func chosen(ls *metav1.LabelSelector) bool {
	return ls != nil && (len(ls.MatchLabels) > 0 || slices.ContainsFunc(ls.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool {
		return r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpExists
	}))
}

// asksForPods tells whether a webhook is asked when pods are made.
func asksForPods(rules []admissionv1.RuleWithOperations) bool {
	return slices.ContainsFunc(rules, func(r admissionv1.RuleWithOperations) bool {
		group := slices.Contains(r.APIGroups, "") || slices.Contains(r.APIGroups, "*")
		made := slices.Contains(r.Operations, admissionv1.Create) || slices.Contains(r.Operations, admissionv1.OperationAll)
		return group && made && slices.ContainsFunc(r.Resources, func(s string) bool { return s == "pods" || s == "*" || s == "*/*" })
	})
}

// oneNodeCluster tells whether a second pod would have nowhere else to be.
func oneNodeCluster(p *rule.Pass) bool {
	return !p.Files && p.ListRead(snapshot.NodeKind, "") && len(p.List(snapshot.NodeKind, "")) == 1
}
