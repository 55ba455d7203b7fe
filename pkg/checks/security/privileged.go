package security

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Privileged finds containers that are root on the node.
var Privileged = rule.Check{
	ID: "privileged", Title: "privileged container", Doc: rule.ReadDoc(docs, "privileged.md"),
	Dimension: rule.Security, Severity: rule.Critical, On: rule.Workloads, Applies: ofUser,
	Run: standard(privileged, "", "privileged"),
	Peers: map[string][]string{
		"polaris":     {"runAsPrivileged"},
		"kube-score":  {"container-security-context-privileged"},
		"kube-linter": {"privileged-container"},
		"kubesec":     {"Privileged"},
		"clusterlint": {"privileged-containers"},
		"kubescape":   {"rule-privileged-container"},
	},
}

func privileged(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var found []rule.Finding
	for _, c := range containers(t) {
		if !isPrivileged(c) {
			continue
		}
		field := c.Path.Child("securityContext", "privileged")
		f := inContainer(p, c, field)
		f.Value, f.Message = "true", named(one(c))+" is privileged: whoever gets into it is root on its node"
		if c.Init { // done before anybody can reach it
			f.Severity = rule.High
		}
		f.Label = "all capabilities, all devices, no seccomp or AppArmor"
		f = withFix(f, c, harden(p, "take the privilege away, and add by name what the program needs of it",
			"a program that mounts, loads modules or opens devices stops working: find out which capability, device plugin or volume it needs",
			p.Put(field, false), rule.Nest("false", "securityContext", "privileged")))
		found = append(found, f)
	}
	return found
}

func isPrivileged(c snapshot.Container) bool {
	return c.SecurityContext != nil && c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged
}
