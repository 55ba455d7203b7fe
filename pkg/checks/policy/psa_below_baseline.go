package policy

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/pod-security-admission/api"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PSABelowBaseline finds namespaces that hold nobody to a Pod Security Standard, with workloads or without.
var PSABelowBaseline = rule.Check{
	ID: "psa-below-baseline", Title: "namespace that enforces less than baseline", Doc: rule.ReadDoc(docs, "psa_below_baseline.md"),
	Dimension: rule.Security, Severity: rule.Low, Off: true, On: rule.Kinds(snapshot.NamespaceKind),
	Applies: func(p *rule.Pass) bool {
		return !knowledge.SystemNamespace(p.Object.Name) && !provided(p.Object) && p.Object.Meta.GetDeletionTimestamp() == nil
	},
	Run: func(p *rule.Pass) {
		set, there := p.Object.Meta.GetLabels()[api.EnforceLevelLabel]
		level, err := api.ParseLevel(set)
		if there && err == nil && level != api.LevelPrivileged {
			return
		}
		f := rule.Finding{Field: label(api.EnforceLevelLabel), Value: set}
		switch {
		case !there:
			f.Certainty = rule.Likely // a default of the API server's own does not show
			f.Label, f.Message = "no standard is enforced", "no label says which Pod Security Standard to enforce: pods that take over the node are admitted"
		case err != nil:
			f.Label, f.Message = "privileged, baseline or restricted", fmt.Sprintf("enforce is %q, which is no Pod Security Standard", set)
		default:
			f.Label, f.Message = "allows everything", "enforces privileged, which allows everything: pods that take over the node are admitted"
		}
		p.Report(f).WithFix(toBaseline(p, f.Field))
	},
}

// toBaseline is the level to enforce, by what the workloads keep to already.
func toBaseline(p *rule.Pass, at *field.Path) rule.Fix {
	if unread(p, p.Object.Name, judged...) != "" {
		return rule.Fix{
			Title: "enforce baseline, once it is known whom that refuses", Applicability: rule.NeedsThought, YAML: psaYAML(string(api.LevelBaseline)),
			Caution: "its workloads could not all be read: what takes something of the node is refused from then on",
		}
	}
	l := levelsOf(p, p.Object.Name)
	fix := rule.Fix{
		Applicability: rule.NeedsThought,
		Caution:       "pods that are not seen here, of operators or for debugging, are refused from then on; with --dry-run=server the command says which of the running pods would be",
	}
	level := string(l.keeps())
	switch {
	case l.unfit != nil || len(l.baseline) > 0:
		level = string(api.LevelBaseline)
		fix.Title = "move what needs the node into a namespace of its own, then enforce baseline"
		if len(l.baseline) > 0 {
			fix.Caution = "baseline would refuse " + told(l.baseline)
		}
		fix.YAML = psaYAML(level)
		return fix
	case l.workloads == 0:
		fix.Title = "enforce restricted: nothing is in it yet"
	default:
		fix.Title = fmt.Sprintf("enforce %s, which refuses none of its workloads", level)
	}
	fix.YAML, fix.Patch = psaYAML(level), p.Put(at, level)
	if !p.Files {
		fix.Command = []string{"label", "--overwrite", "namespace", p.Object.Name, api.EnforceLevelLabel + "=" + level}
	}
	return fix
}

func psaYAML(level string) string {
	return "metadata:\n  labels:\n    " + api.EnforceLevelLabel + ": " + level + "\n"
}
