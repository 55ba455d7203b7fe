package maintenance

import (
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

var webhookKinds = rule.Kinds(snapshot.ValidatingWebhookKind, snapshot.MutatingWebhookKind)

// webhook is one webhook of a configuration, with what both kinds have.
type webhook struct {
	name       string
	path       *field.Path
	client     admissionv1.WebhookClientConfig
	rules      []admissionv1.RuleWithOperations
	fails      bool // without its answer nothing is admitted
	seconds    *int32
	namespaces *metav1.LabelSelector
	objects    *metav1.LabelSelector
	conditions int
}

// webhooks are those of a configuration. An older version of the API has other defaults, and is gone.
func webhooks(o *snapshot.Object) []webhook {
	at := field.NewPath("webhooks")
	var list []webhook
	fails := func(f *admissionv1.FailurePolicyType) bool { return f == nil || *f != admissionv1.Ignore }
	switch t := o.Typed.(type) {
	case *admissionv1.ValidatingWebhookConfiguration:
		for i := range t.Webhooks {
			w := &t.Webhooks[i]
			list = append(list, webhook{w.Name, at.Index(i), w.ClientConfig, w.Rules, fails(w.FailurePolicy), w.TimeoutSeconds, w.NamespaceSelector, w.ObjectSelector, len(w.MatchConditions)})
		}
	case *admissionv1.MutatingWebhookConfiguration:
		for i := range t.Webhooks {
			w := &t.Webhooks[i]
			list = append(list, webhook{w.Name, at.Index(i), w.ClientConfig, w.Rules, fails(w.FailurePolicy), w.TimeoutSeconds, w.NamespaceSelector, w.ObjectSelector, len(w.MatchConditions)})
		}
	}
	return list
}

// service is the Service behind a webhook; ok is false where it is asked at a URL.
func (w webhook) service() (snapshot.Ref, bool) {
	s := w.client.Service
	if s == nil || s.Name == "" || s.Namespace == "" {
		return snapshot.Ref{}, false
	}
	return snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: s.Namespace, Name: s.Name}, true
}

// asks tells whether a webhook is asked about an operation on a resource.
func (w webhook) asks(op admissionv1.OperationType, group, resource string) bool {
	holds := func(list []string, word string) bool {
		return slices.Contains(list, "*") || slices.Contains(list, word)
	}
	return slices.ContainsFunc(w.rules, func(r admissionv1.RuleWithOperations) bool {
		return (slices.Contains(r.Operations, admissionv1.OperationAll) || slices.Contains(r.Operations, op)) &&
			holds(r.APIGroups, group) && (holds(r.Resources, resource) || slices.Contains(r.Resources, "*/*")) &&
			(r.Scope == nil || *r.Scope != admissionv1.ClusterScope)
	})
}

// ofControlPlane tells a webhook that answers beside the API server itself: whoever provides the cluster keeps it.
func (w webhook) ofControlPlane() bool {
	return w.client.URL != nil && (strings.HasPrefix(*w.client.URL, "https://localhost:") || strings.HasPrefix(*w.client.URL, "https://127.0.0.1:"))
}

// asksKubernetes tells whether a webhook is asked about any of Kubernetes' own kinds: their groups have no domain, or one
// of k8s.io.
func (w webhook) asksKubernetes() bool {
	return slices.ContainsFunc(w.rules, func(r admissionv1.RuleWithOperations) bool {
		return slices.ContainsFunc(r.APIGroups, func(group string) bool {
			return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && !strings.HasSuffix(group, ".x-k8s.io")
		})
	})
}

// nameLabel is put on every namespace by the API server.
const nameLabel = "kubernetes.io/metadata.name"

// reaches tells whether a webhook is asked about what is in a namespace; known is false where that hangs on labels
// that were not read.
func (w webhook) reaches(p *rule.Pass, namespace string) (yes, known bool) {
	if w.namespaces == nil {
		return true, true
	}
	selector, err := snapshot.SelectorOf(w.namespaces)
	if err != nil {
		return false, false
	}
	set := labels.Set{nameLabel: namespace}
	o, _ := p.Lookup(snapshot.NamespaceKind, "", namespace)
	if o != nil {
		for k, v := range o.Meta.GetLabels() {
			set[k] = v
		}
		return selector.Matches(set), true
	}
	requirements, _ := selector.Requirements()
	open := false
	for _, r := range requirements {
		switch {
		case r.Key() != nameLabel:
			open = true
		case !r.Matches(set):
			return false, true
		}
	}
	return !open, !open
}

// ready is how many endpoints of a Service take requests; known is false where they were not read.
func ready(p *rule.Pass, service *snapshot.Object) (n int, known bool) {
	n, known = p.ReadyEndpoints(service)
	return n, known && !p.Files
}

// short is the name of a webhook as far as it tells it from others.
func short(names []string) string {
	if len(names) > 2 {
		return strings.Join(names[:2], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}
