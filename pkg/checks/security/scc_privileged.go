package security

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SCCPrivileged finds constraints of OpenShift under which pods are root on their node.
var SCCPrivileged = rule.Check{
	ID: "scc-privileged", Title: "SecurityContextConstraints allow privileged pods", Doc: rule.ReadDoc(docs, "scc_privileged.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Kinds(snapshot.SCCKind),
	Run: func(p *rule.Pass) {
		if allowed, _ := p.Object.Content["allowPrivilegedContainer"].(bool); !allowed {
			return
		}
		groups := texts(p.Object.Content["groups"])
		path := field.NewPath("groups")
		for i, g := range groups {
			if !everybody(g) {
				continue
			}
			rest := slices.DeleteFunc(slices.Clone(groups), everybody)
			patch := p.Put(path, rule.Plain(rest))
			p.Report(rule.Finding{
				Field: path.Index(i), Value: g, Severity: rule.Critical, Label: "whoever belongs to it may have privileged pods",
				Message: fmt.Sprintf("allows privileged containers to %s: each of them may be root on the nodes", g),
			}).WithFix(rule.Fix{
				Title: "take the group out, and grant the constraints to single service accounts, by a RoleBinding", Applicability: rule.NeedsThought,
				Caution: "pods that were admitted by it are refused when they are made anew: find out which, by their annotation openshift.io/scc",
				Patch:   patch, Command: p.Live(patch),
			})
			return
		}
		if slices.Contains(ownConstraints, p.Object.Name) {
			return
		}
		at := field.NewPath("allowPrivilegedContainer")
		p.Report(rule.Finding{
			Field: at, Value: "true", Message: "allows privileged containers to whoever is granted it: their pods are root on the nodes",
			Fix: harden(p, "set allowPrivilegedContainer: false, and allow by name what the pods need",
				"pods that ask for privileged: true are refused when they are made anew; drivers and network plugins may need it",
				p.Put(at, false), rule.Nest("false", "allowPrivilegedContainer")),
		})
	},
	Peers: map[string][]string{
		"kube-linter": {"scc-deny-privileged-container"},
	},
}

// ownConstraints are those that OpenShift brings and puts back when they are changed. Source: its
// documentation of security context constraints.
var ownConstraints = []string{"privileged", "node-exporter", "machine-api-termination-handler"}

// everybody tells the groups that are given to whoever the API server knows, people or pods.
func everybody(group string) bool {
	switch group {
	case "system:authenticated", "system:authenticated:oauth", "system:unauthenticated", "system:serviceaccounts":
		return true
	}
	return false
}

func texts(v any) []string {
	list, _ := v.([]any)
	var words []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			words = append(words, s)
		}
	}
	return words
}
