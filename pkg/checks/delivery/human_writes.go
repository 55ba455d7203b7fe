package delivery

import (
	"fmt"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HumanWrites finds objects that people wrote to of late, whoever keeps them.
var HumanWrites = rule.Check{
	ID: "human-writes", Title: "somebody wrote to it by hand of late", Doc: rule.ReadDoc(docs, "human_writes.md"),
	Dimension: rule.Delivery, Severity: rule.Low, Off: true, On: writtenByPeople,
	Numbers: map[string]rule.Number{"days": {Value: 30, Least: 1, Most: 3650}},
	Applies: func(p *rule.Pass) bool { return len(p.Object.Managers) > 0 && !madeByKubernetes(p.Object) },
	Run: func(p *rule.Pass) {
		o := p.Object
		late := time.Duration(p.Number("days")) * 24 * time.Hour
		var last *snapshot.FieldManager
		var fields []string
		for i := range o.Managers {
			m := &o.Managers[i]
			if m.Time.IsZero() || p.Age(m.Time) > late || !knowledge.ByHand(m.Name, m.Applied) || last != nil && !m.Time.After(last.Time) {
				continue
			}
			if list := written(m, func(string) bool { return false }); len(list) > 0 {
				last, fields = m, list
			}
		}
		if last == nil {
			return
		}
		f := rule.Finding{
			Field: rule.FieldPath(fields[0]), Label: "written by hand", Evidence: wrote(o, last),
			Message: fmt.Sprintf("%s wrote %s%s, %s ago", knowledge.Hand(last.Name), someOf(fields), on(last), rule.Human(p.Age(last.Time))),
		}
		fix := rule.Fix{
			Title: "let a pipeline or a GitOps tool make such changes, and take the right to write from people", Applicability: rule.NeedsThought,
			Caution: "keep a way in for the hour in which the tool itself is down, and see who used it",
		}
		if !p.Files {
			fix.Command = []string{"get", o.String(), "-o", "yaml", "--show-managed-fields"}
		}
		p.Report(f).WithFix(fix)
	},
}

// madeByKubernetes tells objects that every cluster, or every namespace, has from the start.
func madeByKubernetes(o *snapshot.Object) bool {
	switch o.GroupKind() {
	case snapshot.ConfigMapKind:
		return o.Name == "kube-root-ca.crt" || o.Name == "openshift-service-ca.crt"
	case snapshot.ServiceKind:
		return o.Name == "kubernetes" && o.Namespace == "default"
	}
	return false
}
