package security

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HostProcess finds containers that are processes of their Windows node.
var HostProcess = rule.Check{
	ID: "host-process", Title: "runs as a process of its Windows node", Doc: rule.ReadDoc(docs, "host_process.md"),
	Dimension: rule.Security, Severity: rule.Critical, On: rule.Workloads, Applies: ofUser,
	Run: standard(hostProcess, "", "windowsHostProcess"),
	Peers: map[string][]string{
		"polaris":   {"hostProcess"},
		"kubescape": {"set-hostprocess-true"},
	},
}

// The accounts of Windows that have few rights on their machine. Source: Windows' own names of its service
// accounts, as the documentation of HostProcess containers lists them.
var fewRights = []string{`nt authority\local service`, `nt authority\localservice`, `nt authority\network service`, `nt authority\networkservice`}

// hostProcess makes one finding of a template: the API takes either all of its containers or none.
func hostProcess(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var f *rule.Finding
	var patch *rule.Patch
	say := func(seen snapshot.Ref, base *field.Path) {
		path := base.Child("securityContext", "windowsOptions", "hostProcess")
		if put := p.Put(path, false); f == nil {
			f, patch = &rule.Finding{Seen: seen, Field: path, Value: "true", Label: "no isolation from the node"}, put
		} else {
			f.Seen = p.Object.Ref
			f.Marks = append(f.Marks, rule.Mark{Field: path})
			patch = patch.And(put)
		}
	}
	pod := podWindows(t)
	if isHostProcess(pod) {
		say(p.Object.Ref, t.SpecPath())
	}
	var users []string
	ephemeral, weak := false, true
	for _, c := range containers(t) {
		own := ownWindows(c)
		if isHostProcess(own) {
			say(p.Object.In(c.Name), c.Path)
			ephemeral = ephemeral || c.Ephemeral
		}
		if own == nil || own.HostProcess == nil {
			if !isHostProcess(pod) {
				continue
			}
		} else if !*own.HostProcess {
			continue
		}
		user := userOf(own, pod)
		weak = weak && slices.Contains(fewRights, strings.ToLower(user))
		if user != "" && !slices.Contains(users, user) {
			users = append(users, user)
		}
	}
	if f == nil {
		return nil
	}
	f.Message = "hostProcess is true: whoever gets into it is on the Windows node itself"
	if len(users) > 0 {
		f.Message = fmt.Sprintf("hostProcess is true: whoever gets into it is on the Windows node itself, as %s", strings.Join(users, ", "))
	}
	if weak && len(users) > 0 {
		f.Severity = rule.High
	}
	f.Fix = harden(p, "run it as an ordinary container",
		"what sets up the node's network, storage or registry stops working; with hostProcess goes hostNetwork: true, which ordinary Windows pods must not have",
		patch, "")
	if ephemeral {
		f.Fix = ephemeralFix()
	}
	return []rule.Finding{*f}
}

func podWindows(t snapshot.Template) *corev1.WindowsSecurityContextOptions {
	if t.Spec.SecurityContext == nil {
		return nil
	}
	return t.Spec.SecurityContext.WindowsOptions
}

func ownWindows(c snapshot.Container) *corev1.WindowsSecurityContextOptions {
	if c.SecurityContext == nil {
		return nil
	}
	return c.SecurityContext.WindowsOptions
}

func isHostProcess(w *corev1.WindowsSecurityContextOptions) bool {
	return w != nil && w.HostProcess != nil && *w.HostProcess
}

// userOf is the Windows user of a container: what it does not say itself it has from the pod.
func userOf(own, pod *corev1.WindowsSecurityContextOptions) string {
	for _, w := range []*corev1.WindowsSecurityContextOptions{own, pod} {
		if w != nil && w.RunAsUserName != nil {
			return *w.RunAsUserName
		}
	}
	return ""
}
