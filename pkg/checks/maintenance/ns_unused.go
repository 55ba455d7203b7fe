package maintenance

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// empty for so long: whoever made it has had time to put something in.
const emptyFor = 30 * 24 * time.Hour

// contents are the kinds of which a namespace that is used has at least one object.
var contents = []schema.GroupKind{
	snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind,
	snapshot.ServiceKind, snapshot.IngressKind, snapshot.PVCKind, snapshot.ConfigMapKind, snapshot.SecretKind,
}

// NSUnused finds namespaces with nothing in them.
var NSUnused = rule.Check{
	ID: "ns-unused", Title: "namespace with nothing in it", Doc: rule.ReadDoc(docs, "ns_unused.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, On: rule.Kinds(snapshot.NamespaceKind),
	Applies: func(p *rule.Pass) bool {
		created := p.Object.Meta.GetCreationTimestamp()
		return (!p.Files || p.Closed) && !ownNamespace(p.Object.Name) && p.Object.Meta.GetDeletionTimestamp() == nil && !created.IsZero() && p.Age(created.Time) >= emptyFor
	},
	Run: func(p *rule.Pass) {
		blind := ""
		for _, gk := range contents {
			for _, o := range p.List(gk, p.Object.Name) {
				if o.Name != "kube-root-ca.crt" && o.Name != "openshift-service-ca.crt" { // every namespace has those
					return
				}
			}
			if blind == "" && !p.ListRead(gk, p.Object.Name) {
				blind = gk.Kind + ": " + p.ListOutcome(gk, p.Object.Name).Reason
			}
		}
		if blind != "" {
			p.Unknown("%s", blind)
			return
		}
		age := rule.Human(p.Age(p.Object.Meta.GetCreationTimestamp().Time))
		p.Report(rule.Finding{
			NoField: "nothing is written wrong: nothing is there", Certainty: rule.Possible,
			Message: fmt.Sprintf("is %s old, and has no workload, Service, claim, ConfigMap or Secret; it may hold objects of kinds that were not read", age),
		}).WithFix(rule.Fix{
			Title: "delete it if nobody needs it; see first what it holds of other kinds", Applicability: rule.NeedsThought,
			Caution: "with a namespace goes everything in it, custom resources and rights included",
			Lines:   []string{rule.Kubectl(p.Context, p.Object.Name, "get", "rolebindings,networkpolicies,resourcequotas,serviceaccounts")},
		})
	},
	Peers: map[string][]string{"popeye": {"POP-400"}, "kubescape": {"list-all-namespaces"}},
}

// ownNamespace tells the namespaces that Kubernetes itself makes, and those that a provider makes and fills as it likes.
func ownNamespace(name string) bool {
	for _, start := range []string{"openshift", "gke-managed-", "gke-gmp-", "gmp-"} {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	return name == metav1.NamespaceDefault || knowledge.SystemNamespace(name)
}
