package exits

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// DiskFullVolume finds programs that end because what they write into is full.
var DiskFullVolume = logCause("disk-full-volume", "what it writes into is full", "disk_full_volume.md", wantsOfDisk, reportDisk)

var fullWords = knowledge.Regexp(`(?i)no space left on device|\bENOSPC\b|disk quota exceeded|\bEDQUOT\b|not enough space on the disk`)

var diskReading = reading{
	words: fullWords,
	read: func(lines []string, at int, _ int32) *reason {
		words := fullWords
		if node.MatchString(lines[at]) {
			words = node
		}
		return &reason{cause: "disk-full-volume", what: pathBy(lines[at], words)}
	},
}

// claimOf is the claim behind a volume of the pod, "" without one.
func claimOf(p *rule.Pass, v *corev1.Volume) string {
	switch {
	case v == nil:
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		return p.Object.Name + "-" + v.Name
	}
	return ""
}

func wantsOfDisk(p *rule.Pass, c snapshot.Container, e *ended) []snapshot.Want {
	m := mountAt(c, e.what)
	if m == nil {
		return nil
	}
	claim := claimOf(p, volumeOf(p, m.Name))
	if claim == "" {
		return nil
	}
	wants := []snapshot.Want{snapshot.WantGet(snapshot.PVCKind, p.Object.Namespace, claim)}
	if pvc, _ := p.Lookup(snapshot.PVCKind, p.Object.Namespace, claim); pvc != nil {
		if typed, ok := pvc.Typed.(*corev1.PersistentVolumeClaim); ok && typed.Spec.StorageClassName != nil && *typed.Spec.StorageClassName != "" {
			wants = append(wants, snapshot.WantGet(snapshot.StorageClassKind, "", *typed.Spec.StorageClassName))
		}
	}
	return wants
}

func reportDisk(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	m := mountAt(c, e.what)
	var v *corev1.Volume
	if m != nil {
		v = volumeOf(p, m.Name)
	}
	f.Fix = &rule.Fix{Title: "see what fills it, and clear it or give it more room", Applicability: rule.NeedsThought}
	claim := claimOf(p, v)
	switch {
	case e.what == "":
		f.Certainty = rule.Possible
		f.NoField = "the program does not say where it writes"
		f.Message = "finds no space left on a file system" + e.exit() + ": which one is it?"
	case m == nil:
		f.NoField = "it is the node's own disk, which all its pods share"
		f.Message = fmt.Sprintf("finds no space left for %s, in its root file system: that is the node's disk%s", e.what, e.ends())
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a volume: none is mounted at or above %s", e.what))
		f.Fix.Title = "clear the node's disk; have the program write into a volume, with a limit on ephemeral-storage"
	case claim != "":
		reportFullClaim(p, e, &f, m, claim)
	case v != nil && v.EmptyDir != nil:
		reportFullEmptyDir(p, e, &f, m, v)
	default:
		pointAtMount(p, c, m, &f, "full")
		f.Message = fmt.Sprintf("finds no space left for %s, in volume %s%s", e.what, m.Name, e.ends())
	}
	p.Report(f)
}

func reportFullEmptyDir(p *rule.Pass, e *ended, f *rule.Finding, m *corev1.VolumeMount, v *corev1.Volume) {
	volume, ok := volumeSetting(p, m.Name)
	if !ok {
		f.NoField = fmt.Sprintf("volume %s was added to the pod by somebody else", m.Name)
		f.Message = fmt.Sprintf("finds no space left for %s, in volume %s%s", e.what, m.Name, e.ends())
		return
	}
	dir := volume.Child("emptyDir")
	if v.EmptyDir.Medium != corev1.StorageMediumMemory {
		point(f, dir, "", "on the node's disk, which is full")
		f.Message = fmt.Sprintf("finds no space left for %s: volume %s is an emptyDir on the node's disk, and that is full%s", e.what, m.Name, e.ends())
		if v.EmptyDir.SizeLimit != nil {
			f.RuledOut = append(f.RuledOut, fmt.Sprintf("its sizeLimit of %s: who writes more than that is evicted, not refused", v.EmptyDir.SizeLimit.String()))
		}
		return
	}
	if v.EmptyDir.SizeLimit == nil {
		point(f, dir, "", "in memory; without a sizeLimit as large as the pod's memory limit, or half of the node's memory")
		f.Message = fmt.Sprintf("finds no space left for %s: volume %s is an emptyDir in memory, and full%s", e.what, m.Name, e.ends())
		return
	}
	limit := v.EmptyDir.SizeLimit.DeepCopy()
	size := dir.Child("sizeLimit")
	point(f, size, limit.String(), "the volume is this large, and in memory")
	f.Message = fmt.Sprintf("finds no space left for %s: volume %s is in memory, and its %s are full%s", e.what, m.Name, limit.String(), e.ends())
	raised := limit.DeepCopy()
	raised.Add(limit)
	f.Fix = &rule.Fix{
		Title:         "raise the sizeLimit, or have it write less",
		Caution:       fmt.Sprintf("%s is twice the present size, a first step and no measurement; what lies in it counts against the memory limit of whoever wrote it", raised.String()),
		Applicability: rule.NeedsThought,
		Patch:         size.ReplaceValue(limit.String(), raised.String()),
	}
	f.Fix.Command = p.PatchCommand(size.Object, f.Fix.Patch)
}

func reportFullClaim(p *rule.Pass, e *ended, f *rule.Finding, m *corev1.VolumeMount, claim string) {
	ref := snapshot.Ref{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: p.Object.Namespace, Name: claim}
	size := rule.Setting{Object: ref, Path: rule.FieldPath("spec.resources.requests.storage")}
	point(f, size, "", "the size of the volume that is full")
	f.Message = fmt.Sprintf("finds no space left for %s: the volume of %s, mounted at %s, is full%s", e.what, ref.String(), m.MountPath, e.ends())
	patch := &rule.Patch{Type: "merge", Body: map[string]any{"spec": map[string]any{"resources": map[string]any{"requests": map[string]any{"storage": "<SIZE>"}}}}}
	f.Fix = &rule.Fix{
		Title: "make the volume larger, or clear it", Applicability: rule.Placeholders, Object: ref, Patch: patch, Command: p.PatchCommand(ref, patch),
		Caution: "a volume can grow and never shrink, and only where its StorageClass allows that",
	}
	pvc, _ := p.Lookup(snapshot.PVCKind, ref.Namespace, claim)
	if pvc == nil {
		return
	}
	typed, ok := pvc.Typed.(*corev1.PersistentVolumeClaim)
	if !ok {
		return
	}
	if have, ok := typed.Status.Capacity[corev1.ResourceStorage]; ok {
		f.Message = fmt.Sprintf("finds no space left for %s: the %s of %s, mounted at %s, are full%s", e.what, have.String(), ref.String(), m.MountPath, e.ends())
		f.Value = have.String()
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: ref, Field: "status.capacity.storage", Text: "capacity: " + have.String()})
	}
	if asked, ok := typed.Spec.Resources.Requests[corev1.ResourceStorage]; ok {
		f.Value = asked.String()
	}
	if typed.Spec.StorageClassName == nil {
		return
	}
	class, _ := p.Lookup(snapshot.StorageClassKind, "", *typed.Spec.StorageClassName)
	if class == nil {
		return
	}
	if sc, ok := class.Typed.(*storagev1.StorageClass); ok && (sc.AllowVolumeExpansion == nil || !*sc.AllowVolumeExpansion) {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: class.Ref, Field: "allowVolumeExpansion", Text: fmt.Sprintf("storageclass/%s does not let volumes grow", class.Name)})
		f.Fix = &rule.Fix{Title: "clear the volume, or move its data to a larger one", Applicability: rule.NeedsThought,
			Caution: fmt.Sprintf("storageclass/%s does not let volumes grow", class.Name)}
	}
}
