package controllers

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Source: kubernetes plugin/pkg/admission/priority/admission.go.
var noPriorityClass = knowledge.Regexp(`no PriorityClass with name (\S+) was found`)

// PriorityClassMissing finds controllers whose pods name a PriorityClass that does not exist.
var PriorityClassMissing = rule.Cause{
	ID: "priorityclass-missing", Title: "the pods name a PriorityClass that does not exist", Doc: rule.ReadDoc(docs, "priorityclass_missing.md"),
	Stage: rule.StageNotCreated, On: rule.PodMakers,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if r := p.RefusedPods(); r == nil || !noPriorityClass.MatchString(r.Message) {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.PriorityClassKind, "", "")}
	},
	Run: func(p *rule.Pass) {
		if r := p.RefusedPods(); r != nil {
			if m := noPriorityClass.FindStringSubmatch(r.Message); m != nil {
				reportPriorityClass(p, r, m[1])
			}
		}
	},
}

func reportPriorityClass(p *rule.Pass, r *rule.Refusal, name string) {
	spec := p.PodSpec()
	s := spec.Child("priorityClassName")
	f := rule.Finding{
		Object: s.Object, Stage: p.RefusedStage(), Field: s.Path, Value: name, Certainty: rule.Certain, Evidence: []rule.Evidence{r.Evidence},
		Message: fmt.Sprintf("there is no PriorityClass %s, so no pod is created: %s", name, exist(r)),
		Label:   "no PriorityClass has this name",
		Fix: &rule.Fix{
			Title:         "name a PriorityClass that exists, or create the one that is meant",
			Caution:       "a higher priority may push other pods off their nodes",
			Applicability: rule.Placeholders,
		},
	}
	written := name
	if len(p.Object.Templates) > 0 && p.Object.Templates[0].Spec != nil {
		written = p.Object.Templates[0].Spec.PriorityClassName
	}
	if written != name { // admission changed it, or somebody changed the template since
		f.Value = written
	}
	if p.ListRead(snapshot.PriorityClassKind, "") {
		have := p.Names(snapshot.PriorityClassKind, "")
		f.Label = "no PriorityClass has this name; there is " + strings.Join(have, ", ")
		if len(have) == 0 {
			f.Label = "no PriorityClass has this name, and there is no other"
		}
		if near := knowledge.Nearest(name, have); near != "" && written == name {
			f.Fix.Title = fmt.Sprintf("name %s, the nearest that exists; or create the one that is meant", near)
			f.Fix.Applicability = rule.NeedsThought
			f.Fix.Patch = s.ReplaceValue(name, near)
			f.Fix.Command = p.PatchCommand(s.Object, f.Fix.Patch)
			p.Report(f)
			return
		}
	}
	if written == name {
		f.Fix.Patch = s.ReplaceValue(written, "<PRIORITY_CLASS>")
		f.Fix.Command = p.PatchCommand(s.Object, f.Fix.Patch)
	} else {
		f.Fix.Applicability = rule.NeedsThought
	}
	p.Report(f)
}
