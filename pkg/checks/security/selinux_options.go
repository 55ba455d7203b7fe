package security

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SELinuxOptions finds pods that choose what SELinux holds them to.
var SELinuxOptions = rule.Check{
	ID: "selinux-options", Title: "chooses its own SELinux confinement", Doc: rule.ReadDoc(docs, "selinux_options.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Workloads, Applies: ofUser,
	Run: standard(selinuxOptions, "", "seLinuxOptions"),
	Peers: map[string][]string{
		"kubescape": {"set-seLinuxOptions"},
	},
}

// unconfined are the SELinux types that container runtimes and policies have for what nothing is to be
// refused to. Source: container-selinux and the reference policy.
var unconfined = map[string]bool{"spc_t": true, "unconfined_t": true, "container_runtime_t": true, "unconfined_service_t": true}

func selinuxOptions(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var found []rule.Finding
	inherit := 0
	for _, c := range containers(t) {
		if c.SecurityContext == nil || c.SecurityContext.SELinuxOptions == nil {
			inherit++
			continue
		}
		if f, ok := selinuxFinding(p, c.Path, named(one(c)), c.SecurityContext.SELinuxOptions); ok {
			f.Seen = p.Object.In(c.Name)
			found = append(found, withFix(f, c, f.Fix))
		}
	}
	if sc := t.Spec.SecurityContext; sc != nil && sc.SELinuxOptions != nil {
		if f, ok := selinuxFinding(p, t.SpecPath(), "the pod", sc.SELinuxOptions); ok {
			if inherit == 0 {
				f.Severity = rule.Low
				f.Message += ", though every container has options of its own"
			}
			found = append(found, f)
		}
	}
	return found
}

// selinuxFinding is what is to be said of the options at base, the pod or a container.
func selinuxFinding(p *rule.Pass, base *field.Path, whose string, o *corev1.SELinuxOptions) (rule.Finding, bool) {
	at := base.Child("securityContext", "seLinuxOptions")
	f := rule.Finding{Severity: rule.Low}
	var said []string
	var patch *rule.Patch
	for _, option := range []struct {
		name, value string
		alone       corev1.SELinuxOptions
	}{
		{"type", o.Type, corev1.SELinuxOptions{Type: o.Type}},
		{"user", o.User, corev1.SELinuxOptions{User: o.User}},
		{"role", o.Role, corev1.SELinuxOptions{Role: o.Role}},
	} {
		alone := snapshot.Template{Spec: &corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{SELinuxOptions: &option.alone}}}
		if judge(alone, "seLinuxOptions").Allowed {
			continue
		}
		path := at.Child(option.name)
		if drop := p.Drop(path); patch == nil {
			f.Field, f.Value, patch = path, option.value, drop
		} else {
			f.Marks = append(f.Marks, rule.Mark{Field: path})
			patch = patch.And(drop)
		}
		said = append(said, option.name+" "+option.value)
	}
	if f.Field == nil {
		return f, false
	}
	f.Message = fmt.Sprintf("%s asks for SELinux %s, beyond what the baseline standard allows", whose, strings.Join(said, ", "))
	if unconfined[o.Type] {
		f.Severity = rule.Medium
		f.Message = fmt.Sprintf("%s asks for SELinux %s: SELinux then refuses it nothing", whose, strings.Join(said, ", "))
	}
	f.Fix = harden(p, "take it out: the runtime confines every container by itself",
		"what was allowed by it alone is refused on nodes with SELinux, the node's own files first; a type of your own that allows less than container_t is right as it is",
		patch, "")
	return f, true
}
