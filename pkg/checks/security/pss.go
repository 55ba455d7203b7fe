package security

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/pod-security-admission/policy"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// controls are the Pod Security Standards as Kubernetes itself judges them, in their newest version.
// They decide whether a pod is at fault; the checks of this package only find the field, and say
// what it costs and how to mend it.
var controls = newest(policy.DefaultChecks())

func newest(checks []policy.Check) map[policy.CheckID]policy.CheckPodFn {
	all := make(map[policy.CheckID]policy.CheckPodFn, len(checks))
	for _, c := range checks {
		all[c.ID] = c.Versions[len(c.Versions)-1].CheckPod
	}
	return all
}

func judge(t snapshot.Template, id policy.CheckID) policy.CheckResult {
	return controls[id](t.Meta(), t.Spec)
}

// locator finds the fields for which a template is forbidden. It is asked only about templates that
// are.
type locator func(*rule.Pass, snapshot.Template) []rule.Finding

// told says of a locator that what it leaves out is told by another check, where that one's control
// forbids the template too.
type told policy.CheckID

// toldElsewhere is the severity of a finding that is not reported: a cause says the same of pods that it breaks now.
const toldElsewhere rule.Severity = "told elsewhere"

// broken tells whether a container of the object's pods is in such a state now. Of files nobody knows.
func broken(p *rule.Pass, name string, in func(*corev1.ContainerStatus) bool) bool {
	return !p.Files && slices.ContainsFunc(p.PodsOf(p.Object), func(o *snapshot.Object) bool {
		return slices.ContainsFunc(o.PodContainers(), func(c snapshot.Container) bool { return c.Name == name && c.Status != nil && in(c.Status) })
	})
}

// partials are the names of containers that are not written in full: where an operator makes the containers, as
// that of Prometheus does, one without an image says only what is to be different.
func partials(p *rule.Pass, t snapshot.Template) []string {
	var names []string
	if p.Object.Typed != nil {
		return nil
	}
	for _, c := range t.Containers() {
		if c.Image == "" && c.Name != "" {
			names = append(names, c.Name)
		}
	}
	return names
}

// standard makes a check's Run of controls: silent where they allow a template, and where one of
// them forbids it, one finding per place, but at the least the control's own words.
func standard(locate locator, elsewhere told, ids ...policy.CheckID) func(*rule.Pass) {
	return func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil || linuxOnly[ids[0]] && onWindows(t) {
				continue
			}
			var no policy.CheckResult
			no.Allowed = true
			for _, id := range ids {
				if no.Allowed {
					no = judge(t, id)
				}
			}
			if no.Allowed {
				continue
			}
			findings, partial := locate(p, t), partials(p, t)
			for _, f := range findings {
				if f.Severity != toldElsewhere && (f.Value != "" || !slices.Contains(partial, f.Seen.Container)) {
					p.Report(f)
				}
			}
			if len(findings) == 0 && len(partial) == 0 && judge(t, "privileged").Allowed && (elsewhere == "" || judge(t, policy.CheckID(elsewhere)).Allowed) {
				p.Reportf(t.SpecPath(), "%s: %s", no.ForbiddenReason, no.ForbiddenDetail)
			}
		}
	}
}

// linuxOnly are the controls of what only Linux knows: the API refuses those fields of a pod whose os is windows,
// and where only a node selector says so, they do nothing.
var linuxOnly = map[policy.CheckID]bool{
	"capabilities_baseline": true, "capabilities_restricted": true, "allowPrivilegeEscalation": true, "seccompProfile_restricted": true,
	"procMount_restricted": true, "seLinuxOptions": true, "appArmorProfile": true,
}

// confinable are the containers that can be held to anything: one that is privileged has all capabilities, no
// seccomp profile and every way to more rights, whatever its other fields say, and its privilege is told once.
func confinable(t snapshot.Template) []snapshot.Container {
	all := containers(t)
	if !slices.ContainsFunc(all, isPrivileged) {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), isPrivileged)
}

// containers are all that the Pod Security Standards look at.
func containers(t snapshot.Template) []snapshot.Container {
	if t.Spec == nil || len(t.Spec.EphemeralContainers) == 0 {
		return t.Containers()
	}
	return slices.Concat(t.Containers(), t.EphemeralContainers())
}

// inContainer starts a finding on a field of one container.
func inContainer(p *rule.Pass, c snapshot.Container, path *field.Path) rule.Finding {
	return rule.Finding{Seen: p.Object.In(c.Name), Field: path}
}

// harden is a fix that takes something away which the program may need.
func harden(p *rule.Pass, title, caution string, patch *rule.Patch, yaml string) *rule.Fix {
	return &rule.Fix{Title: title, Caution: caution, Applicability: rule.NeedsThought, Patch: patch, YAML: yaml, Command: p.Live(patch)}
}

// ephemeralFix is for a container that was put into a running pod.
func ephemeralFix() *rule.Fix {
	return &rule.Fix{
		Title: "delete the pod once the debugging is over", Applicability: rule.NeedsThought,
		Caution: "an ephemeral container can be neither changed nor removed while its pod lives",
	}
}

// withFix gives a finding in a container its fix, where the container can be changed.
func withFix(f rule.Finding, c snapshot.Container, fix *rule.Fix) rule.Finding {
	f.Fix = fix
	if c.Ephemeral {
		f.Fix = ephemeralFix()
	}
	return f
}

// named words a list of containers: container "app", containers "app", "proxy".
func named(list []snapshot.Container) string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = strconv.Quote(c.Name)
	}
	if len(names) == 1 && list[0].Name == "" { // some kinds of others let one leave it out
		return "its container"
	}
	if len(names) == 1 {
		return "container " + names[0]
	}
	return "containers " + strings.Join(names, ", ")
}

func one(c snapshot.Container) []snapshot.Container { return []snapshot.Container{c} }

// verb is singular or plural, after named.
func verb(list []snapshot.Container, singular, plural string) string {
	if len(list) == 1 {
		return singular
	}
	return plural
}

// notSystem is an Applies that leaves out what Kubernetes and whoever runs the cluster brought: nobody who
// reads the finding could change it.
func notSystem(p *rule.Pass) bool {
	return !knowledge.SystemNamespace(p.Object.Namespace)
}

// ofUser is an Applies that leaves out what runs in a cluster's own namespaces. Of a file somebody is the author,
// wherever its objects go.
func ofUser(p *rule.Pass) bool { return p.Files || notSystem(p) }

// onWindows tells a template whose pods are for Windows nodes, where most of this is not known.
func onWindows(t snapshot.Template) bool {
	if t.Spec.OS != nil {
		return t.Spec.OS.Name == corev1.Windows
	}
	return t.Spec.NodeSelector[corev1.LabelOSStable] == string(corev1.Windows) || podWindows(t) != nil ||
		slices.ContainsFunc(t.Spec.Containers, func(c corev1.Container) bool {
			return c.SecurityContext != nil && c.SecurityContext.WindowsOptions != nil
		})
}

// ownUsers tells a template whose pods have a user namespace: their users are nobody on the node.
func ownUsers(t snapshot.Template) bool { return t.Spec.HostUsers != nil && !*t.Spec.HostUsers }

// metadataPath is where the labels and annotations of a template's pods stand.
func metadataPath(t snapshot.Template) *field.Path {
	if t.Path == nil {
		return field.NewPath("metadata")
	}
	return t.Path.Child("metadata")
}
