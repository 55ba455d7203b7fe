package state

import (
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// BackupUncovered finds namespaces with claims of which there is no copy that is complete and recent.
var BackupUncovered = rule.Check{
	ID: "backup-uncovered", Title: "no complete and recent backup of the claims is seen", Doc: rule.ReadDoc(docs, "backup_uncovered.md"),
	Dimension: rule.State, Severity: rule.Medium, Off: true, On: rule.Kinds(snapshot.NamespaceKind),
	Needs: copyKinds,
	Applies: func(p *rule.Pass) bool {
		return (!p.Files || p.Closed) && !knowledge.SystemNamespace(p.Object.Name) && p.Object.Meta.GetDeletionTimestamp() == nil && asked(p, []schema.GroupKind{snapshot.PVCKind}) && (len(claimsIn(p, p.Object.Name)) > 0 || !p.ListRead(snapshot.PVCKind, ""))
	},
	Run: func(p *rule.Pass) {
		namespace, made := p.Object.Name, copiesOf(p)
		claims := claimsIn(p, namespace)
		var open []string
		for _, c := range claims {
			if !made.cover(p, namespace, c) {
				open = append(open, c.name)
			}
		}
		if len(open) == 0 {
			return
		}
		if tool := made.hidden(namespace); tool != "" {
			p.Unknown("%s is there, and whether its copies are complete is not seen here", tool)
			return
		}
		const few = 3
		f := rule.Finding{
			NoField: "what is missing stands nowhere", Certainty: rule.Likely,
			Message: fmt.Sprintf("%d of %s: no copy that is complete and recent is seen (%s", len(open), rule.Count(len(claims), "claim"), strings.Join(open[:min(few, len(open))], ", ")),
		}
		if len(open) > few {
			f.Message += fmt.Sprintf(" and %d more", len(open)-few)
		}
		f.Message += ")"
		if why := made.why(p, namespace); why != "" {
			f.Message += "; " + why
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "have a backup made that is complete, at least once a week, and restore it once", Applicability: rule.NeedsThought,
			Caution: "backups that the storage or the cloud makes by itself cannot be seen from here; of data that can be made again there need be none",
		})
	},
}

// copyKinds are what backups are known by, and what they left behind.
var copyKinds = slices.Concat(backupKinds, []schema.GroupKind{snapshot.CNPGBackupKind, snapshot.PodKind})

// fresh is how old a copy may be that nobody makes again and again.
const fresh = 7 * 24 * time.Hour

// copies are what is known to have been copied, completely and not long ago.
type copies struct {
	backups    []veleroCopy
	namespaces map[string]bool    // by a job that succeeded
	claims     map[[2]string]bool // of which there is a snapshot, or a copy elsewhere
	clusters   map[[2]string]bool // of CloudNativePG
	tools      map[string]string  // by namespace, "" for all: a tool that does not say here how it went
	failed     []veleroCopy       // that were to be taken, and why they do not count
}

// veleroCopy is a backup of Velero, or one that did not come about.
type veleroCopy struct {
	veleroSpec
	selectors []labels.Selector // one of which what is taken carries; none: all is taken
	why       string
}

type copiesKey struct{}

func copiesOf(p *rule.Pass) *copies {
	return snapshot.Derived(p.Snapshot, copiesKey{}, func() *copies {
		c := &copies{namespaces: map[string]bool{}, claims: map[[2]string]bool{}, clusters: map[[2]string]bool{}, tools: map[string]string{}}
		c.ofVelero(p)
		c.ofCNPG(p)
		for _, o := range p.List(snapshot.CronJobKind, "") {
			cron, ok := o.Typed.(*batchv1.CronJob)
			if !ok || cron.Status.LastSuccessfulTime == nil || backupTool(o, cron) == "" {
				continue
			}
			zone := ""
			if cron.Spec.TimeZone != nil {
				zone = *cron.Spec.TimeZone
			}
			if recently(p, cron.Status.LastSuccessfulTime.Time, cron.Spec.Schedule, zone) {
				c.namespaces[o.Namespace] = true
			}
		}
		for _, o := range p.List(snapshot.VolumeSnapshotKind, "") {
			taken := snapshot.TimeIn(o.Content, "status", "creationTime")
			if taken.IsZero() {
				taken = o.Meta.GetCreationTimestamp().Time
			}
			if snapshot.TrueIn(o.Content, "status", "readyToUse") && !taken.IsZero() && p.Age(taken) <= fresh {
				c.claims[[2]string{o.Namespace, snapshot.TextIn(o.Content, "spec", "source", "persistentVolumeClaimName")}] = true
			}
		}
		for _, o := range p.List(snapshot.VolSyncSourceKind, "") {
			if last := snapshot.TimeIn(o.Content, "status", "lastSyncTime"); recently(p, last, snapshot.TextIn(o.Content, "spec", "trigger", "schedule"), "") {
				c.claims[[2]string{o.Namespace, snapshot.TextIn(o.Content, "spec", "sourcePVC")}] = true
			}
		}
		for _, gk := range []schema.GroupKind{snapshot.K8upScheduleKind, snapshot.StashBackupKind, snapshot.GKEProtectedAppKind} {
			for _, o := range p.List(gk, "") {
				c.tools[o.Namespace] = o.String()
			}
		}
		for _, gk := range []schema.GroupKind{snapshot.KastenPolicyKind, snapshot.LonghornJobKind} {
			for _, o := range p.List(gk, "") {
				c.tools[""] = o.String()
			}
		}
		return c
	})
}

// recently tells whether something that is due at the times of a schedule was done within two periods of it; without one it
// must not be older than what nobody makes again.
func recently(p *rule.Pass, done time.Time, schedule, zone string) bool {
	if done.IsZero() {
		return false
	}
	if due, ok := timesOf(schedule, zone); ok {
		return !due.missed(done, p.Now)
	}
	return p.Age(done) <= fresh
}

// ofVelero takes in the backups of Velero. Of a schedule the newest one counts: where that one failed, the next may as well.
func (c *copies) ofVelero(p *rule.Pass) {
	schedules, newest := map[[2]string]*snapshot.Object{}, map[[2]string]*snapshot.Object{}
	for _, o := range p.List(snapshot.VeleroScheduleKind, "") {
		schedules[[2]string{o.Namespace, o.Name}] = o
	}
	ended := func(o *snapshot.Object) time.Time {
		if t := snapshot.TimeIn(o.Content, "status", "completionTimestamp"); !t.IsZero() {
			return t
		}
		return o.Meta.GetCreationTimestamp().Time
	}
	for _, o := range p.List(snapshot.VeleroBackupKind, "") {
		switch snapshot.TextIn(o.Content, "status", "phase") {
		case "Completed", "PartiallyFailed", "Failed", "FailedValidation":
		default:
			continue
		}
		key := [2]string{o.Namespace, o.Meta.GetLabels()["velero.io/schedule-name"]}
		if schedules[key] == nil { // made by hand
			key[1] = "/" + o.Name
		}
		if newest[key] == nil || ended(o).After(ended(newest[key])) {
			newest[key] = o
		}
	}
	for key, o := range newest {
		copied := veleroCopyOf(snapshot.Inside(o.Content, "spec"))
		schedule := ""
		if s := schedules[key]; s != nil {
			schedule = snapshot.TextIn(s.Content, "spec", "schedule")
		}
		switch phase := snapshot.TextIn(o.Content, "status", "phase"); {
		case phase != "Completed":
			copied.why = fmt.Sprintf("%s ended as %s", o, phase)
		case !recently(p, ended(o), schedule, ""):
			copied.why = fmt.Sprintf("the last one, %s, is %s old", o, rule.Human(p.Age(ended(o))))
		default:
			c.backups = append(c.backups, copied)
			continue
		}
		c.failed = append(c.failed, copied)
	}
	for key, s := range schedules {
		if newest[key] == nil {
			copied := veleroCopyOf(snapshot.Inside(s.Content, "spec", "template"))
			copied.why = fmt.Sprintf("%s has not made one", s)
			c.failed = append(c.failed, copied)
		}
	}
	slices.SortFunc(c.failed, func(a, b veleroCopy) int { return strings.Compare(a.why, b.why) })
}

func veleroCopyOf(spec any) veleroCopy {
	v := veleroCopy{veleroSpec: veleroOf(spec)}
	add := func(content any) {
		m, ok := content.(map[string]any)
		if !ok {
			return
		}
		var ls metav1.LabelSelector
		if runtime.DefaultUnstructuredConverter.FromUnstructured(m, &ls) != nil {
			return
		}
		if s, err := snapshot.SelectorOf(&ls); err == nil {
			v.selectors = append(v.selectors, s)
		}
	}
	add(snapshot.Inside(spec, "labelSelector"))
	if list, ok := snapshot.Inside(spec, "orLabelSelectors").([]any); ok {
		for _, item := range list {
			add(item)
		}
	}
	return v
}

// picks tells whether the selectors of a backup find a claim, or a pod that uses it, with which it is taken.
func (v veleroCopy) picks(p *rule.Pass, namespace string, c claim) bool {
	if len(v.selectors) == 0 {
		return true
	}
	return slices.ContainsFunc(v.selectors, func(s labels.Selector) bool {
		if c.object != nil && s.Matches(labels.Set(c.object.Meta.GetLabels())) {
			return true
		}
		return slices.ContainsFunc(p.SelectedPods(namespace, s), func(o *snapshot.Object) bool {
			for _, volume := range o.Pod().Spec.Volumes {
				if volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ClaimName == c.name {
					return true
				}
			}
			return false
		})
	})
}

// ofCNPG takes in the base backups of CloudNativePG.
func (c *copies) ofCNPG(p *rule.Pass) {
	last, due := map[[2]string]time.Time{}, map[[2]string]string{}
	add := func(namespace, name string, t time.Time) {
		if key := [2]string{namespace, name}; t.After(last[key]) {
			last[key] = t
		}
	}
	for _, o := range p.List(snapshot.CNPGClusterKind, "") {
		add(o.Namespace, o.Name, snapshot.TimeIn(o.Content, "status", "lastSuccessfulBackup"))
		methods, _ := snapshot.Inside(o.Content, "status", "lastSuccessfulBackupByMethod").(map[string]any)
		for method := range methods {
			add(o.Namespace, o.Name, snapshot.TimeIn(methods, method))
		}
	}
	for _, o := range p.List(snapshot.CNPGBackupKind, "") {
		if snapshot.TextIn(o.Content, "status", "phase") == "completed" {
			add(o.Namespace, snapshot.TextIn(o.Content, "spec", "cluster", "name"), snapshot.TimeIn(o.Content, "status", "stoppedAt"))
		}
	}
	for _, o := range p.List(snapshot.CNPGScheduleKind, "") {
		if !snapshot.TrueIn(o.Content, "spec", "suspend") {
			due[[2]string{o.Namespace, snapshot.TextIn(o.Content, "spec", "cluster", "name")}] = snapshot.TextIn(o.Content, "spec", "schedule")
		}
	}
	for key, t := range last {
		if recently(p, t, due[key], "") {
			c.clusters[key] = true
		}
	}
}

// cover tells whether there is a copy of a claim.
func (c *copies) cover(p *rule.Pass, namespace string, of claim) bool {
	if c.namespaces[namespace] || c.claims[[2]string{namespace, of.name}] {
		return true
	}
	if of.object != nil {
		if name := of.object.Meta.GetLabels()["cnpg.io/cluster"]; name != "" && c.clusters[[2]string{namespace, name}] {
			return true
		}
	}
	return slices.ContainsFunc(c.backups, func(v veleroCopy) bool { return v.takes(p, namespace) && v.picks(p, namespace, of) })
}

// hidden is a tool that copies the claims of a namespace, and does not say in the cluster how that went.
func (c *copies) hidden(namespace string) string {
	if tool := c.tools[namespace]; tool != "" {
		return tool
	}
	return c.tools[""]
}

// why is what keeps a backup that was to take the namespace from counting; "" where none was.
func (c *copies) why(p *rule.Pass, namespace string) string {
	for _, v := range c.failed {
		if v.takes(p, namespace) {
			return v.why
		}
	}
	return ""
}
