package security

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// VolumeTypes finds volumes by which a pod reaches storage past the cluster's own claims.
var VolumeTypes = rule.Check{
	ID: "volume-types", Title: "mounts storage past the cluster's claims", Doc: rule.ReadDoc(docs, "volume_types.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Workloads, Applies: ofUser,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec != nil && !judge(t, "restrictedVolumes").Allowed {
				volumeTypes(p, t)
			}
		}
	},
}

// volumeKind is a kind of volume that the restricted standard forbids. Sources: the comments on the fields
// of VolumeSource in k8s.io/api, and which drivers Kubernetes still has.
type volumeKind struct {
	field string
	of    func(corev1.VolumeSource) bool
	gone  bool // no kubelet that is still looked after mounts it
}

var volumeKinds = []volumeKind{
	{"nfs", func(v corev1.VolumeSource) bool { return v.NFS != nil }, false},
	{"iscsi", func(v corev1.VolumeSource) bool { return v.ISCSI != nil }, false},
	{"fc", func(v corev1.VolumeSource) bool { return v.FC != nil }, false},
	{"flexVolume", func(v corev1.VolumeSource) bool { return v.FlexVolume != nil }, false},
	{"awsElasticBlockStore", func(v corev1.VolumeSource) bool { return v.AWSElasticBlockStore != nil }, false},
	{"gcePersistentDisk", func(v corev1.VolumeSource) bool { return v.GCEPersistentDisk != nil }, false},
	{"azureDisk", func(v corev1.VolumeSource) bool { return v.AzureDisk != nil }, false},
	{"azureFile", func(v corev1.VolumeSource) bool { return v.AzureFile != nil }, false},
	{"cinder", func(v corev1.VolumeSource) bool { return v.Cinder != nil }, false},
	{"vsphereVolume", func(v corev1.VolumeSource) bool { return v.VsphereVolume != nil }, false},
	{"portworxVolume", func(v corev1.VolumeSource) bool { return v.PortworxVolume != nil }, false},
	{"gitRepo", func(v corev1.VolumeSource) bool { return v.GitRepo != nil }, true},
	{"glusterfs", func(v corev1.VolumeSource) bool { return v.Glusterfs != nil }, true},
	{"rbd", func(v corev1.VolumeSource) bool { return v.RBD != nil }, true},
	{"cephfs", func(v corev1.VolumeSource) bool { return v.CephFS != nil }, true},
	{"flocker", func(v corev1.VolumeSource) bool { return v.Flocker != nil }, true},
	{"quobyte", func(v corev1.VolumeSource) bool { return v.Quobyte != nil }, true},
	{"photonPersistentDisk", func(v corev1.VolumeSource) bool { return v.PhotonPersistentDisk != nil }, true},
	{"scaleIO", func(v corev1.VolumeSource) bool { return v.ScaleIO != nil }, true},
	{"storageos", func(v corev1.VolumeSource) bool { return v.StorageOS != nil }, true},
}

func volumeTypes(p *rule.Pass, t snapshot.Template) {
	for i, v := range t.Spec.Volumes {
		// A volume that says nothing is an emptyDir, and one of the node is told by host-path.
		if v.VolumeSource == (corev1.VolumeSource{}) || v.HostPath != nil {
			continue
		}
		alone := snapshot.Template{Spec: &corev1.PodSpec{Volumes: []corev1.Volume{v}}}
		no := judge(alone, "restrictedVolumes")
		if no.Allowed {
			continue
		}
		path := t.SpecPath().Child("volumes").Index(i)
		n := slices.IndexFunc(volumeKinds, func(k volumeKind) bool { return k.of(v.VolumeSource) })
		if n < 0 {
			p.Reportf(path, "volume %q: %s", v.Name, no.ForbiddenDetail)
			continue
		}
		kind := volumeKinds[n]
		f := rule.Finding{Field: path.Child(kind.field)}
		patch := p.Drop(f.Field).And(p.Put(path.Child("persistentVolumeClaim"), map[string]any{"claimName": "<CLAIM>"}))
		fix := rule.Fix{
			Title: "mount a PersistentVolumeClaim, and leave to a PersistentVolume where the storage is", Applicability: rule.Placeholders,
			Patch: patch, Command: p.Live(patch), YAML: "volumes:\n- name: " + v.Name + "\n  persistentVolumeClaim:\n    claimName: <CLAIM>\n",
		}
		switch {
		case kind.field == "gitRepo":
			f.Severity = rule.High
			f.Message = fmt.Sprintf("volume %q is a gitRepo, which kubelets do not mount any more since it gave root on the node away: its pods never start", v.Name)
			fix = rule.Fix{
				Title: "clone into an emptyDir, in an init container", Applicability: rule.NeedsThought,
				Caution: "the init container needs an image with git, and where the repository is private its own credentials",
			}
		case kind.gone:
			f.Severity = rule.High
			f.Message = fmt.Sprintf("volume %q is of type %s, whose driver is not in Kubernetes any more: its pods never start", v.Name, kind.field)
		default:
			f.Message = fmt.Sprintf("volume %q is of type %s: whoever may create pods mounts it, past every claim, quota and StorageClass", v.Name, kind.field)
		}
		p.Report(f).WithFix(fix)
	}
}
