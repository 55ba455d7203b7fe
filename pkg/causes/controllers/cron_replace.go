package controllers

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CronReplace finds CronJobs of which no run ends, since each is deleted for the next one.
var CronReplace = rule.Cause{
	ID: "cron-replace", Title: "no run ends: each is replaced by the next", Doc: rule.ReadDoc(docs, "cron_replace.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.CronJobKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		return []snapshot.Want{snapshot.WantList(snapshot.JobKind, p.Object.Namespace, "")}
	},
	Run: func(p *rule.Pass) {
		r := rule.Replaced(p.Snapshot, p.Object)
		t := timetableOf(p)
		if r == nil || t == nil {
			return
		}
		path := field.NewPath("spec", "concurrencyPolicy")
		active := snapshot.Ref{APIVersion: "batch/v1", Kind: "Job", Namespace: p.Object.Namespace, Name: r.Job}
		f := rule.Finding{
			Field: path, Value: string(t.Spec.ConcurrencyPolicy), Certainty: rule.Likely,
			Label:   "a run that goes on is deleted when the next one starts",
			Message: fmt.Sprintf("no run has ever ended: %s since it was made, each deleted for the next%s", t.count(r.Count+1), t.history(p.Now)),
			Marks:   []rule.Mark{{Field: field.NewPath("spec", "schedule"), Label: "as long as a run has"}},
			Fix: &rule.Fix{
				Title:         fmt.Sprintf("see what %s waits for; if its work only takes longer than the time between two runs, let it end (Forbid), or run it less often", active.String()),
				Caution:       "with Forbid a run may take as long as it needs, and one that hangs holds up all others: give the jobTemplate an activeDeadlineSeconds then",
				Applicability: rule.NeedsThought,
				Patch:         (rule.Setting{Object: p.Object.Ref, Path: path}).ReplaceValue(t.Spec.ConcurrencyPolicy, "Forbid"),
			},
		}
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
		f.Fix.Lines = []string{p.Explain(active)}
		if r.Ever {
			f.Message = fmt.Sprintf("no run has ended for %s: %s since then, each deleted for the next%s", rule.Human(p.Age(r.Since)), t.count(r.Count+1), t.history(p.Now))
		}
		f.Evidence, _ = cronEvidence(p, t, "SuccessfulDelete")
		if r.Event == nil {
			f.Certainty = rule.Possible
			f.Message += "; or does somebody else delete its Jobs? its events, gone by now, would tell"
		}
		p.Report(f)
	},
}
