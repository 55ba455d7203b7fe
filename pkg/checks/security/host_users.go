package security

import (
	"slices"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HostUsers finds pods whose users are users of the node.
var HostUsers = rule.Check{
	ID: "host-users", Title: "root in the pod is root on the node", Doc: rule.ReadDoc(docs, "host_users.md"),
	Dimension: rule.Security, Severity: rule.Low, Off: true, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil || onWindows(t) || ownUsers(t) || bound(t) {
				continue
			}
			path := t.SpecPath().Child("hostUsers")
			f := rule.Finding{Field: path, Message: "no user namespace: hostUsers is not set, so a user of the pod is the same user on the node"}
			if t.Spec.HostUsers != nil {
				f.Value, f.Message = "true", "no user namespace: hostUsers is true, so a user of the pod is the same user on the node"
			}
			f.Fix = harden(p, "set hostUsers: false",
				"needs Kubernetes 1.33, a runtime, a kernel and file systems that know user namespaces: elsewhere the pod does not start, or starts without one",
				p.Put(path, false), rule.Nest("false", "hostUsers"))
			p.Report(f)
		}
	},
	Peers: map[string][]string{
		"kubesec": {"HostUsers"},
	},
}

// bound tells a template that the API takes with no user namespace: what it shares with the node, and
// privileged containers and raw devices, would not work in one.
func bound(t snapshot.Template) bool {
	return t.Spec.HostNetwork || t.Spec.HostPID || t.Spec.HostIPC ||
		slices.ContainsFunc(containers(t), func(c snapshot.Container) bool { return isPrivileged(c) || len(c.VolumeDevices) > 0 })
}
