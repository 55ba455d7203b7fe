package maintenance

import (
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// WebhookBlocks finds webhooks without whose answer their own pods, or those of the cluster itself, cannot start.
var WebhookBlocks = rule.Check{
	ID: "webhook-blocks", Title: "webhook that its own pods, or the system's, wait for", Doc: rule.ReadDoc(docs, "webhook_blocks.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: webhookKinds,
	Applies: func(p *rule.Pass) bool {
		for _, w := range webhooks(p.Object) {
			if w.decidesPods() {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		for _, w := range webhooks(p.Object) {
			if w.decidesPods() {
				judgeReach(p, w)
			}
		}
	},
	Peers: map[string][]string{
		"clusterlint": {"admission-controller-webhook-replacement"},
		"kubescape":   {"list-all-mutating-webhooks", "list-all-validating-webhooks"},
	},
}

// decidesPods tells a webhook in the cluster without whose answer no pod is created.
func (w webhook) decidesPods() bool {
	_, inside := w.service()
	return inside && w.fails && w.conditions == 0 && w.asks(admissionv1.Create, "", "pods")
}

func judgeReach(p *rule.Pass, w webhook) {
	ref, _ := w.service()
	own, ownKnown := w.reaches(p, ref.Namespace)
	own = own && w.takesBackend(p, ref)
	system, systemKnown := own, ownKnown
	if ref.Namespace != metav1.NamespaceSystem {
		system, systemKnown = w.reaches(p, metav1.NamespaceSystem)
		if system && !empty(w.objects) {
			system, systemKnown = false, true // which pods have the label, nobody says here
		}
	}
	if !own && !system {
		if !ownKnown || !systemKnown {
			unread := snapshot.Ref{APIVersion: "v1", Kind: "Namespace", Name: missing(p, ref.Namespace)}
			if p.Files {
				p.Unresolved(w.path.Child("namespaceSelector"), unread)
				return
			}
			p.Unknown("the selector of webhook %s asks for labels of %s, which was not read", w.name, unread)
		}
		return
	}
	at := w.path.Child("namespaceSelector")
	f := rule.Finding{Field: at, Label: "leaves out neither its own namespace nor kube-system"}
	spare := []any{metav1.NamespaceSystem, ref.Namespace}
	switch {
	case own && ref.Namespace == metav1.NamespaceSystem:
		spare = spare[:1]
		f.Message = fmt.Sprintf("webhook %s must be asked before any pod of kube-system is created, its own included: once its pods are gone nothing there starts", w.name)
		f.Label = "does not leave out kube-system"
	case own && system:
		f.Message = fmt.Sprintf("webhook %s must be asked before its own pods are created, in namespace %s, and those of kube-system: once its pods are gone nothing there starts", w.name, ref.Namespace)
	case own:
		spare = spare[1:]
		f.Message = fmt.Sprintf("webhook %s must be asked before its own pods are created, in namespace %s: once they are gone they cannot come back", w.name, ref.Namespace)
		f.Label = "does not leave out its own namespace"
	default:
		spare = spare[:1]
		f.Message = fmt.Sprintf("webhook %s must be asked before any pod of kube-system is created: while it is down the cluster's own parts do not start", w.name)
		f.Label = "does not leave out kube-system"
	}
	f.Marks = []rule.Mark{{Field: w.path.Child("failurePolicy"), Label: "Fail: without its answer no pod is created"}}
	expression := map[string]any{"key": nameLabel, "operator": "NotIn", "values": spare}
	expressions := at.Child("matchExpressions")
	patch := p.Put(expressions, []any{expression})
	if w.namespaces != nil && len(w.namespaces.MatchExpressions) > 0 {
		patch = p.Put(expressions.Index(len(w.namespaces.MatchExpressions)), expression)
	}
	p.Report(f).WithFix(rule.Fix{
		Title: "leave those namespaces out by name", Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		Caution: "pods there are then not asked about at all; where the configuration is written by an operator or a chart, set it there",
	})
}

// takesBackend tells whether the object selector finds the pods behind the webhook's Service.
func (w webhook) takesBackend(p *rule.Pass, ref snapshot.Ref) bool {
	if empty(w.objects) {
		return true
	}
	selector, err := snapshot.SelectorOf(w.objects)
	if err != nil {
		return false
	}
	o, _ := p.Lookup(snapshot.ServiceKind, ref.Namespace, ref.Name)
	if o == nil {
		return false
	}
	svc, ok := o.Typed.(*corev1.Service)
	if !ok || len(svc.Spec.Selector) == 0 {
		return false
	}
	for _, s := range p.SelectedTemplates(ref.Namespace, labels.SelectorFromSet(svc.Spec.Selector)) {
		if selector.Matches(labels.Set(s.Template.Labels)) {
			return true
		}
	}
	return false
}

func empty(s *metav1.LabelSelector) bool {
	return s == nil || len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0
}

// missing is the namespace, its own or the system's, that was not read.
func missing(p *rule.Pass, own string) string {
	if o, _ := p.Lookup(snapshot.NamespaceKind, "", own); o == nil {
		return own
	}
	return metav1.NamespaceSystem
}
