package access

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// RBACWildcard finds rules that allow what nobody has thought of.
var RBACWildcard = rule.Check{
	ID: "rbac-wildcard", Title: "a rule with *", Doc: rule.ReadDoc(docs, "rbac_wildcard.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rolesAndBindings,
	Applies: func(p *rule.Pass) bool {
		h, ok := holdsAny(p)
		return unread(p) != "" || ok && (h.binding == nil || !h.role.full()) // of a binding that gives everything rbac-cluster-admin speaks
	},
	Run: func(p *rule.Pass) {
		h, ok := holdsAny(p)
		if saidUnread(p) || !ok {
			return
		}
		var worst *wild
		var others []rule.Mark
		for _, g := range h.role.rules {
			w := wildness(g, h)
			if w == nil {
				continue
			}
			if worst == nil || w.severity.Rank() < worst.severity.Rank() {
				w, worst = worst, w
			}
			if w != nil && w.in == worst.in {
				others = append(others, rule.Mark{Field: w.path, Label: "and this"})
			}
		}
		if worst == nil {
			return
		}
		f := rule.Finding{
			Object: worst.in.Ref, Seen: p.Object.Ref, Field: worst.path, Value: "*", Severity: worst.severity, Marks: others,
			Message: h.says(worst.what), Label: worst.label,
		}
		if n := len(others); n > 0 {
			f.Message += fmt.Sprintf(" (%s with * besides)", rule.Count(n, "rule"))
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "name what it needs instead of *", Applicability: rule.NeedsThought,
			Caution: "what is left out is refused from then on: the audit log of the cluster tells what is asked for",
		})
	},
	Peers: map[string][]string{"kube-linter": {"wildcard-in-rules"}},
}

// wild is a rule with a wildcard, and what comes of it.
type wild struct {
	given
	path        *field.Path
	what, label string
	severity    rule.Severity
}

// wildness is nil for a rule without a wildcard, and for one whose wildcard means little.
func wildness(g given, h hold) *wild {
	if len(g.ResourceNames) > 0 || len(g.Resources) == 0 {
		return nil
	}
	every := slices.Index(g.Resources, rbacv1.ResourceAll)
	verb := slices.Index(g.Verbs, rbacv1.VerbAll)
	w := &wild{given: g}
	do := list(g.Verbs)
	if verb >= 0 {
		do = "do anything with"
	}
	changes := g.may(writes...)
	switch {
	case every >= 0 && g.group(""):
		w.path, w.label = g.at.Child("resources").Index(every), "Secrets and pods/exec are among them"
		in := "of the core API group"
		if slices.Contains(g.APIGroups, rbacv1.APIGroupAll) {
			in = "of every API group"
		}
		w.what = fmt.Sprintf("%s every resource %s %s, Secrets too", do, in, h.place())
		w.severity = h.severity(cost{rule.Medium, rule.Low, rule.Low, rule.Info})
		if changes {
			w.severity = h.severity(cost{rule.High, rule.Medium, rule.Low, rule.Info})
		}
	case every >= 0 && slices.Equal(g.APIGroups, []string{rbacGroup}): // rbac-escalate speaks of it
		return nil
	case every >= 0:
		w.path, w.label = g.at.Child("resources").Index(every), "those of later versions too"
		w.what = fmt.Sprintf("%s every resource of %s %s", do, list(g.APIGroups), h.place())
		w.severity = h.severity(cost{rule.Info, rule.Info, "", ""})
		if changes && slices.ContainsFunc(g.APIGroups, kubernetesOwn) {
			w.severity = h.severity(cost{rule.Low, rule.Low, rule.Info, ""})
		}
	case verb >= 0:
		w.path, w.label = g.at.Child("verbs").Index(verb), "deletecollection, and verbs to come, too"
		w.what = fmt.Sprintf("do anything with %s %s", list(g.Resources), h.place())
		w.severity = h.severity(cost{rule.Info, rule.Info, "", ""})
	default:
		return nil
	}
	if w.severity == "" {
		return nil
	}
	return w
}

// kubernetesOwn tells the API groups of Kubernetes itself in which there is something to change: metrics are only read.
func kubernetesOwn(group string) bool {
	if group == "metrics.k8s.io" || strings.HasSuffix(group, ".metrics.k8s.io") {
		return false
	}
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && !strings.HasPrefix(group, "x-")
}
