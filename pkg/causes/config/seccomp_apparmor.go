package config

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What runtimes and the kubelet say of profiles. Sources: containerd and runc (seccomp, apparmor), kubelet's
// pkg/security/apparmor, whose rejection has the reason AppArmor.
var (
	seccompFails  = knowledge.Regexp(`cannot load seccomp profile|failed to (?:load|generate) seccomp|seccomp profile .* (?:does not exist|not found)|seccomp: config provided but seccomp not supported`)
	apparmorFails = knowledge.Regexp(`(?i)apparmor failed to apply profile|apparmor profile (?:\S+ )?(?:not found|is not loaded)|apparmor is not supported|unable to apply apparmor|Cannot enforce AppArmor|apparmor is not enabled`)
	appArmorOff   = knowledge.Regexp(`(?i)AppArmor is (?:not enabled|disabled)|apparmor is not supported`)
)

// SeccompApparmor finds containers whose seccomp or AppArmor profile the node does not have.
var SeccompApparmor = rule.Cause{
	ID: "seccomp-apparmor", Title: "the node lacks the seccomp or AppArmor profile", Doc: rule.ReadDoc(docs, "seccomp_apparmor.md"),
	Stage: rule.StageContainerConfig, Beats: []string{"app-exit", "init-failing", "kubelet-reject"}, On: rule.Pods,
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod.DeletionTimestamp != nil {
			return
		}
		if pod.Status.Phase == corev1.PodFailed && pod.Status.Reason == "AppArmor" && !rule.Superseded(p.Snapshot, p.Object) {
			reportRejected(p, pod)
			return
		}
		for _, c := range p.Object.PodContainers() {
			if c.Status == nil || c.Status.State.Waiting == nil {
				continue
			}
			w := c.Status.State.Waiting
			if w.Reason != "CreateContainerError" && w.Reason != "RunContainerError" && w.Reason != "CreateContainerConfigError" {
				continue
			}
			evidence := rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: w.Reason + ": " + profileWords(w.Message)}
			switch {
			case seccompFails.MatchString(w.Message):
				reportProfile(p, c, "seccomp", evidence, false)
			case apparmorFails.MatchString(w.Message):
				reportProfile(p, c, "AppArmor", evidence, appArmorOff.MatchString(w.Message))
			}
		}
	},
}

// profileWords is the end of a runtime's message, from where it speaks of the profile.
func profileWords(message string) string {
	for _, from := range []string{"cannot load seccomp", "apparmor failed", "AppArmor"} {
		if at := strings.Index(message, from); at >= 0 {
			return rule.Quote(message[at:])
		}
	}
	return rule.Quote(message)
}

// reportRejected is for a pod that the kubelet did not take in at all.
func reportRejected(p *rule.Pass, pod *corev1.Pod) {
	evidence := rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Text: pod.Status.Reason + ": " + rule.Quote(pod.Status.Message)}
	for _, c := range p.Object.PodContainers() {
		if s, _, _ := profileOf(p, c, "AppArmor"); s != nil {
			reportProfile(p, c, "AppArmor", evidence, appArmorOff.MatchString(pod.Status.Message))
			return
		}
	}
}

// profileOf is where the profile is named that holds for the container, its own or the pod's, with its
// type and its name.
func profileOf(p *rule.Pass, c snapshot.Container, which string) (s *rule.Setting, kind, name string) {
	text := func(v *string) string {
		if v == nil {
			return ""
		}
		return *v
	}
	own, pod := c.SecurityContext, p.Object.Pod().Spec.SecurityContext
	at := func(setting rule.Setting, field string) *rule.Setting {
		setting = setting.Child("securityContext", field)
		return &setting
	}
	if which == "seccomp" {
		switch {
		case own != nil && own.SeccompProfile != nil:
			return at(p.ContainerSetting(c), "seccompProfile"), string(own.SeccompProfile.Type), text(own.SeccompProfile.LocalhostProfile)
		case pod != nil && pod.SeccompProfile != nil:
			return at(p.PodSpec(), "seccompProfile"), string(pod.SeccompProfile.Type), text(pod.SeccompProfile.LocalhostProfile)
		}
		return nil, "", ""
	}
	switch {
	case own != nil && own.AppArmorProfile != nil:
		return at(p.ContainerSetting(c), "appArmorProfile"), string(own.AppArmorProfile.Type), text(own.AppArmorProfile.LocalhostProfile)
	case pod != nil && pod.AppArmorProfile != nil:
		return at(p.PodSpec(), "appArmorProfile"), string(pod.AppArmorProfile.Type), text(pod.AppArmorProfile.LocalhostProfile)
	}
	return nil, "", ""
}

func reportProfile(p *rule.Pass, c snapshot.Container, which string, evidence rule.Evidence, off bool) {
	node := "node/" + p.Object.Pod().Spec.NodeName
	f := rule.Finding{
		Object: p.Object.Ref, Seen: p.Object.In(c.Name), Evidence: []rule.Evidence{evidence}, Certainty: rule.Certain,
		RuledOut: []string{"the program: it was never started"},
	}
	setting, kind, name := profileOf(p, c, which)
	if setting == nil { // an annotation of old, or the node's own default
		f.NoField = "no field of the pod names a " + which + " profile: an annotation does, or a default of the node"
		f.Message = fmt.Sprintf("%s does not have the %s profile that the container is to run with", node, which)
		f.Fix = &rule.Fix{Title: "install the profile on every node that the pod may go to", Applicability: rule.NeedsThought}
		p.Report(f)
		return
	}
	f.Object, f.Field, f.Value = setting.Object, setting.Path, strings.TrimSpace(kind+" "+name)
	f.Label = "not on " + node
	f.Message = fmt.Sprintf("%s does not have the %s profile %q: the container cannot be created", node, which, name)
	if name == "" {
		f.Message = fmt.Sprintf("%s cannot apply the %s profile %s: the container cannot be created", node, which, kind)
	}
	if kind == string(corev1.SeccompProfileTypeLocalhost) {
		f.Field, f.Value = setting.Child("localhostProfile").Path, name
	}
	seen := map[string]any{"type": kind}
	if name != "" {
		seen["localhostProfile"] = name
	}
	if off {
		f.Message = fmt.Sprintf("%s has no AppArmor, and the pod may not run without it", node)
		f.Field, f.Value, f.Label = setting.Path, strings.TrimSpace(kind+" "+name), "asks for AppArmor"
		patch := &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: setting.Pointer(), Value: seen}, {Op: "remove", Path: setting.Pointer()}}}
		f.Fix = &rule.Fix{
			Title:         "keep the pod to nodes that have AppArmor; or run it without",
			Caution:       "the command takes the profile away: the program may then do what the profile forbids",
			Applicability: rule.NeedsThought, Object: setting.Object, Patch: patch, Command: p.PatchCommand(setting.Object, patch),
		}
		p.Report(f)
		return
	}
	patch := setting.ReplaceValue(seen, map[string]any{"type": string(corev1.SeccompProfileTypeRuntimeDefault)})
	f.Fix = &rule.Fix{
		Title:         "install the profile on every node that the pod may go to; or use the runtime's own (RuntimeDefault)",
		Caution:       "the command takes the runtime's own profile, which may allow what this one forbids, and forbid what it allows",
		Applicability: rule.NeedsThought, Object: setting.Object, Patch: patch, Command: p.PatchCommand(setting.Object, patch),
	}
	p.Report(f)
}
