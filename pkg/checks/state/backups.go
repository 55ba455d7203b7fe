package state

import (
	"path"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// backupKinds are claims, and the kinds by which backups are known; where one of them was not read, nobody can say that there is
// none.
var backupKinds = []schema.GroupKind{
	snapshot.PVCKind, snapshot.CronJobKind, snapshot.VolumeSnapshotKind, snapshot.VeleroScheduleKind, snapshot.VeleroBackupKind, snapshot.CNPGClusterKind, snapshot.CNPGScheduleKind,
	snapshot.K8upScheduleKind, snapshot.VolSyncSourceKind, snapshot.LonghornJobKind, snapshot.KastenPolicyKind, snapshot.StashBackupKind, snapshot.GKEProtectedAppKind,
}

// backups are what keeps copies of claims.
type backups struct {
	everywhere bool // a tool decides elsewhere which volumes it takes
	schedules  []veleroSpec
	namespaces map[string]bool    // a job or an object of a tool there makes them
	claims     map[[2]string]bool // of which there are snapshots
	clusters   map[[2]string]bool // of CloudNativePG that are backed up
}

type backupsKey struct{}

// recent is how old a backup or a snapshot that nobody schedules may be to count as one of something that goes on.
const recent = 30 * 24 * time.Hour

func backupsOf(p *rule.Pass) *backups {
	return snapshot.Derived(p.Snapshot, backupsKey{}, func() *backups {
		b := &backups{namespaces: map[string]bool{}, claims: map[[2]string]bool{}, clusters: map[[2]string]bool{}}
		for _, o := range p.List(snapshot.VeleroScheduleKind, "") {
			if !snapshot.TrueIn(o.Content, "spec", "paused") {
				b.schedules = append(b.schedules, veleroOf(snapshot.Inside(o.Content, "spec", "template")))
			}
		}
		for _, o := range p.List(snapshot.VeleroBackupKind, "") {
			if snapshot.TextIn(o.Content, "status", "phase") == "Completed" && p.Age(o.Meta.GetCreationTimestamp().Time) < recent {
				b.schedules = append(b.schedules, veleroOf(snapshot.Inside(o.Content, "spec")))
			}
		}
		for _, o := range p.List(snapshot.CronJobKind, "") {
			if cron, ok := o.Typed.(*batchv1.CronJob); ok && backupTool(o, cron) != "" && (cron.Spec.Suspend == nil || !*cron.Spec.Suspend) {
				b.namespaces[o.Namespace] = true
			}
		}
		for _, gk := range []schema.GroupKind{snapshot.K8upScheduleKind, snapshot.VolSyncSourceKind, snapshot.StashBackupKind, snapshot.GKEProtectedAppKind} {
			for _, o := range p.List(gk, "") {
				b.namespaces[o.Namespace] = true
			}
		}
		b.everywhere = len(p.List(snapshot.KastenPolicyKind, ""))+len(p.List(snapshot.LonghornJobKind, "")) > 0
		for _, o := range p.List(snapshot.VolumeSnapshotKind, "") {
			made := o.Meta.GetCreationTimestamp().Time
			if name := snapshot.TextIn(o.Content, "spec", "source", "persistentVolumeClaimName"); name != "" && (made.IsZero() || p.Age(made) < recent) {
				b.claims[[2]string{o.Namespace, name}] = true
			}
		}
		for _, o := range p.List(snapshot.CNPGScheduleKind, "") {
			b.clusters[[2]string{o.Namespace, snapshot.TextIn(o.Content, "spec", "cluster", "name")}] = true
		}
		for _, o := range p.List(snapshot.CNPGClusterKind, "") { // cnpg-no-backup judges those without
			b.clusters[[2]string{o.Namespace, o.Name}] = true
		}
		return b
	})
}

// namespace tells whether something backs up the claims of a namespace as a whole.
func (b *backups) namespace(p *rule.Pass, name string) bool {
	return b.everywhere || b.namespaces[name] || slices.ContainsFunc(b.schedules, func(v veleroSpec) bool { return v.takes(p, name) })
}

// claim tells whether something backs up a single claim.
func (b *backups) claim(o *snapshot.Object) bool {
	return b.claims[[2]string{o.Namespace, o.Name}] || b.clusters[[2]string{o.Namespace, o.Meta.GetLabels()["cnpg.io/cluster"]}]
}

// veleroSpec is what a backup of Velero takes.
type veleroSpec struct {
	included, excluded, resources, without []string
	volumes                                bool // snapshots or copies of them, unless a pod says otherwise
}

// veleroOf reads the spec of a Backup. Source: the CRD of Velero; volumes are snapshotted unless snapshotVolumes is false,
// and copied where defaultVolumesToFsBackup is true.
func veleroOf(spec any) veleroSpec {
	snapshots, set := snapshot.Inside(spec, "snapshotVolumes").(bool)
	return veleroSpec{
		included: snapshot.TextsIn(spec, "includedNamespaces"), excluded: snapshot.TextsIn(spec, "excludedNamespaces"),
		resources: append(snapshot.TextsIn(spec, "includedResources"), snapshot.TextsIn(spec, "includedNamespaceScopedResources")...),
		without:   append(snapshot.TextsIn(spec, "excludedResources"), snapshot.TextsIn(spec, "excludedNamespaceScopedResources")...),
		volumes:   !set || snapshots || snapshot.TrueIn(spec, "defaultVolumesToFsBackup") || snapshot.TrueIn(spec, "defaultVolumesToRestic"),
	}
}

// takes tells whether a backup takes volumes of a namespace.
func (v veleroSpec) takes(p *rule.Pass, namespace string) bool {
	matches := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			ok, err := path.Match(pattern, namespace)
			return ok || err != nil // what cannot be read may mean it
		})
	}
	claims := func(resources []string) bool {
		return slices.ContainsFunc(resources, func(r string) bool {
			r, _, _ = strings.Cut(strings.ToLower(r), ".")
			return r == "*" || r == "pvc" || r == "persistentvolumeclaims" || r == "persistentvolumeclaim"
		})
	}
	switch {
	case len(v.included) > 0 && !matches(v.included), matches(v.excluded), claims(v.without):
		return false
	case len(v.resources) > 0 && !claims(v.resources):
		return false
	case v.volumes:
		return true
	}
	for _, o := range p.Workloads(namespace) {
		for _, t := range o.Templates {
			if t.Annotations["backup.velero.io/backup-volumes"] != "" {
				return true
			}
		}
	}
	return false
}

// backupTool is what a CronJob makes backups with, "" where it makes none: the name of a program that it starts, or its own name.
func backupTool(o *snapshot.Object, cron *batchv1.CronJob) string {
	spec := &cron.Spec.JobTemplate.Spec.Template.Spec
	for _, list := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range list {
			if tool := knowledge.BackupProgram(list[i].Image, slices.Concat(list[i].Command, list[i].Args)); tool != "" {
				return tool
			}
		}
	}
	if knowledge.BackupName(o.Name) {
		return "its name"
	}
	return ""
}

// times are those at which a backup is due.
type times struct {
	*knowledge.Schedule
	zone *time.Location
}

// timesOf reads a schedule: with a time zone of its own or before it, and with seconds, as CloudNativePG has them.
func timesOf(schedule, zone string) (times, bool) {
	for _, prefix := range []string{"CRON_TZ=", "TZ="} {
		if rest, ok := strings.CutPrefix(schedule, prefix); ok {
			zone, schedule, _ = strings.Cut(rest, " ")
		}
	}
	if fields := strings.Fields(schedule); len(fields) == 6 {
		schedule = strings.Join(fields[1:], " ")
	}
	s, err := knowledge.ParseSchedule(strings.TrimSpace(schedule))
	location := knowledge.Zone(zone)
	if err != nil || location == nil {
		return times{}, false
	}
	return times{s, location}, true
}

// late is after how many missed times a backup is said not to come about: two, and the one that may be at work.
const late = 3

// soonest is how long a backup may be missing in any case: what runs each minute is late after a few, and nobody is to be told.
const soonest = time.Hour

// missed tells whether more than two periods have gone since.
func (t times) missed(since, now time.Time) bool {
	return now.Sub(since) > soonest && t.Passed(since.In(t.zone), now.In(t.zone), late) >= late
}
