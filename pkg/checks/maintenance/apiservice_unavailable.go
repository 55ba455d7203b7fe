package maintenance

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// flap is how long an API may be gone before that counts: its pods are being replaced.
const flap = 2 * time.Minute

// APIServiceUnavailable finds APIs of the cluster that nobody serves.
var APIServiceUnavailable = rule.Check{
	ID: "apiservice-unavailable", Title: "an API of the cluster that nobody serves", Doc: rule.ReadDoc(docs, "apiservice_unavailable.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: rule.Kinds(snapshot.APIServiceKind),
	Applies: func(p *rule.Pass) bool { return rule.ConditionOf(p.Object, "Available") != nil },
	Run: func(p *rule.Pass) {
		c := rule.ConditionOf(p.Object, "Available")
		since := c.LastTransitionTime.Time
		if c.Status != metav1.ConditionFalse || !since.IsZero() && p.Age(since) < flap {
			return
		}
		at := field.NewPath("spec", "service", "name")
		name, _ := p.Object.At("spec", "service", "name")
		namespace, _ := p.Object.At("spec", "service", "namespace")
		service, _ := name.(string)
		f := rule.Finding{Field: at, Value: service, Label: c.Reason}
		f.Message = fmt.Sprintf("nobody serves %s", p.Object.Name)
		if !since.IsZero() {
			f.Message += " since " + rule.Human(p.Age(since))
		}
		if c.Message != "" {
			f.Message += ", " + rule.Quote(c.Message)
		}
		f.Message += ": no namespace can be deleted to its end meanwhile"
		if group, _ := p.Object.At("spec", "group"); group == "metrics.k8s.io" {
			f.Message += ", autoscalers see no CPU and memory, and kubectl top is blind"
		}
		f.Evidence = []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions", Time: since, Text: c.Reason + ": " + rule.Quote(c.Message)}}
		fix := rule.Fix{
			Title: "bring up the pods behind its Service, or delete the APIService if what it belonged to is gone", Applicability: rule.NeedsThought,
			Caution: "with the APIService go its kinds: make sure that nobody uses them",
		}
		if in, ok := namespace.(string); ok && service != "" && !p.Files {
			fix.Lines = []string{p.Explain(snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: in, Name: service})}
		}
		p.Report(f).WithFix(fix)
	},
}
