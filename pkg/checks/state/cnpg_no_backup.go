package state

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CNPGNoBackup finds clusters of CloudNativePG that nobody backs up.
var CNPGNoBackup = rule.Check{
	ID: "cnpg-no-backup", Title: "a PostgreSQL cluster without a backup", Doc: rule.ReadDoc(docs, "cnpg_no_backup.md"),
	Dimension: rule.State, Severity: rule.Medium, On: rule.Kinds(snapshot.CNPGClusterKind),
	Run: func(p *rule.Pass) {
		o := p.Object
		spec, _ := at(o.Content, "spec").(map[string]any)
		if spec == nil || boolAt(spec, "replica", "enabled") {
			return // a copy of another cluster
		}
		planned, read := scheduled(p), (!p.Files || p.Closed) && p.ListRead(snapshot.CNPGScheduleKind, o.Namespace)
		if planned {
			return
		}
		backup, _ := spec["backup"].(map[string]any)
		if len(backup) == 0 && !archives(spec) {
			f := rule.Finding{
				Field: field.NewPath("spec", "backup"), Label: "says nowhere where backups go",
				Message: "neither backup nor a plugin that archives is set: the cluster has no copy but its own replicas, which repeat a mistake at once",
			}
			switch {
			case !p.Files && !read:
				p.Unknown("%s", unread(p, o.Namespace, snapshot.CNPGScheduleKind))
				return
			case backupsOf(p).namespace(p, o.Namespace):
				f.Severity = rule.Low
				f.Message = "neither backup nor a plugin that archives is set: copies of its volumes, which something else makes, bring back no moment in between"
			}
			p.Report(f).WithFix(cnpgFix(o.Name))
			return
		}
		if !read {
			return
		}
		p.Report(rule.Finding{
			Field: field.NewPath("spec", "backup"), Label: "where backups go", Certainty: rule.Likely,
			Message: fmt.Sprintf("no ScheduledBackup names cluster %s: the log is archived, and without a base backup nothing can be restored from it", o.Name),
		}).WithFix(cnpgFix(o.Name))
	},
}

func cnpgFix(name string) rule.Fix {
	return rule.Fix{
		Title: "say where backups go, and have one made each night", Applicability: rule.NeedsThought, Caution: "volumeSnapshot keeps the copy where the volumes are; an object store is elsewhere, and takes the log too",
		YAML: fmt.Sprintf("apiVersion: postgresql.cnpg.io/v1\nkind: ScheduledBackup\nmetadata:\n  name: %s\nspec:\n  schedule: 0 0 3 * * *\n  method: volumeSnapshot\n  cluster:\n    name: %s\n", name, name),
	}
}

// archives tells whether a plugin of the cluster archives its log.
func archives(spec map[string]any) bool {
	plugins, _ := spec["plugins"].([]any)
	for _, plugin := range plugins {
		enabled, set := at(plugin, "enabled").(bool)
		if textAt(plugin, "name") != "" && (!set || enabled) {
			return true
		}
	}
	return false
}

func scheduled(p *rule.Pass) bool {
	for _, o := range p.List(snapshot.CNPGScheduleKind, p.Object.Namespace) {
		if textAt(o.Content, "spec", "cluster", "name") == p.Object.Name {
			return true
		}
	}
	return false
}
