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
		r := &reason{cause: "disk-full-volume", what: pathBy(lines[at], words)}
		if !under(r.what, shm) && ofShm.MatchString(lines[at]) { // what it names then is no file that can be seen
			r.what = shm
		}
		return r
	},
}

// shm is where the runtime mounts a file system in memory, the same for all containers of a pod, and shmSize how
// large. Sources: containerd's and CRI-O's CRI server, which both take 64 MiB.
const (
	shm     = "/dev/shm"
	shmSize = "64 MiB"
)

// ofShm are words of an error in shared memory, which is files in /dev/shm.
var ofShm = knowledge.Regexp(`(?i)shared memory segment|shared memory object|\bshm_open\b|/dev/shm\b`)

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
	case m == nil && under(e.what, shm):
		reportShm(p, c, e, &f)
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

// reportShm tells of shared memory that is full. What is mounted there instead may be as large as the memory limit,
// or where that is not set, as half of the node's memory.
func reportShm(p *rule.Pass, c snapshot.Container, e *ended, f *rule.Finding) {
	pod := p.Object.Pod()
	if pod.Spec.HostIPC {
		point(f, p.PodSpec().Child("hostIPC"), "true", "its /dev/shm is the node's")
		f.Message = fmt.Sprintf("finds no space left in %s, which is the node's own since hostIPC is set%s", shm, e.ends())
		return
	}
	container := p.ContainerSetting(c)
	point(f, container.Child("volumeMounts"), "", fmt.Sprintf("nothing is mounted at %s: the runtime's %s lie there", shm, shmSize))
	f.Message = fmt.Sprintf("finds no space left in %s: the runtime gives the containers of a pod %s of it together, and nothing else is mounted there%s", shm, shmSize, e.ends())
	f.RuledOut = append(f.RuledOut, fmt.Sprintf("the node's disk: %s is in memory", shm))
	f.Fix = &rule.Fix{
		Title: fmt.Sprintf("mount an emptyDir in memory at %s", shm), Applicability: rule.NeedsThought,
		Caution: "what lies in it counts against the memory limit of whoever wrote it: see that this has room for it",
	}
	dir := map[string]any{"medium": string(corev1.StorageMediumMemory)}
	yaml := "medium: Memory"
	if _, limited := c.Resources.Limits[corev1.ResourceMemory]; !limited {
		dir["sizeLimit"] = "<SIZE>"
		yaml += ", sizeLimit: <SIZE>"
		f.Fix.Applicability = rule.Placeholders
		f.Fix.Caution = "what lies in it counts as memory of whoever wrote it, and without a memory limit it may be that of the whole node"
	}
	const name = "shm"
	own, spec := containerOf(p, c), podSpecOf(p, container.Object)
	if own == nil || spec == nil || hasVolume(spec, name) {
		f.Fix.YAML = fmt.Sprintf("containers:\n- name: %s\n  volumeMounts:\n  - {name: shared-memory, mountPath: %s}\nvolumes:\n- {name: shared-memory, emptyDir: {%s}}\n", c.Name, shm, yaml)
		f.Fix.Object = container.Object
		return
	}
	f.Fix = patched(p, container.Object, []rule.Op{
		sameName(container, c),
		appendTo(p.PodSpec().Child("volumes"), len(spec.Volumes), map[string]any{"name": name, "emptyDir": dir}),
		appendTo(container.Child("volumeMounts"), len(own.VolumeMounts), map[string]any{"name": name, "mountPath": shm}),
	}, *f.Fix)
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
