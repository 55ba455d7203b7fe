package exits

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RBACForbidden finds programs that end because the API server refuses them something.
var RBACForbidden = logCause("rbac-forbidden", "its service account lacks a right in the API", "rbac_forbidden.md", nil, reportForbidden)

// forbidden is the API server's refusal. Source: apiserver's ForbiddenErrorMessage.
var forbidden = knowledge.Regexp(`User "system:serviceaccount:([a-z0-9.-]+):([a-z0-9.-]+)" cannot ([a-z]+) resource "([a-z0-9./-]+)" in API group "([a-z0-9.-]*)"(?: in the namespace "([a-z0-9-]+)"| (at the cluster scope))?`)

var rbacReading = reading{
	words: knowledge.Regexp(`is forbidden: User "system:serviceaccount:`),
	read: func(lines []string, at int, _ int32) *reason {
		if !forbidden.MatchString(lines[at]) {
			return nil
		}
		return &reason{cause: "rbac-forbidden"}
	},
}

func reportForbidden(p *rule.Pass, c snapshot.Container, e *ended) {
	m := forbidden.FindStringSubmatch(e.line)
	accountNS, account, verb, resource, group, ns, cluster := m[1], m[2], m[3], m[4], m[5], m[6], m[7] != ""
	own := p.Object.Pod().Spec.ServiceAccountName
	if own == "" {
		own = "default"
	}
	f := e.finding(p, c)
	setting := p.PodSpec().Child("serviceAccountName")
	if account != own || accountNS != p.Object.Namespace {
		f.NoField = fmt.Sprintf("the pod runs as serviceaccount/%s, and the refusal speaks of %s in namespace %s", own, account, accountNS)
		f.Certainty = rule.Possible
	} else {
		point(&f, setting, own, "the API server refuses this account")
	}
	where := "in namespace " + ns
	if cluster {
		where = "in the whole cluster"
	}
	what := resource
	if group != "" {
		what += "." + group
	}
	f.Message = fmt.Sprintf("serviceaccount/%s may not %s %s %s%s", account, verb, what, where, e.ends())
	f.RuledOut = []string{"a wrong or missing token: the API server knows who asks, and names the right that is missing"}
	f.Fix = roleFix(p, own, verb, resource, group, ns, cluster)
	p.Report(f)
}

// roleFix are the commands that give the right. What stands in them comes from the pod and from the
// lists of verbs and resources that every cluster has; of what the log alone says only a placeholder.
func roleFix(p *rule.Pass, account, verb, resource, group, ns string, cluster bool) *rule.Fix {
	fix := &rule.Fix{
		Title:   fmt.Sprintf("give serviceaccount/%s the right, if the program is meant to have it", account),
		Caution: "it is a right in the API for every pod that uses this account; a program that watches asks for get, list and watch, one after the other", Applicability: rule.NeedsThought,
	}
	if account == "default" {
		fix.Caution += "; default is the account of every pod of the namespace that names none: rather make one for this workload"
	}
	verbs := []string{verb}
	switch {
	case verb == "list" || verb == "watch":
		verbs = []string{"get", "list", "watch"}
	case !slices.Contains(knowledge.Verbs(), verb):
		verbs = []string{"<VERB>"}
		fix.Applicability = rule.Placeholders
	}
	known := knowledge.Resource(group, resource)
	if known == "" {
		known = "<RESOURCE>.<GROUP>"
		fix.Applicability = rule.Placeholders
	}
	role := account + "-" + knowledge.RoleName(known)
	subject := "--serviceaccount=" + p.Object.Namespace + ":" + account
	if cluster {
		fix.Lines = []string{
			rule.Kubectl(p.Context, "", "create", "clusterrole", role, "--verb="+strings.Join(verbs, ","), "--resource="+known),
			rule.Kubectl(p.Context, "", "create", "clusterrolebinding", role, "--clusterrole="+role, subject),
		}
		return fix
	}
	in := p.Object.Namespace
	if ns != in {
		in = "<NAMESPACE>"
		fix.Applicability = rule.Placeholders
	}
	fix.Lines = []string{
		rule.Kubectl(p.Context, in, "create", "role", role, "--verb="+strings.Join(verbs, ","), "--resource="+known),
		rule.Kubectl(p.Context, in, "create", "rolebinding", role, "--role="+role, subject),
	}
	return fix
}
