package controllers

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NsTerminating finds namespaces that are being deleted and cannot be.
var NsTerminating = rule.Cause{
	ID: "ns-terminating", Title: "the namespace cannot be deleted", Doc: rule.ReadDoc(docs, "ns_terminating.md"),
	Peers: map[string][]string{"popeye": {"POP-800"}},
	Stage: rule.StageStuckDeletion, On: rule.Kinds(snapshot.NamespaceKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if _, list := remains(p); list[corev1.NamespaceDeletionDiscoveryFailure] != nil {
			return []snapshot.Want{snapshot.WantList(snapshot.APIServiceKind, "", "")}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		ns, list := remains(p)
		if ns == nil || len(list) == 0 || p.Age(ns.DeletionTimestamp.Time) < 30*time.Second { // its pods have their grace period
			return
		}
		f := rule.Finding{Certainty: rule.Certain, NoField: "what keeps it is in the objects inside, or in an API"}
		since := rule.Human(p.Age(ns.DeletionTimestamp.Time))
		evidence := func(kind corev1.NamespaceConditionType) {
			if c := list[kind]; c != nil {
				f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: fmt.Sprintf("status.conditions[%s]", kind), Time: c.LastTransitionTime.Time, Text: c.Reason + ": " + strings.Join(strings.Fields(c.Message), " ")})
			}
		}
		see := "kubectl api-resources --verbs=list --namespaced -o name | xargs -n 1 kubectl get -n " + rule.ShellQuote(p.Object.Name) + " --ignore-not-found -o name"
		switch c := list[corev1.NamespaceDeletionDiscoveryFailure]; {
		case c != nil:
			evidence(corev1.NamespaceDeletionDiscoveryFailure)
			f.Message = fmt.Sprintf("being deleted for %s: an API of the cluster does not answer, so nobody can tell what is left in it: %s", since, rule.Quote(c.Message))
			f.Fix = &rule.Fix{
				Title:         "bring up what serves that API, or delete its APIService where it was uninstalled",
				Caution:       "an APIService that is in use again would be missing: metrics, custom metrics",
				Applicability: rule.NeedsThought,
				Lines:         []string{rule.Kubectl(p.Context, "", "get", "apiservice")},
			}
			if dead := deadAPI(p); dead != nil {
				f.Object, f.Field, f.NoField = dead.Ref, field.NewPath("spec", "service"), ""
				f.Label = "this does not answer"
				f.Message = fmt.Sprintf("being deleted for %s: %s does not answer, so nobody can tell what is left in it", since, dead.String())
				f.Fix.Command = []string{"delete", dead.String()}
			}
		case list[corev1.NamespaceFinalizersRemaining] != nil:
			evidence(corev1.NamespaceFinalizersRemaining)
			evidence(corev1.NamespaceContentRemaining)
			f.Message = fmt.Sprintf("being deleted for %s: it still holds objects whose finalizer nobody removes: %s", since, finalizersIn(list[corev1.NamespaceFinalizersRemaining].Message))
			f.Fix = &rule.Fix{
				Title:         "bring back the controller that the finalizer belongs to; where it is gone for good, remove the finalizer from those objects",
				Caution:       "a finalizer stands for work that is still to be done, such as deleting a cloud disk: without it that is left undone",
				Applicability: rule.NeedsThought,
				Lines:         []string{see},
			}
		case list[corev1.NamespaceDeletionContentFailure] != nil:
			evidence(corev1.NamespaceDeletionContentFailure)
			f.Message = fmt.Sprintf("being deleted for %s: something in it cannot be deleted: %s", since, rule.Quote(list[corev1.NamespaceDeletionContentFailure].Message))
			f.Fix = &rule.Fix{Title: "see what refuses the deletion: an admission webhook, an API that does not answer", Applicability: rule.NeedsThought, Lines: []string{see}}
		default:
			evidence(corev1.NamespaceContentRemaining)
			f.Certainty = rule.Likely
			f.Message = fmt.Sprintf("being deleted for %s: %s", since, rule.Quote(list[corev1.NamespaceContentRemaining].Message))
			f.Fix = &rule.Fix{Title: "see what is left in it, and why: pods have their grace period, volumes wait for pods", Applicability: rule.NeedsThought, Lines: []string{see}}
		}
		p.Report(f)
	},
}

// remains are the conditions of a namespace that say why it is still there; nil where it is not being
// deleted.
func remains(p *rule.Pass) (*corev1.Namespace, map[corev1.NamespaceConditionType]*corev1.NamespaceCondition) {
	ns, ok := p.Object.Typed.(*corev1.Namespace)
	if !ok || ns.DeletionTimestamp == nil {
		return nil, nil
	}
	list := map[corev1.NamespaceConditionType]*corev1.NamespaceCondition{}
	for i, c := range ns.Status.Conditions {
		switch c.Type {
		case corev1.NamespaceDeletionDiscoveryFailure, corev1.NamespaceDeletionGVParsingFailure, corev1.NamespaceDeletionContentFailure, corev1.NamespaceContentRemaining, corev1.NamespaceFinalizersRemaining:
			if c.Status == corev1.ConditionTrue {
				list[c.Type] = &ns.Status.Conditions[i]
			}
		}
	}
	return ns, list
}

// Source: kubernetes pkg/controller/namespace/deletion/status_condition_utils.go.
var finalizerCount = knowledge.Regexp(`([^\s:,]+) in (\d+) resource instances`)

// finalizersIn words "example.com/archive in 1 resource instances".
func finalizersIn(message string) string {
	var list []string
	for _, m := range finalizerCount.FindAllStringSubmatch(message, 5) {
		list = append(list, fmt.Sprintf("%s (%s)", clip(m[1]), objects(m[2])))
	}
	if len(list) == 0 {
		return rule.Quote(message)
	}
	return strings.Join(list, ", ")
}

// deadAPI is the only APIService that is not available; nil where there is none, or more than one.
func deadAPI(p *rule.Pass) *snapshot.Object {
	var dead *snapshot.Object
	for _, o := range p.List(snapshot.APIServiceKind, "") {
		if rule.StatusFalse(o, "Available") {
			if dead != nil {
				return nil
			}
			dead = o
		}
	}
	return dead
}

func objects(n string) string {
	if n == "1" {
		return "1 object"
	}
	return n + " objects"
}
