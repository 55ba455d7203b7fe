package policy

import (
	"fmt"

	"k8s.io/pod-security-admission/api"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PSAPrivileged finds namespaces whose standard allows more than anything in them needs.
var PSAPrivileged = rule.Check{
	ID: "psa-privileged", Title: "namespace with a weaker standard than it needs", Doc: rule.ReadDoc(docs, "psa_privileged.md"),
	Dimension: rule.Policy, Severity: rule.Info, On: rule.Kinds(snapshot.NamespaceKind),
	Applies: func(p *rule.Pass) bool {
		name := p.Object.Name
		return !knowledge.SystemNamespace(name) && !provided(p.Object) && p.Object.Meta.GetLabels()[api.EnforceLevelLabel] == string(api.LevelPrivileged) &&
			(len(p.Workloads(name)) > 0 || unread(p, name, judged...) != "")
	},
	Run: func(p *rule.Pass) {
		if reason := unread(p, p.Object.Name, judged...); reason != "" {
			p.Unknown("%s", reason)
			return
		}
		l := levelsOf(p, p.Object.Name)
		f := rule.Finding{Field: label(api.EnforceLevelLabel), Value: string(api.LevelPrivileged)}
		labels := p.Object.Meta.GetLabels()
		switch {
		case l.unfit != nil:
			return
		case l.keeps() != api.LevelPrivileged:
			f.Severity = rule.Low
			f.Message = fmt.Sprintf("allows everything, and nothing in it needs that: its workloads keep to %s", l.keeps())
		case labels[api.WarnLevelLabel] == "" && labels[api.AuditLevelLabel] == "" && len(l.baseline) < l.workloads:
			f.Message = fmt.Sprintf("allows everything, without a warning or a record of who uses it; of %d workloads only %s needs it", l.workloads, told(l.baseline))
		default:
			return
		}
		p.Report(f).WithFix(enforce(p, l))
	},
}
