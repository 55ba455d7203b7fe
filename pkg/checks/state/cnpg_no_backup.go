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
		spec, _ := snapshot.Inside(o.Content, "spec").(map[string]any)
		if spec == nil || snapshot.TrueIn(spec, "replica", "enabled") {
			return // a copy of another cluster
		}
		planned, read := scheduled(p), (!p.Files || p.Closed) && p.ListRead(snapshot.CNPGScheduleKind, o.Namespace)
		if planned {
			return
		}
		backup, _ := spec["backup"].(map[string]any)
		plugin := archiver(spec)
		if len(backup) == 0 && plugin == "" {
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
			p.Report(f).WithFix(cnpgFix(o.Name, backup, plugin))
			return
		}
		if !read {
			return
		}
		f := rule.Finding{
			Field: field.NewPath("spec", "backup"), Label: "where backups go", Certainty: rule.Likely,
			Message: fmt.Sprintf("no ScheduledBackup names cluster %s: the log is archived, and without a base backup nothing can be restored from it", o.Name),
		}
		if plugin == "" && backup["barmanObjectStore"] == nil {
			f.Message = fmt.Sprintf("no ScheduledBackup names cluster %s: backup says where copies go, and nothing has any made", o.Name)
		}
		p.Report(f).WithFix(cnpgFix(o.Name, backup, plugin))
	},
}

// cnpgFix is a backup each night, in the way for which the cluster is set up: the operator refuses every other.
func cnpgFix(name string, backup map[string]any, plugin string) rule.Fix {
	yaml := fmt.Sprintf("apiVersion: postgresql.cnpg.io/v1\nkind: ScheduledBackup\nmetadata:\n  name: %s\nspec:\n  schedule: 0 0 3 * * *\n  cluster:\n    name: %s\n", name, name)
	fix := rule.Fix{Title: "have a backup made each night", Applicability: rule.NeedsThought, Caution: "restore one once: only that proves that it can be"}
	switch {
	case plugin != "":
		fix.YAML = yaml + "  method: plugin\n  pluginConfiguration:\n    name: " + plugin + "\n"
	case backup["barmanObjectStore"] != nil:
		fix.YAML = yaml + "  method: barmanObjectStore\n"
	case backup["volumeSnapshot"] != nil:
		fix.YAML = yaml + "  method: volumeSnapshot\n"
	default:
		fix.Title, fix.Applicability = "say in the cluster where backups go, and have one made each night", rule.Placeholders
		fix.Caution = "volumeSnapshot keeps the copy where the volumes are; an object store is elsewhere, and takes the log too"
		fix.YAML = "spec:\n  backup:\n    volumeSnapshot:\n      className: <SNAPSHOT_CLASS>\n---\n" + yaml + "  method: volumeSnapshot\n"
	}
	return fix
}

// archiver is the plugin of the cluster that archives its log, or "".
func archiver(spec map[string]any) string {
	plugins, _ := spec["plugins"].([]any)
	for _, plugin := range plugins {
		enabled, set := snapshot.Inside(plugin, "enabled").(bool)
		if name := snapshot.TextIn(plugin, "name"); name != "" && (!set || enabled) {
			return name
		}
	}
	return ""
}

func scheduled(p *rule.Pass) bool {
	for _, o := range p.List(snapshot.CNPGScheduleKind, p.Object.Namespace) {
		if snapshot.TextIn(o.Content, "spec", "cluster", "name") == p.Object.Name {
			return true
		}
	}
	return false
}
