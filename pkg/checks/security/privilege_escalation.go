package security

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PrivilegeEscalation finds containers whose processes may gain more rights than they started with.
var PrivilegeEscalation = rule.Check{
	ID: "privilege-escalation", Title: "privilege escalation is allowed", Doc: rule.ReadDoc(docs, "privilege_escalation.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Workloads, Applies: ofUser,
	Run: standard(privilegeEscalation, "", "allowPrivilegeEscalation"),
	Peers: map[string][]string{
		"polaris":     {"privilegeEscalationAllowed"},
		"kube-linter": {"privilege-escalation-container"},
		"kubesec":     {"AllowPrivilegeEscalation"},
		"kubescape":   {"rule-allow-privilege-escalation"},
	},
}

func privilegeEscalation(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var found []rule.Finding
	for _, c := range confinable(t) {
		own := c.SecurityContext
		set := own != nil && own.AllowPrivilegeEscalation != nil
		if set && !*own.AllowPrivilegeEscalation {
			continue
		}
		field := c.Path.Child("securityContext", "allowPrivilegeEscalation")
		f := inContainer(p, c, field)
		f.Message = named(one(c)) + " may gain rights: allowPrivilegeEscalation is not set, and true by default"
		if set {
			f.Value, f.Message = "true", named(one(c))+" may gain rights: allowPrivilegeEscalation is true"
		}
		if c.Init { // done before anybody can reach it
			f.Severity = rule.Low
		}
		f.Label = "setuid programs and file capabilities work"
		switch {
		case c.Ephemeral:
			f.Fix = ephemeralFix()
		case p.Mends():
			f.Fix = harden(p, "set allowPrivilegeEscalation: false",
				"sudo, su, ping and other setuid programs stop working in the container; most services use none",
				p.Put(field, false),
				rule.Nest("false", "securityContext", "allowPrivilegeEscalation"))
		}
		found = append(found, f)
	}
	return found
}
