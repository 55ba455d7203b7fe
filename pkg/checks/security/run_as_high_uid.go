package security

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RunAsHighUID finds containers whose user or group may be one of the node's own.
var RunAsHighUID = rule.Check{
	ID: "run-as-high-uid", Title: "its user may exist on the node too", Doc: rule.ReadDoc(docs, "run_as_high_uid.md"),
	Dimension: rule.Security, Severity: rule.Info, Off: true, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil || onWindows(t) || ownUsers(t) {
				continue
			}
			for _, c := range t.Containers() {
				lowIDs(p, t, c)
			}
		}
	},
	Peers: map[string][]string{
		"kube-score": {"container-security-context-user-group-id"},
		"kubesec":    {"RunAsUser", "RunAsGroup"},
	},
}

// lastOfNode is the highest id that people take for one of a node's own users. It is a custom and no rule
// of Linux: distributions give ids from 1000 on to people, and none of them comes that far.
const lastOfNode = 10000

func lowIDs(p *rule.Pass, t snapshot.Template, c snapshot.Container) {
	if ownIdentity(c).under(podIdentity(t)).root() { // which run-as-nonroot tells
		return
	}
	var said []string
	var values []rule.Value
	f := inContainer(p, c, nil)
	for _, id := range []struct {
		name     string
		own, pod *int64
	}{
		{"runAsUser", ownIdentity(c).uid, podIdentity(t).uid},
		{"runAsGroup", ownGroup(c), podGroup(t)},
	} {
		value, base := id.own, c.Path
		if value == nil && id.pod != nil {
			value, base = id.pod, t.SpecPath()
		}
		if value != nil && *value > lastOfNode {
			continue
		}
		at := base.Child("securityContext", id.name)
		text := "no " + id.name
		if value != nil {
			text = fmt.Sprintf("%s %d", id.name, *value)
		}
		if f.Field == nil {
			f.Field = at
			if value != nil {
				f.Value = fmt.Sprint(*value)
			}
		} else {
			f.Marks = append(f.Marks, rule.Mark{Field: at})
		}
		said = append(said, text)
		values = append(values, rule.Value{Path: c.Path.Child("securityContext", id.name), Value: int64(lastOfNode + 1)})
	}
	if f.Field == nil {
		return
	}
	f.Message = fmt.Sprintf("%s has %s: outside of it that may be somebody on the node", named(one(c)), strings.Join(said, " and "))
	f.Fix = harden(p, "give it ids of its own above 10000",
		"the program must be able to run as any user, and the files that it writes, those on its volumes too, must belong to the new one",
		rule.PutAllIn(p.Object, values...), idsYAML(values))
	p.Report(f)
}

func idsYAML(values []rule.Value) string {
	var b strings.Builder
	b.WriteString("securityContext:\n")
	for _, v := range values {
		fmt.Fprintf(&b, "  %s: %v\n", lastStep(v.Path), v.Value)
	}
	return b.String()
}

func lastStep(path *field.Path) string {
	text := path.String()
	return text[strings.LastIndexByte(text, '.')+1:]
}

func ownGroup(c snapshot.Container) *int64 {
	if c.SecurityContext == nil {
		return nil
	}
	return c.SecurityContext.RunAsGroup
}

func podGroup(t snapshot.Template) *int64 {
	if t.Spec.SecurityContext == nil {
		return nil
	}
	return t.Spec.SecurityContext.RunAsGroup
}
