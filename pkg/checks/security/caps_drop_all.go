package security

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CapsDropAll finds containers that keep the capabilities which the runtime gives to everybody.
var CapsDropAll = rule.Check{
	ID: "caps-drop-all", Title: "keeps capabilities it may not need", Doc: rule.ReadDoc(docs, "caps_drop_all.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Workloads, Applies: ofUser,
	Run: standard(capsDropAll, "capabilities_baseline", "capabilities_restricted"),
	Peers: map[string][]string{
		"polaris":     {"insecureCapabilities"},
		"kube-linter": {"drop-net-raw-capability"},
		"kubesec":     {"CapDropAll", "CapDropAny"},
		"kubescape":   {"drop-capability-netraw"},
	},
}

// The names that the restricted standard knows.
const (
	allCaps        corev1.Capability = "ALL"
	netBindService corev1.Capability = "NET_BIND_SERVICE"
)

func capsDropAll(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var found []rule.Finding
	for _, c := range confinable(t) {
		var caps *corev1.Capabilities
		if c.SecurityContext != nil {
			caps = c.SecurityContext.Capabilities
		}
		if caps == nil || !slices.Contains(caps.Drop, allCaps) {
			drop := c.Path.Child("securityContext", "capabilities", "drop")
			f := inContainer(p, c, drop)
			f.Message = named(one(c)) + " drops no capability: it keeps those that the runtime gives to all"
			if caps != nil && len(caps.Drop) > 0 {
				f.Value = list(caps.Drop, positions(caps.Drop))
				f.Message = named(one(c)) + " drops " + f.Value + ", not ALL"
				if slices.ContainsFunc(caps.Drop, func(d corev1.Capability) bool { return strings.EqualFold(string(d), string(allCaps)) }) {
					f.Severity = rule.Info
					f.Message = named(one(c)) + " drops " + f.Value + ": runtimes take that for ALL, the restricted standard does not"
				}
			}
			found = append(found, withFix(f, c, dropAll(p, drop)))
			continue
		}
		// What the baseline forbids is told by caps-dangerous.
		bad, dangerous := []int{}, beyondBaseline(t, c)
		for i, capability := range caps.Add {
			if capability != netBindService && !slices.Contains(dangerous, i) {
				bad = append(bad, i)
			}
		}
		if len(bad) == 0 {
			continue
		}
		f := inContainer(p, c, c.Path.Child("securityContext", "capabilities", "add").Index(bad[0]))
		f.Severity = rule.Info
		f.Value = string(caps.Add[bad[0]])
		f.Message = named(one(c)) + " adds " + list(caps.Add, bad) + " back; the restricted standard allows NET_BIND_SERVICE only"
		f.Fix = withoutCaps(p, c, bad,
			"dropping ALL and adding back by name is good practice: go further only where the restricted standard is enforced, and the program runs without")
		found = append(found, f)
	}
	return found
}

func dropAll(p *rule.Pass, drop *field.Path) *rule.Fix {
	if !p.Mends() {
		return nil
	}
	return harden(p, "drop ALL, and add back by name what the program needs",
		"ports below 1024 may need NET_BIND_SERVICE; images that start as root and change user need SETUID, SETGID and CHOWN",
		p.Put(drop, []corev1.Capability{allCaps}), rule.Nest("[ALL]", "securityContext", "capabilities", "drop"))
}

func positions(caps []corev1.Capability) []int {
	at := make([]int, len(caps))
	for i := range caps {
		at[i] = i
	}
	return at
}
