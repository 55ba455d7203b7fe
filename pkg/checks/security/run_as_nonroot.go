package security

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RunAsNonRoot finds containers that run, or may run, as root.
var RunAsNonRoot = rule.Check{
	ID: "run-as-nonroot", Title: "may run as root", Doc: rule.ReadDoc(docs, "run_as_nonroot.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Workloads, Applies: ofUser,
	Run: standard(runAsNonRoot, "", "runAsUser", "runAsNonRoot"),
	Peers: map[string][]string{
		"polaris":     {"runAsRootAllowed"},
		"popeye":      {"POP-302", "POP-306"},
		"kube-linter": {"run-as-non-root"},
		"kubesec":     {"RunAsNonRoot"},
		"clusterlint": {"non-root-user"},
		"kubescape":   {"non-root-containers", "set-runasusername-value", "set-gmsacredentialspecname-value"},
	},
}

// identity is what is written about the user in one security context.
type identity struct {
	uid     *int64
	nonRoot *bool
}

func (i identity) root() bool    { return i.uid != nil && *i.uid == 0 }
func (i identity) refuses() bool { return i.nonRoot != nil && *i.nonRoot }
func (i identity) allows() bool  { return i.nonRoot != nil && !*i.nonRoot }

func podIdentity(t snapshot.Template) identity {
	if sc := t.Spec.SecurityContext; sc != nil {
		return identity{sc.RunAsUser, sc.RunAsNonRoot}
	}
	return identity{}
}

func ownIdentity(c snapshot.Container) identity {
	if sc := c.SecurityContext; sc != nil {
		return identity{sc.RunAsUser, sc.RunAsNonRoot}
	}
	return identity{}
}

// under is what holds for a container: what it does not say itself it has from the pod.
func (i identity) under(pod identity) identity {
	if i.uid == nil {
		i.uid = pod.uid
	}
	if i.nonRoot == nil {
		i.nonRoot = pod.nonRoot
	}
	return i
}

func runAsNonRoot(p *rule.Pass, t snapshot.Template) []rule.Finding {
	pod := podIdentity(t)
	var found []rule.Finding
	var unset, inheritRoot, inheritAllow []snapshot.Container
	for _, c := range containers(t) {
		own := ownIdentity(c)
		holds := own.under(pod)
		base := c.Path
		if holds.root() && !own.root() {
			inheritRoot = append(inheritRoot, c)
		}
		switch {
		case own.root():
			f := inContainer(p, c, base.Child("securityContext", "runAsUser"))
			rootFinding(&f, t, one(c), holds.refuses())
			ifRefused(p, &f, one(c))
			found = append(found, withFix(f, c, notRoot(p, base, holds)))
		case own.allows():
			f := inContainer(p, c, base.Child("securityContext", "runAsNonRoot"))
			allowFinding(&f, "runAsNonRoot is false for "+named(one(c)), holds)
			found = append(found, withFix(f, c, nonRoot(p, base)))
		case own.nonRoot == nil && pod.allows():
			inheritAllow = append(inheritAllow, c)
		case own.nonRoot == nil && pod.nonRoot == nil:
			unset = append(unset, c)
		}
	}
	base := t.SpecPath()
	f := rule.Finding{Field: base.Child("securityContext", "runAsNonRoot")}
	switch {
	case pod.root():
		// The fix for the user sets runAsNonRoot too, so what is unset needs no finding of its own.
		f.Field = base.Child("securityContext", "runAsUser")
		if len(inheritRoot) == 0 {
			f.Value, f.Severity, f.Message = "0", rule.Low, "runAsUser is 0, though every container names a user of its own"
		} else {
			rootFinding(&f, t, inheritRoot, allRefuse(inheritRoot, pod))
			ifRefused(p, &f, inheritRoot)
		}
		f.Fix = notRoot(p, base, pod)
	case pod.allows():
		if len(inheritAllow) == 0 {
			f.Value, f.Severity, f.Message = "false", rule.Low, "runAsNonRoot is false, though every container says otherwise for itself"
		} else {
			allowFinding(&f, "runAsNonRoot is false for "+named(inheritAllow), weakest(inheritAllow, pod))
		}
		f.Fix = nonRoot(p, base)
	case len(unset) == 1:
		c := unset[0]
		own := ownIdentity(c)
		base = c.Path
		f = inContainer(p, c, base.Child("securityContext", "runAsNonRoot"))
		allowFinding(&f, "runAsNonRoot is not set for "+named(unset), own.under(pod))
		f = withFix(f, c, nonRoot(p, base))
		onlyInit(&f, unset)
	case len(unset) > 1:
		allowFinding(&f, "runAsNonRoot is not set for "+named(unset), weakest(unset, pod))
		onlyInit(&f, unset)
		f.Fix = nonRoot(p, base)
	default:
		return found
	}
	return append(found, f)
}

// weakest is what holds for the container that is least kept from root.
func weakest(list []snapshot.Container, pod identity) identity {
	var holds identity
	for _, c := range list {
		if holds = ownIdentity(c).under(pod); holds.uid == nil {
			return holds
		}
	}
	return holds
}

// onlyInit is for what is over before anybody can reach the pod.
func onlyInit(f *rule.Finding, list []snapshot.Container) {
	if !slices.ContainsFunc(list, func(c snapshot.Container) bool { return !c.Init }) {
		f.Severity = rule.Low
	}
}

func allRefuse(list []snapshot.Container, pod identity) bool {
	for _, c := range list {
		if !ownIdentity(c).under(pod).refuses() {
			return false
		}
	}
	return true
}

func rootFinding(f *rule.Finding, t snapshot.Template, list []snapshot.Container, refused bool) {
	f.Severity, f.Value, f.Label = rule.Medium, "0", "user 0 is root"
	f.Message = named(list) + verb(list, " runs", " run") + " as root: runAsUser is 0"
	switch {
	case refused:
		f.Severity = rule.High
		f.Message += ", and runAsNonRoot is true: the kubelet does not start it"
	case !slices.ContainsFunc(list, func(c snapshot.Container) bool { return !powerless(t, c) }):
		f.Severity = rule.Low
		f.Message += ", without the capabilities of root"
	case !slices.ContainsFunc(list, func(c snapshot.Container) bool { return !c.Init }):
		f.Severity = rule.Low
		f.Message += ", and done before the pod serves anybody"
	}
}

// ifRefused keeps silent of a user that the kubelet refuses right now.
func ifRefused(p *rule.Pass, f *rule.Finding, list []snapshot.Container) {
	refused := func(s *corev1.ContainerStatus) bool {
		return s.State.Waiting != nil && s.State.Waiting.Reason == "CreateContainerConfigError"
	}
	if f.Severity == rule.High && slices.ContainsFunc(list, func(c snapshot.Container) bool { return broken(p, c.Name, refused) }) {
		f.Severity = toldElsewhere
	}
}

// powerless tells a container whose root is little more than another user: it has none of root's
// capabilities, and no way to get them.
func powerless(t snapshot.Template, c snapshot.Container) bool {
	alone := snapshot.Template{Spec: &corev1.PodSpec{OS: t.Spec.OS, Containers: []corev1.Container{{SecurityContext: c.SecurityContext}}}}
	return !isPrivileged(c) && judge(alone, "capabilities_restricted").Allowed && judge(alone, "allowPrivilegeEscalation").Allowed
}

func allowFinding(f *rule.Finding, message string, holds identity) {
	if holds.allows() {
		f.Value = "false"
	}
	switch {
	case holds.root():
		f.Message = message + ": it runs as root, the pod's runAsUser being 0"
	case holds.uid != nil:
		f.Severity = rule.Low
		f.Message = fmt.Sprintf("%s: only runAsUser %d keeps root out", message, *holds.uid)
	default:
		f.Message = message + ": the image's own user runs it, which may be root"
	}
}

const nonRootCaution = "the kubelet then refuses images that run as root or name their user without a number: choose an image that does not, or set runAsUser, and give that user the files it writes"

// nonRoot sets runAsNonRoot at base, a container or the pod.
func nonRoot(p *rule.Pass, base *field.Path) *rule.Fix {
	if !p.Mends() {
		return nil
	}
	return harden(p, "set runAsNonRoot: true", nonRootCaution,
		p.Put(base.Child("securityContext", "runAsNonRoot"), true), rule.Nest("true", "securityContext", "runAsNonRoot"))
}

// notRoot takes user 0 out at base, and sees to it that no other root comes in its place.
func notRoot(p *rule.Pass, base *field.Path, holds identity) *rule.Fix {
	patch := p.Drop(base.Child("securityContext", "runAsUser"))
	if !holds.refuses() {
		patch = patch.And(p.Put(base.Child("securityContext", "runAsNonRoot"), true))
	}
	return harden(p, "take runAsUser: 0 out, and set runAsNonRoot: true", nonRootCaution, patch, rule.Nest("true", "securityContext", "runAsNonRoot"))
}
