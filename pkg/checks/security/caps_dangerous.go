package security

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CapsDangerous finds containers with capabilities that reach beyond the container.
var CapsDangerous = rule.Check{
	ID: "caps-dangerous", Title: "adds a dangerous capability", Doc: rule.ReadDoc(docs, "caps_dangerous.md"),
	Dimension: rule.Security, Severity: rule.High, On: rule.Workloads, Applies: ofUser,
	Run: standard(capsDangerous, "", "capabilities_baseline"),
	Peers: map[string][]string{
		"polaris":   {"dangerousCapabilities"},
		"kubesec":   {"CapSysAdmin"},
		"kubescape": {"insecure-capabilities"},
	},
}

// capabilityUse says what the capabilities that are asked for most give away. Source: capabilities(7).
var capabilityUse = map[corev1.Capability]string{
	"ALL":             "all rights of root",
	"SYS_ADMIN":       "mounts and namespaces, in effect root on the node",
	"SYS_MODULE":      "loads kernel modules: root on the node",
	"SYS_PTRACE":      "reads the memory of other processes",
	"SYS_RAWIO":       "reads and writes devices directly",
	"SYS_BOOT":        "restarts the node",
	"SYS_TIME":        "sets the node's clock",
	"SYS_RESOURCE":    "lifts its own limits",
	"SYS_NICE":        "takes CPU time from others",
	"NET_ADMIN":       "changes addresses, routes and packet filters",
	"NET_RAW":         "forges packets in its network",
	"DAC_READ_SEARCH": "reads every file, on the node too",
	"BPF":             "loads programs into the kernel",
	"PERFMON":         "watches other processes",
	"IPC_LOCK":        "locks memory that the node then cannot reclaim",
	"SYSLOG":          "reads the kernel's log",
}

func capsDangerous(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var found []rule.Finding
	for _, c := range confinable(t) {
		added := addedCaps(c)
		bad := beyondBaseline(t, c)
		if len(bad) == 0 {
			continue
		}
		field := c.Path.Child("securityContext", "capabilities", "add")
		worst := bad[0]
		for _, i := range bad[1:] {
			by := reach(t, added[i]).Rank() - reach(t, added[worst]).Rank()
			if by < 0 || by == 0 && slices.Contains(ofNode, added[i]) && !slices.Contains(ofNode, added[worst]) {
				worst = i
			}
		}
		f := inContainer(p, c, field.Index(worst))
		f.Value, f.Severity = string(added[worst]), reach(t, added[worst])
		for _, i := range bad {
			if i != worst {
				f.Marks = append(f.Marks, rule.Mark{Field: field.Index(i), Label: capabilityUse[added[i]]})
			}
		}
		f.Label = capabilityUse[added[worst]]
		adds := named(one(c)) + " adds " + list(added, bad)
		f.Message = adds + ", beyond what a container needs"
		if strings.HasPrefix(f.Value, "CAP_") {
			f.Message = adds + ", by a name that runtimes may not know: it is written without CAP_"
		}
		if f.Label != "" {
			f.Message = adds + ": " + f.Label
			if len(bad) > 1 {
				f.Message = adds + "; " + f.Value + ": " + f.Label
			}
		}
		caution := "what needs the capability fails with \"operation not permitted\""
		if powerlessUser(t, c) {
			// Linux takes capabilities from a user that is not root. They come back with a program whose file was given
			// them with setcap, even without privilege escalation: the runtime had them when it started that program.
			if f.Severity = rule.Low; reach(t, added[worst]) == rule.High {
				f.Severity = rule.Medium
			}
			f.Label = "nothing by itself"
			f.Message = adds + ", which a user that is not root has only in a program whose file brings it along"
			caution = "a program whose file was given it with setcap, as those of service meshes that set up the network, fails without it"
		}
		f.Fix = withoutCaps(p, c, bad, caution)
		found = append(found, f)
	}
	return found
}

// What a capability reaches where it is added beyond the baseline. Source: capabilities(7), and which of them the
// kernel judges by the namespaces of the container and which by the node's own.
var (
	ofNode  = []corev1.Capability{"ALL", "SYS_ADMIN", "SYS_MODULE"}                                             // root on the node, by their own meaning
	ownOnly = []corev1.Capability{"IPC_LOCK", "SYS_NICE"}                                                       // it takes from others no more than its limits let it
	inPod   = []corev1.Capability{"SYS_RESOURCE", "SYS_TIME", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "LEASE"} // no way out of the container
	network = []corev1.Capability{"NET_ADMIN", "NET_BROADCAST"}                                                 // the network of the pod, or of the node
)

// netRaw is what many runtimes give to containers that ask for nothing, so naming it costs no more than that.
// Source: the default capabilities of containerd and Docker; CRI-O leaves it out.
const netRaw corev1.Capability = "NET_RAW"

func reach(t snapshot.Template, added corev1.Capability) rule.Severity {
	switch {
	case slices.Contains(ownOnly, added), added == netRaw && !t.Spec.HostNetwork, strings.HasPrefix(string(added), "CAP_"): // by such names runtimes know none
		return rule.Low
	case slices.Contains(inPod, added), added == netRaw,
		slices.Contains(network, added) && !t.Spec.HostNetwork,
		added == "SYS_PTRACE" && !t.Spec.HostPID,
		ownUsers(t): // the node knows nothing of its rights
		return rule.Medium
	}
	return rule.High
}

func addedCaps(c snapshot.Container) []corev1.Capability {
	if c.SecurityContext == nil || c.SecurityContext.Capabilities == nil {
		return nil
	}
	return c.SecurityContext.Capabilities.Add
}

// beyondBaseline are the positions of the added capabilities that the baseline standard forbids.
func beyondBaseline(t snapshot.Template, c snapshot.Container) []int {
	var bad []int
	for i, capability := range addedCaps(c) {
		// The control does not say which one it means, so it is asked about each alone.
		alone := snapshot.Template{Spec: &corev1.PodSpec{OS: t.Spec.OS, Containers: []corev1.Container{{
			SecurityContext: &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{capability}}},
		}}}}
		if !judge(alone, "capabilities_baseline").Allowed {
			bad = append(bad, i)
		}
	}
	return bad
}

func list(caps []corev1.Capability, at []int) string {
	names := make([]string, len(at))
	for i, n := range at {
		names[i] = string(caps[n])
	}
	return strings.Join(names, ", ")
}

// withoutCaps takes the capabilities at the positions out of what a container adds.
func withoutCaps(p *rule.Pass, c snapshot.Container, at []int, caution string) *rule.Fix {
	if c.Ephemeral {
		return ephemeralFix()
	}
	field := c.Path.Child("securityContext", "capabilities", "add")
	added := addedCaps(c)
	var rest []corev1.Capability
	for i, capability := range added {
		if len(at) > 0 && at[0] == i {
			at = at[1:]
			continue
		}
		rest = append(rest, capability)
	}
	if len(rest) == 0 {
		return harden(p, "add no capability", caution, p.Drop(field), "")
	}
	names := make([]string, len(rest))
	for i, r := range rest {
		names[i] = string(r)
	}
	return harden(p, "add only what is left of the list", caution, p.Put(field, rest),
		rule.Nest("["+strings.Join(names, ", ")+"]", "securityContext", "capabilities", "add"))
}
