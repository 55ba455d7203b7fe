package controllers

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Source: k8s.io/pod-security-admission admission/admission.go.
var violates = knowledge.Regexp(`violates PodSecurity "([a-z]+):([^"]+)": ([^\n]+)`)

// PSAViolation finds controllers whose pods do not keep to the Pod Security Standard that their namespace
// enforces.
var PSAViolation = rule.Cause{
	ID: "psa-violation", Title: "the pods break the namespace's pod security level", Doc: rule.ReadDoc(docs, "psa_violation.md"),
	Stage: rule.StageNotCreated, On: rule.PodMakers,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if r := p.RefusedPods(); r == nil || !violates.MatchString(r.Message) {
			return nil
		}
		return []snapshot.Want{snapshot.WantGet(snapshot.NamespaceKind, "", p.Object.Namespace)}
	},
	Run: func(p *rule.Pass) {
		if r := p.RefusedPods(); r != nil {
			if m := violates.FindStringSubmatch(r.Message); m != nil {
				reportPSA(p, r, m[1], m[2], m[3])
			}
		}
	},
}

// The words with which the standard's checks name what is broken.
// Source: k8s.io/pod-security-admission policy/check_*.go.
const (
	saysNamespaces = "host namespaces"
	saysHostPath   = "hostPath volumes"
	saysVolumes    = "restricted volume types"
	saysNonRoot    = "runAsNonRoot != true"
	saysRoot       = "runAsUser=0"
	saysSeccomp    = "seccompProfile"
	saysHostPort   = "hostPort"
	saysPrivileged = "privileged"
	saysAdded      = "non-default capabilities"
	saysCaps       = "unrestricted capabilities"
	saysEscalation = "allowPrivilegeEscalation != false"
)

// reasons are all of them; the last are those whose fields this rule does not look for.
var reasons = []string{
	saysNamespaces, saysHostPath, saysVolumes, saysNonRoot, saysRoot, saysSeccomp, saysHostPort, saysPrivileged, saysAdded, saysCaps, saysEscalation,
	"forbidden sysctls", "hostProcess", "probe or lifecycle host", "procMount", "seLinuxOptions", "forbidden AppArmor profile", "forbidden AppArmor profiles",
}

// about is what the server's words tell of a reason; ok is false where they do not name it. Which checks
// there are depends on the version of the standard, and the server knows which it asked.
func about(said, reason string) (detail string, ok bool) {
	for rest := said; ; {
		i := strings.Index(rest, reason+" (")
		if i < 0 {
			return "", false
		}
		if before := rest[:i]; before == "" || strings.HasSuffix(before, ", ") {
			detail, _, _ = strings.Cut(rest[i+len(reason)+2:], ")")
			return detail, true
		}
		rest = rest[i+len(reason):]
	}
}

// listed are those of the breaches that the server's words name.
func listed(all []breach, said string) []breach {
	return slices.DeleteFunc(all, func(b breach) bool {
		detail, ok := about(said, b.reason)
		return !ok || b.in != "" && strings.HasSuffix(said, ")") && !strings.Contains(detail, `"`+b.in+`"`)
	})
}

// breach is one field with which a template breaks a standard, and what it has to be. What a standard
// forbids altogether has no value.
type breach struct {
	path   *field.Path
	label  string
	value  any
	in     string // the container, where it is one's own
	reason string // with which the server names it
}

// String names the field for people.
func (b breach) String() string {
	text := b.path.String()
	if b.in == "" {
		_, text, _ = strings.Cut(text, "spec.template.spec.")
		if text == "" {
			text = b.path.String()
		}
		return text
	}
	if _, rest, ok := strings.Cut(text, "]."); ok { // below the container
		text = rest
	}
	return strings.TrimPrefix(text, "securityContext.") + " of container " + b.in
}

// few names some of many.
func few(list []breach) string {
	var names []string
	for _, b := range list {
		names = append(names, b.String())
	}
	return rule.Few(names, 4)
}

func reportPSA(p *rule.Pass, r *rule.Refusal, level, version, said string) {
	spec := p.PodSpec()
	of := level
	if version != "latest" {
		of += " of " + clip(version)
	}
	f := rule.Finding{
		Object: spec.Object, Stage: p.RefusedStage(), Field: spec.Path.Child("securityContext"), Certainty: rule.Certain, Evidence: []rule.Evidence{r.Evidence},
		Message: fmt.Sprintf("namespace/%s enforces the pod security level %s, which the pods break: %s", p.Object.Namespace, of, exist(r)),
		Label:   clip(said),
		Fix: &rule.Fix{
			Title:         "set what the level asks for in the pod template",
			Caution:       "test it: a program that needs root fails then, and an image that runs as root needs a runAsUser too. Lower the namespace's level only with whoever set it",
			Applicability: rule.NeedsThought,
		},
	}
	if ns, _ := p.Lookup(snapshot.NamespaceKind, "", p.Object.Namespace); ns != nil {
		if set := ns.Meta.GetLabels()["pod-security.kubernetes.io/enforce"]; set != "" {
			text := "the namespace's label: enforce=" + set
			if v := ns.Meta.GetLabels()["pod-security.kubernetes.io/enforce-version"]; v != "" {
				text += ", enforce-version=" + v
			}
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: ns.Ref, Field: "metadata.labels[pod-security.kubernetes.io/enforce]", Text: text})
		}
	}
	o := holder(p, spec)
	if o == nil || len(p.Object.Templates) == 0 || p.Object.Templates[0].Spec == nil || windows(p.Object.Templates[0].Spec) {
		p.Report(f)
		return
	}
	set, forbidden := breaches(p, spec, level, said)
	set, forbidden = listed(set, said), listed(forbidden, said)
	all := slices.Concat(forbidden, set)
	if len(all) == 0 {
		p.Report(f)
		return
	}
	f.Field, f.Label = all[0].path, all[0].label
	for _, b := range all[1:] {
		f.Marks = append(f.Marks, rule.Mark{Field: b.path, Label: b.label})
	}
	f.Message = fmt.Sprintf("namespace/%s enforces the pod security level %s, and the pods break it in %s; %s", p.Object.Namespace, of, few(all), exist(r))
	var values []rule.Value
	for _, b := range set {
		values = append(values, rule.Value{Path: b.path, Value: b.value})
	}
	putAll(p, f.Fix, spec, values)
	rest := ""
	for _, reason := range reasons {
		if _, ok := about(said, reason); ok && !slices.ContainsFunc(all, func(b breach) bool { return b.reason == reason }) {
			rest += "; and mend what it says of " + reason
		}
	}
	if len(forbidden) > 0 {
		f.Fix.Title = "do without " + few(forbidden) + ", which the level forbids, or run it in a namespace for such pods"
		f.Fix.Caution = "what needs the node itself cannot do without: agents have a namespace of their own, with a level that allows it"
		f.Fix.Patch, f.Fix.Command = nil, nil
		if len(set) > 0 {
			f.Fix.Title += "; then set what else it asks for"
		}
	}
	f.Fix.Title += rest
	p.Report(f)
}

func windows(spec *corev1.PodSpec) bool { return spec.OS != nil && spec.OS.Name == corev1.Windows }

// breaches are the fields of the template that break the level: those that have to be set, and those
// that have to go. Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/.
func breaches(p *rule.Pass, spec rule.Setting, level, said string) (set, forbidden []breach) {
	pod := p.Object.Templates[0].Spec
	ps := spec.Path
	forbid := func(path *field.Path, reason, label string) {
		forbidden = append(forbidden, breach{path: path, label: label, reason: reason})
	}
	for _, h := range []struct {
		on   bool
		name string
	}{{pod.HostNetwork, "hostNetwork"}, {pod.HostPID, "hostPID"}, {pod.HostIPC, "hostIPC"}} {
		if h.on {
			forbid(ps.Child(h.name), saysNamespaces, "the node's own namespaces are forbidden")
		}
	}
	for i, v := range pod.Volumes {
		switch {
		case v.HostPath != nil:
			reason := saysHostPath
			if level == "restricted" { // whose own check stands for that of baseline
				reason = saysVolumes
			}
			forbid(ps.Child("volumes").Index(i).Child("hostPath"), reason, "files of the node are forbidden")
		case level == "restricted" && !allowedVolume(v):
			forbid(ps.Child("volumes").Index(i), saysVolumes, "the level allows only volumes that the cluster provides")
		}
	}
	restricted := level == "restricted"
	psc := pod.SecurityContext
	if psc == nil {
		psc = &corev1.PodSecurityContext{}
	}
	allNonRoot, allSeccomp := true, true
	for _, c := range templateContainers(p) {
		sc := c.SecurityContext
		if sc == nil {
			sc = &corev1.SecurityContext{}
		}
		allNonRoot = allNonRoot && sc.RunAsNonRoot != nil && *sc.RunAsNonRoot
		allSeccomp = allSeccomp && sc.SeccompProfile != nil
	}
	if restricted {
		switch {
		case psc.RunAsNonRoot != nil && !*psc.RunAsNonRoot, psc.RunAsNonRoot == nil && !allNonRoot:
			set = append(set, breach{path: ps.Child("securityContext", "runAsNonRoot"), label: "runAsNonRoot must be true, here or in each container", value: true, reason: saysNonRoot})
		}
		if psc.RunAsUser != nil && *psc.RunAsUser == 0 {
			forbid(ps.Child("securityContext", "runAsUser"), saysRoot, "root is forbidden: another user, or none, whom the image then names")
		}
		if psc.SeccompProfile == nil && !allSeccomp {
			set = append(set, breach{path: ps.Child("securityContext", "seccompProfile"), label: "seccompProfile must be RuntimeDefault or Localhost, here or in each container", value: map[string]any{"type": "RuntimeDefault"}, reason: saysSeccomp})
		}
	}
	if psc.SeccompProfile != nil && psc.SeccompProfile.Type == corev1.SeccompProfileTypeUnconfined {
		set = append(set, breach{path: ps.Child("securityContext", "seccompProfile", "type"), label: "must not be Unconfined", value: "RuntimeDefault", reason: saysSeccomp})
	}
	for _, c := range templateContainers(p) {
		s, f := containerBreaches(c, p.ContainerSetting(c).Path, restricted, said)
		for _, list := range [][]breach{s, f} {
			for i := range list {
				list[i].in = c.Name
			}
		}
		set, forbidden = append(set, s...), append(forbidden, f...)
	}
	return set, forbidden
}

// containerBreaches are those of one container.
func containerBreaches(c snapshot.Container, at *field.Path, restricted bool, said string) (set, forbidden []breach) {
	for i, port := range c.Ports {
		if port.HostPort != 0 {
			forbidden = append(forbidden, breach{path: at.Child("ports").Index(i).Child("hostPort"), label: "ports of the node are forbidden", reason: saysHostPort})
		}
	}
	sc := c.SecurityContext
	if sc == nil {
		sc = &corev1.SecurityContext{}
	}
	at = at.Child("securityContext")
	if sc.Privileged != nil && *sc.Privileged {
		forbidden = append(forbidden, breach{path: at.Child("privileged"), label: "privileged containers are forbidden", reason: saysPrivileged})
	}
	if sc.SeccompProfile != nil && sc.SeccompProfile.Type == corev1.SeccompProfileTypeUnconfined {
		set = append(set, breach{path: at.Child("seccompProfile", "type"), label: "must not be Unconfined", value: "RuntimeDefault", reason: saysSeccomp})
	}
	var add, drop []corev1.Capability
	if sc.Capabilities != nil {
		add, drop = sc.Capabilities.Add, sc.Capabilities.Drop
	}
	reason, strict := saysAdded, false
	if _, strict = about(said, saysCaps); strict { // older versions of level restricted have baseline's list
		reason = saysCaps
	}
	for i, capability := range add {
		if strict && capability != "NET_BIND_SERVICE" || !strict && !baselineCapabilities[capability] {
			forbidden = append(forbidden, breach{path: at.Child("capabilities", "add").Index(i), label: fmt.Sprintf("capability %s is forbidden", capability), reason: reason})
		}
	}
	if !restricted {
		return set, forbidden
	}
	if sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation {
		set = append(set, breach{path: at.Child("allowPrivilegeEscalation"), label: "allowPrivilegeEscalation must be false", value: false, reason: saysEscalation})
	}
	dropsAll := false
	for _, capability := range drop {
		dropsAll = dropsAll || capability == "ALL"
	}
	if !dropsAll {
		set = append(set, breach{path: at.Child("capabilities", "drop"), label: "capabilities must drop ALL", value: []any{"ALL"}, reason: saysCaps})
	}
	if sc.RunAsNonRoot != nil && !*sc.RunAsNonRoot {
		set = append(set, breach{path: at.Child("runAsNonRoot"), label: "must not be false", value: true, reason: saysNonRoot})
	}
	if sc.RunAsUser != nil && *sc.RunAsUser == 0 {
		forbidden = append(forbidden, breach{path: at.Child("runAsUser"), label: "root is forbidden", reason: saysRoot})
	}
	return set, forbidden
}

// baselineCapabilities may be added at level baseline.
// Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline.
var baselineCapabilities = map[corev1.Capability]bool{
	"AUDIT_WRITE": true, "CHOWN": true, "DAC_OVERRIDE": true, "FOWNER": true, "FSETID": true, "KILL": true, "MKNOD": true,
	"NET_BIND_SERVICE": true, "SETFCAP": true, "SETGID": true, "SETPCAP": true, "SETUID": true, "SYS_CHROOT": true,
}

// allowedVolume tells whether level restricted allows a volume's type.
// Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted.
func allowedVolume(v corev1.Volume) bool {
	return v.ConfigMap != nil || v.CSI != nil || v.DownwardAPI != nil || v.EmptyDir != nil || v.Ephemeral != nil ||
		v.PersistentVolumeClaim != nil || v.Projected != nil || v.Secret != nil || v.Image != nil
}
