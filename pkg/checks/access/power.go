package access

import (
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// power is how much a role allows, coarsely.
type power int

const (
	basics  power = iota // what everybody may know: versions, health, oneself
	reads                // reads, but no Secrets
	changes              // changes something, or reads Secrets
	all                  // everything, or all that is in every namespace
)

// public are the ClusterRoles that Kubernetes gives to everybody.
// Source: k8s.io/kubernetes, plugin/pkg/auth/authorizer/rbac/bootstrappolicy.
var public = []string{"system:discovery", "system:basic-user", "system:public-info-viewer", "system:service-account-issuer-discovery", "system:cluster-trust-bundle-discovery"}

// powerOf is how much the binding of a Pass gives. known is false where files do not have the role: it may be
// anything. gives is false where there is nothing to say: the role is missing, of which rbac-missing-ref
// speaks, was not read, or is about nothing that there still is.
func powerOf(p *rule.Pass, b *binding) (most power, known, gives bool) {
	most, known = b.power()
	if known {
		return most, true, b.role == nil || len(b.role.rules) == 0 || slices.ContainsFunc(b.role.rules, func(g given) bool { return !gone(g) })
	}
	return most, false, !saidUnread(p) && (p.Files && !p.Closed || strings.HasPrefix(b.ref.Name, "system:"))
}

// power is how much the binding gives; ok is false where the role is not in the snapshot.
func (b *binding) power() (most power, ok bool) {
	switch {
	case b.ref.Kind == "ClusterRole" && slices.Contains(public, b.ref.Name):
		return basics, true
	case b.builtIn() == "view":
		return reads, true
	case b.builtIn() == "cluster-admin":
		return all, true
	case b.builtIn() != "":
		if b.everywhere() {
			return all, true
		}
		return changes, true
	case b.role == nil:
		return basics, false
	}
	for _, g := range b.role.rules {
		most = max(most, g.power())
	}
	return most, true
}

func (g given) power() power {
	switch {
	case g.full():
		return all
	case len(g.Resources) == 0, askingOnly(g):
		return basics
	case g.may(writes...) || g.may("impersonate", "escalate", "bind", "approve", "sign") || g.resource("", "secrets") >= 0 || g.resource("", "nodes/proxy") >= 0:
		return changes
	}
	return reads
}

// askingOnly tells whether a rule only creates questions, which change nothing: who am I, what may I do.
func askingOnly(g given) bool {
	return len(g.APIGroups) > 0 && !slices.ContainsFunc(g.APIGroups, func(group string) bool {
		return group != "authorization.k8s.io" && group != "authentication.k8s.io"
	}) && !g.may("impersonate") && !slices.ContainsFunc(g.Resources, func(r string) bool { return !strings.HasSuffix(r, "reviews") })
}

// gone tells whether a rule is only for PodSecurityPolicies, which no API server knows any more since Kubernetes 1.25.
func gone(g given) bool {
	return len(g.Resources) > 0 && !slices.ContainsFunc(g.APIGroups, func(group string) bool { return group != "policy" && group != "extensions" }) &&
		!slices.ContainsFunc(g.Resources, func(r string) bool { return r != "podsecuritypolicies" })
}

// gives words what a binding gives, for those who should have nothing.
func (b *binding) gives(most power, known bool) string {
	place := " in namespace " + b.Namespace
	if b.everywhere() {
		place = " in all namespaces"
	}
	switch {
	case !known:
		return "what " + b.to().String() + " allows, whatever that is"
	case most == all:
		return "everything that " + b.to().String() + " allows" + place
	case most == changes:
		return "rights to change, or to read Secrets," + place + ": " + b.to().String()
	case most == reads:
		return "the right to read" + place + ": " + b.to().String()
	}
	return "what everybody may know: " + b.to().String()
}

// severity picks by power.
func (m power) severity(ofAll, ofChanges, ofReads, ofBasics rule.Severity) rule.Severity {
	return []rule.Severity{basics: ofBasics, reads: ofReads, changes: ofChanges, all: ofAll}[m]
}
