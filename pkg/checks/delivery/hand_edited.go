package delivery

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// writtenByPeople are kinds that people write and tools keep.
var writtenByPeople = rule.Kinds(
	snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.CronJobKind, snapshot.RolloutKind, snapshot.ServiceKind,
	snapshot.ConfigMapKind, snapshot.HPAKind, snapshot.PDBKind, snapshot.IngressKind, snapshot.NetworkPolicyKind,
)

// HandEdited finds objects that somebody changed behind the back of the tool that keeps them.
var HandEdited = rule.Check{
	ID: "hand-edited", Title: "changed by hand after the tool that keeps it", Doc: rule.ReadDoc(docs, "hand_edited.md"),
	Dimension: rule.Delivery, Severity: rule.Medium, Off: true, On: writtenByPeople,
	Applies: func(p *rule.Pass) bool {
		return len(p.Object.Managers) > 0 && len(p.Object.Meta.GetOwnerReferences()) == 0 && keeperOf(p.Object).Tool != ""
	},
	Run: func(p *rule.Pass) {
		o := p.Object
		edits := editsOf(o)
		if len(edits) == 0 {
			return
		}
		keeper := keeperOf(o)
		last := lastKept(o)
		if last.IsZero() {
			p.Unknown("%s keeps it, and when that wrote it last is not recorded", keeper.Tool)
			return
		}
		for _, e := range edits {
			if !e.by.Time.After(last) {
				continue
			}
			by := knowledge.Hand(e.by.Name)
			verb := "set"
			if strings.HasSuffix(by, " set") {
				verb = "changed"
			}
			f := rule.Finding{
				Field: rule.FieldPath(e.fields[0]), Label: "set by hand", Evidence: wrote(o, e.by),
				Message: fmt.Sprintf("%s %s %s%s, after %s wrote last: it differs from what that has, unless somebody put it there too", by, verb, someOf(e.fields), on(e.by), keeper.Tool),
			}
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "metadata.managedFields", Time: last, Text: strings.TrimSuffix(keeper.Tool+" wrote last, "+keeper.Where, ", ")})
			fix := rule.Fix{
				Title: "put it where " + keeper.Tool + " takes the object from, or let that write its own again", Applicability: rule.NeedsThought,
				Caution: "somebody had a reason: what is put back may be what broke",
			}
			if !p.Files {
				fix.Command = []string{"get", o.String(), "-o", "yaml", "--show-managed-fields"}
			}
			p.Report(f).WithFix(fix)
		}
	},
}

// keeperOf is the tool that keeps an object; the zero Keeper where nothing names one.
func keeperOf(o *snapshot.Object) knowledge.Keeper {
	return knowledge.KeptBy(o.Meta.GetLabels(), o.Meta.GetAnnotations(), writerNames(o))
}

// lastKept is when a tool that keeps objects wrote this one last; zero where none is recorded. Which of them is not
// asked: Terraform may call helm, and Argo CD take over what helm made.
func lastKept(o *snapshot.Object) time.Time {
	var last time.Time
	for _, m := range o.Managers {
		if m.Time.After(last) && knowledge.ToolOfWriter(m.Name) != "" {
			last = m.Time
		}
	}
	return last
}

// edit is what somebody changed in an object.
type edit struct {
	by     *snapshot.FieldManager
	fields []string
}

// editsOf are the changes by hand that an object still has, the newest first; that pods were only started anew, or
// more of them, is none.
func editsOf(o *snapshot.Object) []edit {
	var list []edit
	for i := range o.Managers {
		m := &o.Managers[i]
		if m.Name == "kubectl-rollout" || m.Time.IsZero() || !knowledge.ByHand(m.Name, m.Applied) {
			continue
		}
		if fields := written(m, knowledge.RestartOnly); len(fields) > 0 {
			list = append(list, edit{m, fields})
		}
	}
	slices.SortStableFunc(list, func(a, b edit) int { return b.by.Time.Compare(a.by.Time) })
	return list
}

// written are the fields that a field manager holds, without what its program writes by itself and the annotations
// that are left out.
func written(m *snapshot.FieldManager, without func(annotation string) bool) []string {
	return slices.DeleteFunc(m.Leaves(), func(path string) bool {
		_, key, ok := strings.Cut(path, "annotations[")
		key = strings.TrimSuffix(key, "]")
		if !ok {
			return strings.HasSuffix(path, "metadata.annotations") // of which only the entries count
		}
		return knowledge.NoteOfProgram(key) || without(key)
	})
}

// someOf are the first fields of a list in words.
func someOf(fields []string) string {
	const most = 3
	if len(fields) <= most {
		return strings.Join(fields, ", ")
	}
	return strings.Join(fields[:most], ", ") + " and " + rule.Count(len(fields)-most, "more field")
}
