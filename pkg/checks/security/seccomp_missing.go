package security

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SeccompMissing finds containers that may make every system call there is.
var SeccompMissing = rule.Check{
	ID: "seccomp-missing", Title: "no seccomp profile", Doc: rule.ReadDoc(docs, "seccomp_missing.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Workloads, Applies: ofUser,
	Run: standard(seccompMissing, "", "seccompProfile_restricted"),
	Peers: map[string][]string{
		"polaris":    {"linuxHardening"},
		"kube-score": {"container-seccomp-profile"},
		"kubesec":    {"SeccompAny", "SeccompUnconfined"},
		"kubescape":  {"set-seccomp-profile", "set-seccomp-profile-RuntimeDefault", "linux-hardening"},
	},
}

// seccomp is the profile in one security context, nil for none.
type seccomp struct{ *corev1.SeccompProfile }

// open tells of a profile that is written and filters nothing.
func (s seccomp) open() bool {
	return s.SeccompProfile != nil && s.Type != corev1.SeccompProfileTypeRuntimeDefault && s.Type != corev1.SeccompProfileTypeLocalhost
}

func podSeccomp(t snapshot.Template) seccomp {
	if sc := t.Spec.SecurityContext; sc != nil {
		return seccomp{sc.SeccompProfile}
	}
	return seccomp{}
}

func ownSeccomp(c snapshot.Container) seccomp {
	if sc := c.SecurityContext; sc != nil {
		return seccomp{sc.SeccompProfile}
	}
	return seccomp{}
}

func seccompMissing(p *rule.Pass, t snapshot.Template) []rule.Finding {
	pod := podSeccomp(t)
	var found []rule.Finding
	var inherit []snapshot.Container // no profile of their own
	for _, c := range confinable(t) {
		own := ownSeccomp(c)
		if own.SeccompProfile == nil {
			inherit = append(inherit, c)
		}
		if !own.open() {
			continue
		}
		base := c.Path
		f := inContainer(p, c, base.Child("securityContext", "seccompProfile", "type"))
		openFinding(&f, " for "+named(one(c)), own)
		found = append(found, withFix(f, c, confine(p, base)))
	}
	base := t.SpecPath()
	f := rule.Finding{Field: base.Child("securityContext", "seccompProfile", "type"), Fix: confine(p, base)}
	allowed := ": every system call of the kernel is allowed, unless the kubelet has a default"
	if oldProfile(t, inherit) {
		allowed += "; annotations with a profile are not read any more since Kubernetes 1.27"
	}
	switch {
	case pod.open() && len(confinable(t)) == 0: // nothing that it would filter
		return found
	case pod.open() && len(inherit) == 0:
		openFinding(&f, ", though every container has a profile of its own", pod)
		f.Severity = rule.Low
	case pod.open():
		openFinding(&f, " for "+named(inherit), pod)
	case pod.SeccompProfile != nil:
		return found
	case len(inherit) == 1:
		c := inherit[0]
		base = c.Path
		f = inContainer(p, c, base.Child("securityContext", "seccompProfile"))
		f.Message = "no seccomp profile for " + named(inherit) + allowed
		f = withFix(f, c, confine(p, base))
	case len(inherit) > 1:
		f.Field = base.Child("securityContext", "seccompProfile")
		f.Message = "no seccomp profile for " + named(inherit) + allowed
	default:
		return found
	}
	return append(found, f)
}

// oldProfile tells whether annotations, as they were before the field, name a profile for one of the containers.
// Source: k8s.io/api/core/v1, SeccompPodAnnotationKey and SeccompContainerAnnotationKeyPrefix.
func oldProfile(t snapshot.Template, list []snapshot.Container) bool {
	return t.Annotations["seccomp.security.alpha.kubernetes.io/pod"] != "" ||
		slices.ContainsFunc(list, func(c snapshot.Container) bool {
			return t.Annotations["container.seccomp.security.alpha.kubernetes.io/"+c.Name] != ""
		})
}

func openFinding(f *rule.Finding, whose string, at seccomp) {
	f.Severity = rule.Medium
	f.Value = string(at.Type)
	f.Message = "seccompProfile is " + f.Value + whose
	if f.Value == "" {
		f.Message = "seccompProfile has no type" + whose
	}
	f.Label = "every system call of the kernel is allowed"
}

// confine sets the runtime's profile at base, a container or the pod.
func confine(p *rule.Pass, base *field.Path) *rule.Fix {
	if !p.Mends() {
		return nil
	}
	return harden(p, "set the runtime's own profile",
		"debuggers, profilers and sandboxes that make unusual system calls get \"operation not permitted\"; nearly all services run as before",
		p.Put(base.Child("securityContext", "seccompProfile", "type"), string(corev1.SeccompProfileTypeRuntimeDefault)),
		rule.Nest("RuntimeDefault", "securityContext", "seccompProfile", "type"))
}
