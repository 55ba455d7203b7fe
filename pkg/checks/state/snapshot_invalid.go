package state

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SnapshotInvalid finds snapshots of volumes from which nothing can be restored.
var SnapshotInvalid = rule.Check{
	ID: "snapshot-invalid", Title: "a snapshot from which nothing can be restored", Doc: rule.ReadDoc(docs, "snapshot_invalid.md"),
	Dimension: rule.State, Severity: rule.Medium, On: rule.Kinds(snapshot.VolumeSnapshotKind, snapshot.VolumeSnapshotContentKind),
	Run: func(p *rule.Pass) {
		if p.Object.GroupKind() == snapshot.VolumeSnapshotContentKind {
			judgeContent(p)
			return
		}
		judgeSnapshot(p)
	},
	Peers: map[string][]string{"clusterlint": {"invalid-volume-snapshot", "invalid-volume-snapshot-content"}},
}

// making is how long a snapshot may take to become ready: a copy of a large volume into an object store takes hours.
const making = 6 * time.Hour

func judgeSnapshot(p *rule.Pass) {
	o := p.Object
	ref := func(kind, namespace, name string) snapshot.Ref {
		return snapshot.Ref{APIVersion: o.APIVersion, Kind: kind, Namespace: namespace, Name: name}
	}
	ready, said := snapshot.Inside(o.Content, "status", "readyToUse").(bool)
	source := field.NewPath("spec", "source")
	if name := snapshot.TextIn(o.Content, "spec", "source", "volumeSnapshotContentName"); name != "" {
		if a := absentClusterWide(p, source.Child("volumeSnapshotContentName"), ref("VolumeSnapshotContent", "", name)); a != nil {
			p.Report(a.Finding("%s %s: nothing can be restored from it", a.Ref, a.Where)).WithFix(a.Fix(p, "take", "name the content that there is, or delete the snapshot"))
		}
		return
	}
	if ready { // its claim and its class may have gone since
		if name := snapshot.TextIn(o.Content, "status", "boundVolumeSnapshotContentName"); name != "" {
			if a := absentClusterWide(p, source, ref("VolumeSnapshotContent", "", name)); a != nil {
				p.Report(a.Finding("its content %s %s: nothing can be restored from it", a.Ref, a.Where)).WithFix(rule.Fix{Title: "take a new snapshot, and delete this one", Applicability: rule.NeedsThought})
			}
		}
		return
	}
	if name := snapshot.TextIn(o.Content, "spec", "source", "persistentVolumeClaimName"); name != "" {
		claim := snapshot.Ref{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: o.Namespace, Name: name}
		if a := p.Absent(source.Child("persistentVolumeClaimName"), claim); a != nil {
			p.Report(a.Finding("%s %s: there is nothing to take a snapshot of", claim, a.Where)).WithFix(a.Fix(p, "take", "name the claim that is meant"))
			return
		}
	}
	if name := snapshot.TextIn(o.Content, "spec", "volumeSnapshotClassName"); name != "" {
		at := field.NewPath("spec", "volumeSnapshotClassName")
		if a := absentClusterWide(p, at, ref("VolumeSnapshotClass", "", name)); a != nil {
			p.Report(a.Finding("%s %s: the snapshot is never taken", a.Ref, a.Where)).WithFix(a.Fix(p, "use", "name a class that exists"))
			return
		}
	}
	made := o.Meta.GetCreationTimestamp().Time
	age := p.Age(made)
	if !said || made.IsZero() || age < making || o.Meta.GetDeletionTimestamp() != nil {
		return
	}
	f := rule.Finding{Field: source, Label: "no snapshot of it yet", Message: fmt.Sprintf("not ready for use %s after it was asked for", rule.Human(age))}
	if words := snapshot.TextIn(o.Content, "status", "error", "message"); words != "" {
		f.Message += ": " + rule.Quote(words)
	}
	f.Evidence = []rule.Evidence{{Source: rule.FromStatus, Object: o.Ref, Field: "status.readyToUse", Text: "readyToUse: false"}}
	p.Report(f).WithFix(rule.Fix{Title: "mend what its driver complains of, and take a new one", Applicability: rule.NeedsThought, Caution: "until then there is no copy of this moment"})
}

// judgeContent looks for snapshots that are kept and that nobody can name any more.
func judgeContent(p *rule.Pass) {
	namespace, name := snapshot.TextIn(p.Object.Content, "spec", "volumeSnapshotRef", "namespace"), snapshot.TextIn(p.Object.Content, "spec", "volumeSnapshotRef", "name")
	if name == "" || p.Object.Meta.GetDeletionTimestamp() != nil || !p.Files && p.ListOutcome(snapshot.VolumeSnapshotKind, namespace).Reason == snapshot.ReasonUnread {
		return
	}
	path := field.NewPath("spec", "volumeSnapshotRef", "name")
	a := p.Absent(path, snapshot.Ref{APIVersion: p.Object.APIVersion, Kind: "VolumeSnapshot", Namespace: namespace, Name: name})
	if a == nil {
		return
	}
	f := a.Finding("volumesnapshot %s/%s %s: the snapshot is kept and paid for, and no claim can be made from it as it is", namespace, name, a.Where)
	f.Severity = rule.Low
	p.Report(f).WithFix(rule.Fix{
		Title: "make a VolumeSnapshot that names it in spec.source.volumeSnapshotContentName, or delete it", Applicability: rule.NeedsThought,
		Caution: "with the deletionPolicy Retain it may be kept on purpose, as the last copy of something",
	})
}

// absentClusterWide is Absent for kinds of others that have no namespace: in manifests nothing says so, and they carry that of
// their neighbours.
func absentClusterWide(p *rule.Pass, path *field.Path, ref snapshot.Ref) *rule.Absence {
	for _, o := range p.List(ref.GroupKind(), "") {
		if o.Name == ref.Name {
			return nil
		}
	}
	return p.Absent(path, ref)
}
