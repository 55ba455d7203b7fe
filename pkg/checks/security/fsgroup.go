package security

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// FSGroup finds pods without root that mount a claim, and do not ask for it to be theirs.
var FSGroup = rule.Check{
	ID: "fsgroup", Title: "no fsGroup for a claim that another user mounts", Doc: rule.ReadDoc(docs, "fsgroup.md"),
	Dimension: rule.Reliability, Severity: rule.Info, Off: true, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		return notSystem(p) && slices.ContainsFunc(p.Object.Templates, func(t snapshot.Template) bool {
			return t.Spec != nil && !onWindows(t) && len(claims(p, t)) > 0
		})
	},
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil || onWindows(t) {
				continue
			}
			sc := t.Spec.SecurityContext
			mounted := claims(p, t)
			switch {
			case len(mounted) == 0:
			case sc == nil || sc.FSGroup == nil:
				withoutGroup(p, t, mounted)
			case sc.FSGroupChangePolicy == nil || *sc.FSGroupChangePolicy == corev1.FSGroupChangeAlways:
				path := t.SpecPath().Child("securityContext", "fsGroupChangePolicy")
				f := rule.Finding{Field: path}
				f.Message = fmt.Sprintf("fsGroup %d without fsGroupChangePolicy: at every start the kubelet goes through all files of %s", *sc.FSGroup, quoted(mounted))
				f.Fix = harden(p, "set fsGroupChangePolicy: OnRootMismatch",
					"files deeper down that belong to another group are not put right any more, once the top folder is",
					p.Put(path, string(corev1.FSGroupChangeOnRootMismatch)), rule.Nest("OnRootMismatch", "securityContext", "fsGroupChangePolicy"))
				p.Report(f)
			}
		}
	},
	Peers: map[string][]string{
		"kubescape": {"set-fsgroup-value", "set-fsgroupchangepolicy-value", "set-supplementalgroups-values"},
	},
}

// claims are the volumes of a template on claims that one pod mounts at a time, by their names in the pod.
func claims(p *rule.Pass, t snapshot.Template) []string {
	var names []string
	for _, v := range t.Spec.Volumes {
		if v.PersistentVolumeClaim != nil && !v.PersistentVolumeClaim.ReadOnly || v.Ephemeral != nil {
			names = append(names, v.Name)
		}
	}
	if sts, ok := p.Object.Typed.(*appsv1.StatefulSet); ok {
		for _, c := range sts.Spec.VolumeClaimTemplates {
			names = append(names, c.Name)
		}
	}
	return names
}

// withoutGroup reports the containers that write into a claim and are known not to be root.
func withoutGroup(p *rule.Pass, t snapshot.Template, mounted []string) {
	var list []snapshot.Container
	var users []string
	for _, c := range t.Containers() {
		who := ownIdentity(c).under(podIdentity(t))
		if who.uid != nil && *who.uid == 0 || who.uid == nil && !who.refuses() {
			continue
		}
		if slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return !m.ReadOnly && slices.Contains(mounted, m.Name) }) {
			list = append(list, c)
			user := "a user that is not root"
			if who.uid != nil {
				user = fmt.Sprintf("user %d", *who.uid)
			}
			if !slices.Contains(users, user) {
				users = append(users, user)
			}
		}
	}
	if len(list) == 0 {
		return
	}
	f := rule.Finding{Field: t.SpecPath().Child("securityContext", "fsGroup")}
	f.Message = fmt.Sprintf("%s%s a claim as %s, and fsGroup is not set: a new volume belongs to root, and only root may write into it",
		named(list), verb(list, " mounts", " mount"), strings.Join(users, " and "))
	f.Fix = &rule.Fix{
		Title: "set fsGroup to a group of the program", Applicability: rule.Placeholders, YAML: rule.Nest("<GROUP>", "securityContext", "fsGroup"),
	}
	p.Report(f)
}

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(list, ", ")
}
