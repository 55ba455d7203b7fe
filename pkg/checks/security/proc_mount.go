package security

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ProcMount finds containers that see all of /proc.
var ProcMount = rule.Check{
	ID: "proc-mount", Title: "sees all of /proc", Doc: rule.ReadDoc(docs, "proc_mount.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Workloads, Applies: ofUser,
	Run: standard(procMount, "", "procMount_restricted"),
	Peers: map[string][]string{
		"polaris":     {"procMount"},
		"kube-linter": {"unsafe-proc-mount"},
		"kubescape":   {"set-procmount-default"},
	},
}

func procMount(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var found []rule.Finding
	for _, c := range containers(t) {
		if c.SecurityContext == nil || c.SecurityContext.ProcMount == nil || *c.SecurityContext.ProcMount == corev1.DefaultProcMount {
			continue
		}
		field := c.Path.Child("securityContext", "procMount")
		f := inContainer(p, c, field)
		f.Value, f.Label = string(*c.SecurityContext.ProcMount), "nothing of /proc is hidden or read-only"
		f.Message = fmt.Sprintf("%s has procMount %s without a user namespace: root in it changes settings of the node's kernel, and Kubernetes refuses such pods by now", named(one(c)), f.Value)
		caution := "what starts containers inside of this one needs its own /proc: give the pod hostUsers: false instead, which keeps its root apart from the node's"
		if ownUsers(t) {
			f.Severity = rule.Info
			f.Message = fmt.Sprintf("%s has procMount %s, in a user namespace: the baseline standard allows that, the restricted one does not", named(one(c)), f.Value)
			caution = "what starts containers inside of this one needs its own /proc, and with hostUsers: false may well have it"
		}
		found = append(found, withFix(f, c, harden(p, "take procMount out", caution, p.Drop(field), "")))
	}
	return found
}
