package state

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// BackupStale finds backups that are planned and do not come about.
var BackupStale = rule.Check{
	ID: "backup-stale", Title: "backups are planned and do not come about", Doc: rule.ReadDoc(docs, "backup_stale.md"),
	Dimension: rule.State, Severity: rule.High, On: rule.Kinds(snapshot.CronJobKind, snapshot.VeleroScheduleKind, snapshot.CNPGScheduleKind),
	Applies: func(p *rule.Pass) bool {
		cron, ok := p.Object.Typed.(*batchv1.CronJob)
		return !ok || backupTool(p.Object, cron) != ""
	},
	Run: func(p *rule.Pass) {
		switch p.Object.GroupKind() {
		case snapshot.VeleroScheduleKind:
			judgeVelero(p)
		case snapshot.CNPGScheduleKind:
			if snapshot.TrueIn(p.Object.Content, "spec", "suspend") {
				reportPaused(p, "suspend", "backups of cluster "+snapshot.TextIn(p.Object.Content, "spec", "cluster", "name")+" are suspended: none is made")
			}
		default:
			judgeBackupJob(p)
		}
	},
}

func reportPaused(p *rule.Pass, name, message string) {
	at := field.NewPath("spec", name)
	patch := p.Put(at, false)
	f := rule.Finding{Field: at, Value: "true", Message: message, Label: "no backup is made"}
	if p.Files { // who writes that down means it; what is forgotten stands in a cluster
		f.Severity = rule.Medium
	}
	p.Report(f).WithFix(rule.Fix{
		Title: "let it go on", Applicability: rule.NeedsThought, Caution: "somebody stopped it, and may have had a reason; the next one may be large and slow",
		Patch: patch, Command: p.Live(patch),
	})
}

func judgeBackupJob(p *rule.Pass) {
	cron, ok := p.Object.Typed.(*batchv1.CronJob)
	if !ok {
		return
	}
	what := "backups"
	if tool := backupTool(p.Object, cron); tool != "its name" {
		what = "backups by " + tool
	}
	if cron.Spec.Suspend != nil && *cron.Spec.Suspend {
		reportPaused(p, "suspend", what+" are suspended: none is made")
		return
	}
	if cron.Status.LastScheduleTime == nil { // it never ran, or these are manifests
		return
	}
	zone := ""
	if cron.Spec.TimeZone != nil {
		zone = *cron.Spec.TimeZone
	}
	due, ok := timesOf(cron.Spec.Schedule, zone)
	if !ok {
		return
	}
	f := rule.Finding{Field: field.NewPath("spec", "schedule"), Value: cron.Spec.Schedule, Label: "when it is due"}
	f.Evidence = []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.lastScheduleTime", Time: cron.Status.LastScheduleTime.Time, Text: "last started"}}
	switch last := cron.Status.LastSuccessfulTime; {
	case last == nil && due.missed(p.Object.Meta.GetCreationTimestamp().Time, p.Now):
		f.Message = fmt.Sprintf("%s have never succeeded since %s was made, %s ago", what, p.Object, rule.Human(p.Age(p.Object.Meta.GetCreationTimestamp().Time)))
	case last != nil && due.missed(last.Time, p.Now):
		f.Message = fmt.Sprintf("%s last succeeded %s ago, which is more than two periods of %q", what, rule.Human(p.Age(last.Time)), cron.Spec.Schedule)
	default:
		return
	}
	p.Report(f).WithFix(rule.Fix{
		Title: "see why its last runs failed, and run it once by hand", Applicability: rule.NeedsThought, Caution: "until one succeeds, what has changed since the last one is in no backup",
		Command: job(p),
	})
}

// job starts a CronJob once, by hand.
func job(p *rule.Pass) []string {
	if p.Files {
		return nil
	}
	return []string{"create", "job", "--from=cronjob/" + p.Object.Name, p.Object.Name + "-by-hand"}
}

// judgeVelero looks at what became of the backups of a Schedule. Its own status says only when it ran.
func judgeVelero(p *rule.Pass) {
	o := p.Object
	if snapshot.TrueIn(o.Content, "spec", "paused") {
		reportPaused(p, "paused", "the schedule is paused: no backup is made")
		return
	}
	schedule := snapshot.TextIn(o.Content, "spec", "schedule")
	f := rule.Finding{Field: field.NewPath("spec", "schedule"), Value: schedule, Label: "when it is due"}
	fix := rule.Fix{Title: "see what Velero says of its last backup, and make one by hand", Applicability: rule.Placeholders, Caution: "until one is complete, what has changed since the last one is in no backup",
		Lines: []string{"velero backup describe --details <BACKUP>", "velero backup create --from-schedule " + o.Name}}
	if snapshot.TextIn(o.Content, "status", "phase") == "FailedValidation" {
		f.Message = "Velero refuses the schedule: no backup is made"
		if said := snapshot.TextsIn(o.Content, "status", "validationErrors"); len(said) > 0 {
			f.Message += ": " + rule.Quote(said[0])
		}
		fix.Lines, fix.Applicability = nil, rule.NeedsThought
		fix.Title = "mend what Velero complains of"
		p.Report(f).WithFix(fix)
		return
	}
	if p.Files && !p.Closed {
		return
	}
	if why := unread(p, o.Namespace, snapshot.VeleroBackupKind); why != "" {
		p.Unknown("%s", why)
		return
	}
	newest, complete := veleroBackups(p)
	due, ok := timesOf(schedule, "")
	made := o.Meta.GetCreationTimestamp().Time
	switch {
	case newest != nil && snapshot.TextIn(newest.Content, "status", "phase") != "Completed":
		f.Message = fmt.Sprintf("%s ended as %s", newest, snapshot.TextIn(newest.Content, "status", "phase"))
		if n, ok := snapshot.WholeIn(newest.Content, "status", "errors"); ok && n > 0 {
			f.Message += " with " + rule.Count(int(n), "error")
		}
		f.Message += ": part of what it was to keep is in no backup"
		if !complete.IsZero() {
			if ok && !due.missed(complete, p.Now) { // one failed, and the one before is there
				f.Severity = rule.Medium
			}
			f.Message += fmt.Sprintf("; the last complete one is %s old", rule.Human(p.Age(complete)))
		}
	case !ok:
		return
	case complete.IsZero() && !made.IsZero() && due.missed(made, p.Now):
		f.Message = fmt.Sprintf("no backup of it has been complete since it was made, %s ago", rule.Human(p.Age(made)))
	case !complete.IsZero() && due.missed(complete, p.Now):
		f.Message = fmt.Sprintf("its last complete backup is %s old, which is more than two periods of %q", rule.Human(p.Age(complete)), schedule)
	default:
		return
	}
	p.Report(f).WithFix(fix)
}

// veleroBackups are the newest backup of this schedule that has ended, and when the last complete one did.
func veleroBackups(p *rule.Pass) (newest *snapshot.Object, complete time.Time) {
	var last time.Time
	for _, o := range p.List(snapshot.VeleroBackupKind, p.Object.Namespace) {
		if o.Meta.GetLabels()["velero.io/schedule-name"] != p.Object.Name {
			continue
		}
		ended := snapshot.TimeIn(o.Content, "status", "completionTimestamp")
		phase := snapshot.TextIn(o.Content, "status", "phase")
		switch phase {
		case "Completed", "PartiallyFailed", "Failed", "FailedValidation":
		default:
			continue
		}
		if ended.IsZero() {
			ended = o.Meta.GetCreationTimestamp().Time
		}
		if newest == nil || ended.After(last) {
			newest, last = o, ended
		}
		if phase == "Completed" && ended.After(complete) {
			complete = ended
		}
	}
	return newest, complete
}
