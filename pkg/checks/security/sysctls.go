package security

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/node/util/sysctl"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Sysctls finds kernel settings that a node does not let a pod change.
var Sysctls = rule.Check{
	ID: "sysctls", Title: "changes an unsafe kernel setting", Doc: rule.ReadDoc(docs, "sysctls.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Workloads, Applies: ofUser,
	Run: standard(sysctls, "", "sysctls"),
	Peers: map[string][]string{
		"kube-linter": {"unsafe-sysctls"},
		"kubescape":   {"set-sysctls-params"},
	},
}

func sysctls(p *rule.Pass, t snapshot.Template) []rule.Finding {
	if t.Spec.SecurityContext == nil {
		return nil
	}
	path := t.SpecPath().Child("securityContext", "sysctls")
	var f *rule.Finding
	var names []string
	var rest []corev1.Sysctl
	for i, s := range t.Spec.SecurityContext.Sysctls {
		if safeSysctl(s.Name) {
			rest = append(rest, s)
			continue
		}
		names = append(names, s.Name)
		mark := path.Index(i).Child("name")
		why, severity := unsafe(s.Name)
		if f == nil {
			f = &rule.Finding{Field: mark, Value: s.Name, Severity: severity, Label: why}
			continue
		}
		if severity.Rank() < f.Severity.Rank() {
			f.Severity, f.Label = severity, why
			f.Marks = append(f.Marks, rule.Mark{Field: f.Field})
			f.Field, f.Value = mark, s.Name
			continue
		}
		f.Marks = append(f.Marks, rule.Mark{Field: mark, Label: why})
	}
	if f == nil {
		return nil
	}
	f.Message = fmt.Sprintf("sets %s: %s", strings.Join(names, ", "), f.Label)
	if len(names) > 1 {
		f.Message = fmt.Sprintf("sets %s; %s: %s", strings.Join(names, ", "), f.Value, f.Label)
	}
	patch, yaml := p.Drop(path), ""
	if len(rest) > 0 {
		patch, yaml = p.Put(path, rule.Plain(rest)), "securityContext:\n  sysctls:\n"
		for _, s := range rest {
			yaml += fmt.Sprintf("  - name: %s\n    value: %q\n", s.Name, s.Value)
		}
	}
	f.Fix = harden(p, "leave it to the nodes: take it out of the pod",
		"the program may count on it: set what holds for the whole node when nodes are set up; the rest needs nodes of its own whose kubelet allows it",
		patch, yaml)
	return []rule.Finding{*f}
}

func safeSysctl(name string) bool {
	return judge(snapshot.Template{Spec: &corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: name}}}}}, "sysctls").Allowed
}

// unsafe says what comes of a kernel setting that the baseline standard does not allow. Source: the kubelet
// takes none that no namespace of the kernel keeps apart, not even where it was told to.
func unsafe(name string) (why string, severity rule.Severity) {
	namespace, dotted, _ := sysctl.GetNamespace(name)
	switch {
	case dotted != name && safeSysctl(dotted):
		return "the standards know " + dotted + " only, with dots", rule.Low
	case namespace == sysctl.UnknownNamespace:
		return "it holds for the whole node, so no kubelet takes the pod", rule.High
	}
	return "the kubelet takes the pod only where its node allows that setting", rule.Medium
}
