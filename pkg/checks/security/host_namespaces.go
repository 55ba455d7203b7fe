package security

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HostNamespaces finds pods that share the network, the processes or the memory of their node.
var HostNamespaces = rule.Check{
	ID: "host-namespaces", Title: "shares a namespace with the node", Doc: rule.ReadDoc(docs, "host_namespaces.md"),
	Dimension: rule.Security, Severity: rule.High, On: rule.Workloads, Applies: ofUser,
	Run: standard(hostNamespaces, "windowsHostProcess", "hostNamespaces"),
	Peers: map[string][]string{
		"polaris":     {"hostNetworkSet", "hostPIDSet", "hostIPCSet"},
		"kube-linter": {"host-network", "host-pid", "host-ipc"},
		"kubesec":     {"HostNetwork", "HostPID", "HostIPC"},
		"kubescape":   {"host-network-access", "host-pid-ipc-privileges", "host-pid-privileges", "host-ipc-privileges"},
	},
}

func hostNamespaces(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var found []rule.Finding
	process := !judge(t, "windowsHostProcess").Allowed
	for _, n := range []struct {
		field            string
		set              bool
		message, caution string
	}{
		{"hostNetwork", t.Spec.HostNetwork,
			"hostNetwork is true: it reaches what listens on the node itself, and network policies do not hold for it",
			"clients that come by the node's address need a Service or an Ingress instead"},
		{"hostPID", t.Spec.HostPID,
			"hostPID is true: it sees every process of the node, and as root reads their memory and environment",
			"a program that watches or debugs other processes stops seeing them"},
		{"hostIPC", t.Spec.HostIPC,
			"hostIPC is true: it shares memory with the node's processes and with every pod that does the same",
			"programs that talk through shared memory must then run in one pod"},
	} {
		if !n.set || process && n.field == "hostNetwork" { // the API demands it beside hostProcess, which host-process tells
			continue
		}
		field := t.SpecPath().Child(n.field)
		caution := n.caution
		if n.field == "hostNetwork" && t.Spec.DNSPolicy == corev1.DNSClusterFirstWithHostNet {
			caution += "; dnsPolicy ClusterFirstWithHostNet may go with it"
		}
		severity := rule.High
		if !slices.ContainsFunc(containers(t), func(c snapshot.Container) bool { return !powerlessUser(t, c) }) {
			severity = rule.Medium // what root of the node has it only sees
		}
		found = append(found, rule.Finding{
			Field: field, Value: "true", Message: n.message, Severity: severity,
			Fix: harden(p, "set "+n.field+": false", caution, p.Put(field, false), rule.Nest("false", n.field)),
		})
	}
	return found
}
