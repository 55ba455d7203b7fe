package state

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// BackupMissing finds namespaces whose claims nothing backs up.
var BackupMissing = rule.Check{
	ID: "backup-missing", Title: "nothing seen backs up the volumes of the namespace", Doc: rule.ReadDoc(docs, "backup_missing.md"),
	Dimension: rule.State, Severity: rule.Medium, On: rule.Kinds(snapshot.NamespaceKind),
	Needs: backupKinds,
	Applies: func(p *rule.Pass) bool {
		return (!p.Files || p.Closed) && !knowledge.SystemNamespace(p.Object.Name) && p.Object.Meta.GetDeletionTimestamp() == nil && asked(p, backupKinds) && (len(claimsIn(p, p.Object.Name)) > 0 || !p.ListRead(snapshot.PVCKind, ""))
	},
	Run: func(p *rule.Pass) {
		claims := claimsIn(p, p.Object.Name)
		if len(claims) == 0 || backupsOf(p).namespace(p, p.Object.Name) {
			return
		}
		var open []string
		for _, c := range claims {
			if c.object == nil || !backupsOf(p).claim(c.object) {
				open = append(open, c.name)
			}
		}
		if len(open) < len(claims) || len(open) == 0 {
			return // of single volumes reclaim-delete speaks
		}
		const few = 3
		f := rule.Finding{
			NoField: "what is missing stands nowhere", Certainty: rule.Likely,
			Message: fmt.Sprintf("nothing that was read backs up %s (%s)", rule.Count(len(open), "claim"), strings.Join(open[:min(few, len(open))], ", ")),
		}
		if !slices.ContainsFunc(p.Workloads(p.Object.Name), func(o *snapshot.Object) bool { return len(databasesOf(p, o)) > 0 }) {
			f.Severity = rule.Low // of what is in them nothing is known
		}
		if len(open) > few {
			f.Message = strings.TrimSuffix(f.Message, ")") + fmt.Sprintf(" and %d more)", len(open)-few)
		}
		f.Message += ": no schedule of Velero, no snapshot and no job that makes copies"
		p.Report(f).WithFix(rule.Fix{
			Title: "have a backup made of what cannot be made again, by Velero for instance, and restore it once", Applicability: rule.NeedsThought,
			Caution: "backups that the storage or the cloud makes by itself cannot be seen from here",
			YAML:    fmt.Sprintf("apiVersion: velero.io/v1\nkind: Schedule\nmetadata:\n  name: %s\n  namespace: velero\nspec:\n  schedule: 0 3 * * *\n  template:\n    includedNamespaces:\n    - %s\n    ttl: 720h\n", p.Object.Name, p.Object.Name),
		})
	},
}

// claim is a claim that is there, or that a StatefulSet of the manifests will make.
type claim struct {
	name   string
	object *snapshot.Object
}

func claimsIn(p *rule.Pass, namespace string) []claim {
	var list []claim
	for _, o := range p.List(snapshot.PVCKind, namespace) {
		pvc, ok := o.Typed.(*corev1.PersistentVolumeClaim)
		if ok && pvc.DeletionTimestamp == nil && pvc.Status.Phase != corev1.ClaimPending && !ephemeral(o) {
			list = append(list, claim{o.Name, o})
		}
	}
	if !p.Files {
		return list
	}
	for _, o := range p.List(snapshot.StatefulSetKind, namespace) {
		sts, ok := o.Typed.(*appsv1.StatefulSet)
		if !ok {
			continue
		}
		for i := range sts.Spec.VolumeClaimTemplates {
			name := sts.Spec.VolumeClaimTemplates[i].Name + "-" + sts.Name
			if !slices.ContainsFunc(list, func(c claim) bool { return strings.HasPrefix(c.name, name+"-") }) {
				list = append(list, claim{name: name + "-0"})
			}
		}
	}
	return list
}

// ephemeral tells the claims that go with their pod.
func ephemeral(o *snapshot.Object) bool {
	ref, ok := o.OwnerRef()
	return ok && ref.GroupKind() == snapshot.PodKind
}
