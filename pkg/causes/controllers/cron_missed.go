package controllers

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// lateStart is how late the controller may be without anything being wrong: it looks every ten seconds, and
// clocks differ. Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/.
const lateStart = 2 * time.Minute

// CronMissed finds CronJobs whose time has come, and no run was started.
var CronMissed = rule.Cause{
	ID: "cron-missed", Title: "the time came, and no run was started", Doc: rule.ReadDoc(docs, "cron_missed.md"),
	Peers: map[string][]string{"popeye": {"POP-1501", "POP-1502"}},
	Stage: rule.StageController, On: rule.Kinds(snapshot.CronJobKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		if e := p.Event(p.Object, "FailedCreate"); e != nil {
			for _, q := range quotasIn(e.Message) {
				wants = append(wants, snapshot.WantGet(snapshot.ResourceQuotaKind, p.Object.Namespace, q.name))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		t := timetableOf(p)
		if t == nil || forbidden(t) {
			return
		}
		n, first := t.missed(p.Now)
		refused := p.Event(p.Object, "FailedCreate")
		if n == 0 || p.Age(first) < lateStart && refused == nil {
			return
		}
		deadline := t.Spec.StartingDeadlineSeconds
		path := field.NewPath("spec", "startingDeadlineSeconds")
		f := rule.Finding{
			Field: field.NewPath("spec", "schedule"), Value: t.Spec.Schedule, Certainty: rule.Possible,
			Message: fmt.Sprintf("%s was due and did not start%s: does the CronJob controller run, and its clock go right?", t.count(n), t.history(p.Now)),
			Label:   fmt.Sprintf("was due at %s", first.UTC().Format(time.RFC3339)),
			Fix: &rule.Fix{
				Title:         "start a run by hand, and see whether the controller (kube-controller-manager) runs",
				Applicability: rule.NeedsThought,
				Command:       []string{"create", "job", "--from=" + p.Object.String(), p.Object.Name + "-by-hand"},
				Caution:       "if it was suspended until a moment ago nothing is wrong: it starts at its next time",
			},
		}
		if n > 1 {
			f.Message = fmt.Sprintf("%s were due and did not start%s: does the CronJob controller run, and its clock go right?", t.count(n), t.history(p.Now))
		}
		evidence, said := cronEvidence(p, t, "MissSchedule")
		switch {
		case refused != nil && !snapshot.EventTime(refused).Before(first):
			f.Certainty, f.Stage = rule.Certain, rule.StageNotCreated
			f.Evidence = append([]rule.Evidence{rule.EventEvidence(refused)}, evidence...)
			f.Field, f.Value, f.Label = nil, "", ""
			f.NoField = "the API server says what it refuses"
			f.Message = fmt.Sprintf("the API server refuses its Job: %s%s", rule.Quote(jobError(refused.Message)), t.history(p.Now))
			f.Fix = &rule.Fix{Title: "mend what the API server names; the next run is then started by itself", Applicability: rule.NeedsThought}
			if quotas := quotasIn(refused.Message); len(quotas) > 0 {
				refusedJob(p, &f, t, quotas[0])
			}
			p.Report(f)
			return
		case deadline != nil && *deadline < 10: // the controller looks every ten seconds
			f.Certainty = rule.Likely
			f.Field, f.Value, f.Label = path, fmt.Sprint(*deadline), "shorter than the ten seconds between two looks of the controller"
			f.Message = fmt.Sprintf("%s did not start%s: startingDeadlineSeconds is %d, and the controller looks only every ten seconds", t.count(n), t.history(p.Now), *deadline)
			raise(p, &f, path, "give the controller time to start a run")
		case p.Event(p.Object, "TooManyMissedTimes") != nil || n > manyMissed && deadline == nil:
			more, tooMany := cronEvidence(p, t, "TooManyMissedTimes")
			evidence, said = more, said || tooMany
			f.Field, f.Value, f.Label = path, "", "without it the controller counts all times since the last run"
			f.Message = fmt.Sprintf("%s were missed%s; controllers before Kubernetes 1.21 give up after %d", t.count(n), t.history(p.Now), manyMissed)
			raise(p, &f, path, "count only the last five minutes")
		}
		if said && f.Certainty == rule.Possible {
			f.Certainty = rule.Likely
		}
		f.Evidence = evidence
		p.Report(f)
	},
}

// raise is the fix for a deadline that is missing or too short: five minutes, in which the controller
// looks thirty times.
func raise(p *rule.Pass, f *rule.Finding, path *field.Path, title string) {
	f.Fix = &rule.Fix{
		Title:         title + ": a run may then start up to five minutes late",
		Caution:       "what must not start late wants a shorter time, and at least ten seconds",
		Applicability: rule.NeedsThought,
		Patch:         rule.PutIn(p.Object, path, 300),
	}
	f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
}

func jobError(message string) string {
	const words = "Error creating job: "
	if len(message) > len(words) && message[:len(words)] == words {
		return message[len(words):]
	}
	return message
}
