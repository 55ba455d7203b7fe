package access

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ConfigMapUnused finds ConfigMaps that nothing names.
var ConfigMapUnused = rule.Check{
	ID: "configmap-unused", Title: "ConfigMap that nothing uses", Doc: rule.ReadDoc(docs, "configmap_unused.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, On: rule.Kinds(snapshot.ConfigMapKind), Needs: users, Applies: mayBeUnused,
	Run:   func(p *rule.Pass) { judgeUse(p, "configmaps") },
	Peers: map[string][]string{"popeye": {"POP-400", "POP-401"}, "clusterlint": {"unused-config-map"}},
}

// SecretUnused finds Secrets that nothing names.
var SecretUnused = rule.Check{
	ID: "secret-unused", Title: "Secret that nothing uses", Doc: rule.ReadDoc(docs, "secret_unused.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Kinds(snapshot.SecretKind), Needs: users, Applies: mayBeUnused,
	Run:   func(p *rule.Pass) { judgeUse(p, "secrets") },
	Peers: map[string][]string{"popeye": {"POP-400", "POP-401"}, "clusterlint": {"unused-secret"}},
}

// wellKnown are ConfigMaps that something puts into every namespace, or reads by its name.
// Sources: Kubernetes, OpenShift, Istio and Linkerd, each for its own.
var wellKnown = []string{
	"kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert", "istio-ca-crl", "linkerd-identity-trust-roots",
}

// mayBeUnused tells whether one may say of the object of a Pass that nothing uses it.
func mayBeUnused(p *rule.Pass) bool {
	o := p.Object
	if p.Files && !p.Closed || knowledge.SystemNamespace(o.Namespace) || slices.Contains(wellKnown, o.Name) {
		return false
	}
	if s, ok := o.Typed.(*corev1.Secret); ok {
		switch {
		case s.Type == corev1.SecretTypeServiceAccountToken, s.Type == corev1.SecretTypeBootstrapToken, s.Annotations[corev1.ServiceAccountNameKey] != "":
			return false
		case strings.HasPrefix(o.Name, "sh.helm.release.v1."): // what helm remembers
			return false
		}
	}
	return true
}

func judgeUse(p *rule.Pass, resource string) {
	if used(p.Snapshot).uses(p.Object) || kept(p.Object) || young(p) || readOverAPI(p, resource) {
		return
	}
	f := rule.Finding{
		Field: field.NewPath("metadata", "name"), Value: p.Object.Name, Label: "nothing names it", Certainty: certainly(p),
		Message: "no pod, template or other object names it",
	}
	if !p.Files { // an operator may be told its name by an object of a kind that was not read
		f.Severity = rule.Info
		f.Message += "; kinds that were not read may"
	}
	p.Report(f).WithFix(rule.Fix{
		Title: "delete it, or name it where it is meant to be used", Applicability: rule.NeedsThought,
		Caution: "a program that reads it over the API, or a manifest that is applied later, names it nowhere",
	})
}
