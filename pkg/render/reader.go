package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

const (
	// readerName is what the role is called.
	readerName = "kubectl-maturity"
	// commentWidth is how wide its comments are.
	commentWidth = 100
)

// Reader prints the role as YAML that kubectl applies. Comments say what is lost without each of its rules.
func Reader(w io.Writer, r *report.Reader) error {
	p := &writer{w: w}
	p.comment("Reads what 'kubectl maturity check', 'explain' and 'level' read of a cluster, and changes nothing. Written from the rules by 'kubectl maturity rules --rbac'.")
	p.line("#")
	p.line("#   kubectl maturity rules --rbac | kubectl apply -f -")
	p.line("#   kubectl create clusterrolebinding %s --clusterrole=%s --user=NAME", readerName, readerName)
	p.line("#")
	p.comment("Of this the built-in role view has: " + strings.Join(r.View, ", ") + ", pods/log.")
	p.comment("It lacks: " + strings.Join(r.NotView, ", ") + ", /metrics; and of kinds of others whatever their installers have not added to it.")
	p.comment("Everybody who is logged in may do besides what is needed: discover the kinds of the API (system:discovery), and ask what he may do himself (system:basic-user).")
	p.line("apiVersion: rbac.authorization.k8s.io/v1")
	p.line("kind: ClusterRole")
	p.line("metadata:")
	p.line("  name: %s", readerName)
	p.line("rules:")
	p.comment("without it: the deprecated versions of the API that somebody asks for (/metrics), and how old the server is (/version)")
	p.line(`- {nonResourceURLs: ["/metrics", "/version"], verbs: [get]}`)
	p.comment("without it: explain names no last words of a container, and causes that read them fall back to what the status says")
	p.line(`- {apiGroups: [""], resources: [pods/log], verbs: [get]}`)
	others := false
	for _, one := range r.Rules {
		if !one.Own && !others {
			others = true
			p.line("")
			p.comment("Kinds that only some clusters have. A rule about a kind that is not there is allowed, and grants nothing.")
			p.line("")
		}
		p.comment(withoutIt(one))
		p.line("%s", roleLine(one))
	}
	p.line("")
	p.comment("Secrets are left out. Only their metadata is read, with the names of their keys, and no value - but for the releases that Helm keeps in Secrets, with --helm-releases. RBAC cannot grant the one without the other: who has this may read all Secrets.")
	p.comment(withoutIt(r.Secrets) + "; and whether a Secret that something names is there, and has the key")
	p.line("#%s", roleLine(r.Secrets))
	return p.err
}

// comment prints text as lines of YAML comment.
func (p *writer) comment(text string) {
	for _, line := range wrap(text, commentWidth-len("# ")) {
		p.line("# %s", line)
	}
}

func roleLine(r report.ReaderRule) string {
	quoted := make([]string, 0, len(r.Resources))
	for _, res := range r.Resources {
		if res == "*" {
			res = `"*"`
		}
		quoted = append(quoted, res)
	}
	return fmt.Sprintf("- {apiGroups: [%q], resources: [%s], verbs: [get, list, watch]}", r.Group, strings.Join(quoted, ", "))
}

// withoutIt says what is lost without a rule of the role.
func withoutIt(r report.ReaderRule) string {
	var parts []string
	say := func(word string, list []string) {
		if len(list) == 0 {
			return
		}
		text := rule.Count(len(list), word) + " (" + strings.Join(list[:min(fewNames, len(list))], ", ")
		if len(list) > fewNames {
			text += ", ..."
		}
		parts = append(parts, text+")")
	}
	say("check", r.Checks)
	say("cause", r.Causes)
	say("gate", r.Gates)
	if len(parts) == 0 {
		return "without it: what causes look up where an object leads to it"
	}
	return "without it: " + strings.Join(parts, ", ")
}
