package state

import (
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// most is the largest number of pods that an object may have, and the field that says so.
type most struct {
	pods   int
	object *snapshot.Object // the workload, or its autoscaler
	path   *field.Path
}

// kedaMost is how many pods a ScaledObject leaves where it names no number.
// Source: maxReplicaCount of the CRD of KEDA.
const kedaMost = 100

// mostPods reads the replicas of an object, or what its autoscaler may make of them; ok is false for what has no number.
func mostPods(p *rule.Pass, o *snapshot.Object) (m most, ok bool) {
	m = most{pods: 1, object: o, path: field.NewPath("spec", "replicas")}
	var set *int32
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		set = t.Spec.Replicas
	case *appsv1.StatefulSet:
		set = t.Spec.Replicas
	case *appsv1.ReplicaSet:
		set = t.Spec.Replicas
	case *corev1.ReplicationController:
		set = t.Spec.Replicas
	case nil:
		if o.GroupKind() != snapshot.RolloutKind {
			return most{}, false
		}
		if n, ok := snapshot.WholeIn(o.Content, "spec", "replicas"); ok {
			m.pods = int(n)
		}
	default:
		return most{}, false
	}
	if set != nil {
		m.pods = int(*set)
	}
	by, _ := p.AutoscalerOf(o)
	if by == nil || m.pods == 0 { // none by hand switches a HorizontalPodAutoscaler off
		return m, true
	}
	if hpa, ok := by.Typed.(*autoscalingv2.HorizontalPodAutoscaler); ok {
		return most{int(hpa.Spec.MaxReplicas), by, field.NewPath("spec", "maxReplicas")}, true
	}
	n, ok := snapshot.WholeIn(by.Content, "spec", "maxReplicaCount")
	if !ok {
		n = kedaMost
	}
	return most{int(n), by, field.NewPath("spec", "maxReplicaCount")}, true
}

// claimTemplate tells whether a StatefulSet makes a claim of its own for each pod's volume of this name.
func claimTemplate(o *snapshot.Object, volume string) bool {
	sts, ok := o.Typed.(*appsv1.StatefulSet)
	return ok && slices.ContainsFunc(sts.Spec.VolumeClaimTemplates, func(c corev1.PersistentVolumeClaim) bool { return c.Name == volume })
}

// surges tells how a Deployment replaces its pods: whether new ones come before the old ones went, and whether an old
// one may go first. Percentages round as its controller does: extra pods up, missing ones down, and never both to none.
func surges(d *appsv1.Deployment) (overlap, oldMayGo bool) {
	if d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return false, true
	}
	replicas := 1
	if d.Spec.Replicas != nil {
		replicas = int(*d.Spec.Replicas)
	}
	quarter := intstr.FromString("25%")
	scaled := func(v *intstr.IntOrString, up bool) int {
		if v == nil {
			v = &quarter
		}
		n, err := intstr.GetScaledValueFromIntOrPercent(v, replicas, up)
		if err != nil {
			return 0
		}
		return n
	}
	var extra, missing *intstr.IntOrString
	if r := d.Spec.Strategy.RollingUpdate; r != nil {
		extra, missing = r.MaxSurge, r.MaxUnavailable
	}
	surge, unavailable := scaled(extra, true), scaled(missing, false)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge > 0, unavailable > 0
}

// recreate makes a Deployment end its old pods before it starts new ones.
func recreate(p *rule.Pass) rule.Fix {
	patch := p.Put(field.NewPath("spec", "strategy"), map[string]any{"type": "Recreate"})
	return rule.Fix{
		Title: "end the old pod before the new one starts: strategy Recreate", Applicability: rule.NeedsThought,
		Caution: "nothing answers while a rollout replaces the pod", Patch: patch, Command: p.Live(patch), YAML: "strategy:\n  type: Recreate\n",
	}
}

// driver is what is known of what makes volumes.
type driver struct {
	node   bool // its volumes are on one node, and so are all their pods
	shared bool // its volumes are file shares, that any number of nodes may mount whatever the claim says
	zonal  bool // its volumes are in one zone, and only nodes there can attach them
	grows  bool // its volumes can be made larger
}

// drivers are provisioners and CSI drivers by name. Source: the documentation of each driver; the names with a slash are
// those that Kubernetes had built in.
var drivers = map[string]driver{
	"kubernetes.io/no-provisioner": {node: true}, "rancher.io/local-path": {node: true}, "k8s.io/minikube-hostpath": {node: true}, "docker.io/hostpath": {node: true},
	"microk8s.io/hostpath": {node: true}, "hostpath.csi.k8s.io": {node: true}, "openebs.io/local": {node: true}, "local.csi.openebs.io": {node: true, grows: true},
	"zfs.csi.openebs.io": {node: true, grows: true}, "topolvm.io": {node: true, grows: true}, "topolvm.cybozu.com": {node: true, grows: true},
	"efs.csi.aws.com": {shared: true}, "fsx.csi.aws.com": {shared: true}, "nfs.csi.k8s.io": {shared: true}, "smb.csi.k8s.io": {shared: true},
	"cluster.local/nfs-subdir-external-provisioner": {shared: true}, "k8s-sigs.io/nfs-subdir-external-provisioner": {shared: true},
	"file.csi.azure.com": {shared: true, grows: true}, "kubernetes.io/azure-file": {shared: true, grows: true}, "filestore.csi.storage.gke.io": {shared: true, grows: true}, "cephfs.csi.ceph.com": {shared: true, grows: true},
	"ebs.csi.aws.com": {zonal: true, grows: true}, "kubernetes.io/aws-ebs": {zonal: true, grows: true}, "ebs.csi.eks.amazonaws.com": {zonal: true, grows: true},
	"pd.csi.storage.gke.io": {zonal: true, grows: true}, "kubernetes.io/gce-pd": {zonal: true, grows: true},
	"disk.csi.azure.com": {zonal: true, grows: true}, "kubernetes.io/azure-disk": {zonal: true, grows: true},
	"cinder.csi.openstack.org": {zonal: true, grows: true}, "kubernetes.io/cinder": {zonal: true, grows: true},
	"rbd.csi.ceph.com": {grows: true}, "driver.longhorn.io": {grows: true}, "csi.vsphere.vmware.com": {grows: true}, "dobs.csi.digitalocean.com": {grows: true},
	"csi.hetzner.cloud": {grows: true}, "linodebs.csi.linode.com": {grows: true}, "pxd.portworx.com": {grows: true}, "csi.scaleway.com": {grows: true},
}

// driverOf looks a driver up. Rook puts the namespace of its operator before the names of Ceph's drivers.
func driverOf(name string) driver {
	if d, ok := drivers[name]; ok {
		return d
	}
	for _, ceph := range []string{"rbd.csi.ceph.com", "cephfs.csi.ceph.com"} {
		if strings.HasSuffix(name, "."+ceph) {
			return drivers[ceph]
		}
	}
	return driver{}
}

// classOf is the class that a claim names; ok is false where it takes the default.
func classOf(annotations map[string]string, spec *corev1.PersistentVolumeClaimSpec) (name string, ok bool) {
	if name, ok = annotations[corev1.BetaStorageClassAnnotation]; ok {
		return name, true
	}
	if spec.StorageClassName == nil {
		return "", false
	}
	return *spec.StorageClassName, true
}

type classesKey struct{}

// unusedClass tells a class of a cluster that nobody uses: no volume and no claim names it, and it is not what claims get that
// name none. Providers bring such classes along.
func unusedClass(p *rule.Pass, c *storagev1.StorageClass) bool {
	if p.Files || isDefault(c) || unread(p, "", snapshot.PVKind, snapshot.PVCKind, snapshot.StatefulSetKind) != "" {
		return false
	}
	return !snapshot.Derived(p.Snapshot, classesKey{}, func() map[string]bool {
		used := map[string]bool{}
		add := func(pvc *corev1.PersistentVolumeClaim) {
			name, _ := classOf(pvc.Annotations, &pvc.Spec)
			used[name] = true
		}
		for _, gk := range []schema.GroupKind{snapshot.PVKind, snapshot.PVCKind, snapshot.StatefulSetKind} {
			for _, o := range p.List(gk, "") {
				switch t := o.Typed.(type) {
				case *corev1.PersistentVolume:
					used[t.Spec.StorageClassName] = true
				case *corev1.PersistentVolumeClaim:
					add(t)
				case *appsv1.StatefulSet:
					for i := range t.Spec.VolumeClaimTemplates {
						add(&t.Spec.VolumeClaimTemplates[i])
					}
				}
			}
		}
		return used
	})[c.Name]
}

func storageClass(p *rule.Pass, name string) *storagev1.StorageClass {
	o, _ := p.Lookup(snapshot.StorageClassKind, "", name)
	if o == nil {
		return nil
	}
	c, _ := o.Typed.(*storagev1.StorageClass)
	return c
}

func persistentVolume(p *rule.Pass, name string) *corev1.PersistentVolume {
	o, _ := p.Lookup(snapshot.PVKind, "", name)
	if o == nil {
		return nil
	}
	pv, _ := o.Typed.(*corev1.PersistentVolume)
	return pv
}

// unread names a kind of which not all objects were read, and why: "Pod: forbidden".
func unread(p *rule.Pass, namespace string, gk ...schema.GroupKind) string {
	for _, k := range gk {
		if !p.ListRead(k, namespace) {
			return k.Kind + ": " + p.ListOutcome(k, namespace).Reason
		}
	}
	return ""
}

// asked tells whether somebody looked for all objects of the kinds, in the whole cluster: who looks at one namespace hears nothing
// of what takes all of them to judge. That a list was refused is another thing.
func asked(p *rule.Pass, kinds []schema.GroupKind) bool {
	for _, gk := range kinds {
		if p.ListOutcome(gk, "").Reason == snapshot.ReasonUnread {
			return false
		}
	}
	return true
}

func sortedKeys(set map[string]string) []string { return slices.Sorted(maps.Keys(set)) }
