package access

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SATokenAutomount finds pods that carry a token which they have no rights to use for.
var SATokenAutomount = rule.Check{
	ID: "sa-token-automount", Title: "carries a token that it has no use for", Doc: rule.ReadDoc(docs, "sa_token_automount.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Workloads,
	Needs:   []schema.GroupKind{snapshot.RoleBindingKind, snapshot.ClusterRoleBindingKind},
	Applies: func(p *rule.Pass) bool { return p.Files || !knowledge.SystemNamespace(p.Object.Namespace) },
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			a := account{p.Object.Namespace, accountOf(t)}
			mounted, known := automount(p, t)
			if !mounted || logsIn(t) {
				continue
			}
			w := rbac(p.Snapshot)
			if len(w.of(a)) > 0 || a.name != "default" && nowhere(p.Object) && len(w.anywhere(a.name)) > 0 {
				if a.name == "default" { // whoever gave it rights gave them to every pod
					p.SaidBy("sa-default-bound")
				}
				continue
			}
			at := t.SpecPath().Child("automountServiceAccountToken")
			// The default one every namespace has, and hardly anybody writes it down. Of others that were not read
			// nobody knows what they say; of those that are missing env-ref-missing speaks.
			if !known && (a.name != "default" || !p.Files) {
				p.Absent(t.SpecPath().Child("serviceAccountName"), snapshot.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: a.namespace, Name: a.name})
				continue
			}
			f := rule.Finding{
				Field: at, Label: "the default mounts it", Certainty: rule.Likely,
				Message: fmt.Sprintf("its containers get the token of serviceaccount %q, which no binding gives a right to", a.name),
			}
			if t.Spec.AutomountServiceAccountToken != nil {
				f.Value, f.Label = "true", "mounts it"
			}
			fix := rule.Fix{
				Title: "set automountServiceAccountToken: false", Applicability: rule.NeedsThought,
				Caution: "a program that calls the Kubernetes API, or shows the token to log in somewhere else, needs it", Patch: p.Put(at, false),
			}
			if p.Object.Pod() == nil { // of a pod that is there nobody can change it
				fix.Command = p.Live(fix.Patch)
			}
			p.Report(f).WithFix(fix)
		}
	},
	Peers: map[string][]string{
		"polaris": {"automountServiceAccountToken"}, "popeye": {"POP-301", "POP-303"}, "kubesec": {"AutomountServiceAccountToken"},
		"kubescape": {"automount-service-account", "serviceaccount-token-mount"},
	},
}

// automount tells whether the pods of a template get the token of their ServiceAccount: the pod decides, then
// the ServiceAccount, and by default they do. known is false where the ServiceAccount would have to say and is
// not in the snapshot.
func automount(p *rule.Pass, t snapshot.Template) (mounted, known bool) {
	if own := t.Spec.AutomountServiceAccountToken; own != nil {
		return *own, true
	}
	o, _ := p.Lookup(snapshot.ServiceAcctKind, p.Object.Namespace, accountOf(t))
	if o == nil {
		return true, false
	}
	if sa, ok := o.Typed.(*corev1.ServiceAccount); ok && sa.AutomountServiceAccountToken != nil {
		return *sa.AutomountServiceAccountToken, true
	}
	return true, true
}

// logsIn tells whether something that is put into the pods shows the token elsewhere.
// Source: the annotation of Vault's agent injector, which logs in with it.
func logsIn(t snapshot.Template) bool {
	return t.Annotations["vault.hashicorp.com/agent-inject"] == "true"
}

// nowhere tells an object whose manifest leaves its namespace to whoever applies it.
func nowhere(o *snapshot.Object) bool { return o.Origin != nil && !o.Placed }
