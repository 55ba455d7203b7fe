package state_test

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/state"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

var now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(now.AddDate(-1, 0, 0))}
}

func claim(phase corev1.PersistentVolumeClaimPhase) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: named("shop", "data"), Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, VolumeName: "pv"},
		Status: corev1.PersistentVolumeClaimStatus{Phase: phase},
	}
}

func volume(source corev1.PersistentVolumeSource) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: named("", "pv"), Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeBound},
		Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: source, PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete, ClaimRef: &corev1.ObjectReference{Namespace: "shop", Name: "data"}},
	}
}

func web(replicas int32) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: named("shop", "web"), Spec: appsv1.DeploymentSpec{Replicas: &replicas}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "web:1"}}
	d.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
	return d
}

func node(name string) *corev1.Node { return &corev1.Node{ObjectMeta: named("", name)} }

func schedule() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "velero.io/v1", "kind": "Schedule", "metadata": map[string]any{"namespace": "velero", "name": "daily", "creationTimestamp": "2025-01-01T00:00:00Z"},
		"spec": map[string]any{"schedule": "0 3 * * *", "template": map[string]any{"includedNamespaces": []any{"shop"}}},
	}}
}

// paused is a schedule that somebody stopped.
func paused() *unstructured.Unstructured {
	s := schedule()
	spec, _ := s.Object["spec"].(map[string]any)
	spec["paused"] = true
	return s
}

func class(name string, byDefault bool) *storagev1.StorageClass {
	c := &storagev1.StorageClass{ObjectMeta: named("", name), Provisioner: "kubernetes.io/aws-ebs"}
	if byDefault {
		c.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
	}
	return c
}

func of(class string, c *corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaim {
	c.Spec.StorageClassName = &class
	return c
}

func claimOf(name string) *corev1.PersistentVolumeClaim {
	c := claim(corev1.ClaimBound)
	c.Name = name
	return c
}

func zoned(zone string) *corev1.Node {
	n := node("node-" + zone)
	n.Labels = map[string]string{corev1.LabelTopologyZone: zone}
	return n
}

// late is a class whose volumes are made once there is a pod for them.
func late(name string) *storagev1.StorageClass {
	c, mode := class(name, false), storagev1.VolumeBindingWaitForFirstConsumer
	c.VolumeBindingMode = &mode
	return c
}

// copied is a backup of the schedule that ended this night.
func copied(phase string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "velero.io/v1", "kind": "Backup", "metadata": map[string]any{"namespace": "velero", "name": "daily-1", "labels": map[string]any{"velero.io/schedule-name": "daily"}},
		"spec": map[string]any{"includedNamespaces": []any{"shop"}}, "status": map[string]any{"phase": phase, "completionTimestamp": "2026-01-15T03:10:00Z"},
	}}
}

// set is a StatefulSet whose claims name no class.
func set(replicas int32) *appsv1.StatefulSet {
	return &appsv1.StatefulSet{ObjectMeta: named("shop", "db"), Spec: appsv1.StatefulSetSpec{Replicas: &replicas, VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}}}}}
}

// odd is a kind of others whose fields are not what one would expect.
func odd(gk schema.GroupKind, spec any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": gk.Group + "/v1", "kind": gk.Kind, "metadata": map[string]any{"namespace": "shop", "name": "odd"}, "spec": spec, "status": []any{"odd"},
	}}
}

// TestLive holds what checks say of a cluster: that what may not be read is never taken for what is not there, that what
// nobody asked for is not spoken of, and that a second node or another kind of volume changes the verdict.
func TestLive(t *testing.T) {
	shop := &corev1.Namespace{ObjectMeta: named("", "shop")}
	ebs := corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "ebs.csi.aws.com"}}
	nfs := corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "nas", Path: "/"}}
	for _, tt := range []struct {
		check     string
		blind     schema.GroupKind
		namespace string // in which the lists were read, "" for all
		objects   []runtime.Object
		want      string // fail, pass, unknown, nothing
	}{
		{"pv-encryption", schema.GroupKind{}, "", []runtime.Object{class("gp2", false)}, "pass"}, // which EKS brings along
		{"pv-encryption", schema.GroupKind{}, "", []runtime.Object{class("gp2", true)}, "fail"},
		{"pv-encryption", schema.GroupKind{}, "", []runtime.Object{class("gp2", false), of("gp2", claim(corev1.ClaimBound))}, "fail"},
		{"pv-encryption", snapshot.PVCKind, "", []runtime.Object{class("gp2", false)}, "fail"},
		{"storageclass-no-expansion", schema.GroupKind{}, "", []runtime.Object{class("gp2", false)}, "pass"},
		{"storageclass-immediate", schema.GroupKind{}, "", []runtime.Object{class("standard", false), zoned("a"), zoned("b")}, "pass"}, // which GKE brings along
		{"storageclass-immediate", schema.GroupKind{}, "", []runtime.Object{class("standard", false), zoned("a"), zoned("b"), of("standard", claim(corev1.ClaimBound))}, "fail"},
		{"storageclass-default", schema.GroupKind{}, "", []runtime.Object{class("gp2", false), set(1), of("gp2", claimOf("data-db-0"))}, "pass"},
		{"storageclass-default", schema.GroupKind{}, "", []runtime.Object{class("gp2", false), set(2), of("gp2", claimOf("data-db-0"))}, "fail"},
		{"backup-stale", schema.GroupKind{}, "", []runtime.Object{paused()}, "fail"},
		{"rwo-deploy", schema.GroupKind{}, "", []runtime.Object{web(2), claim(corev1.ClaimBound), volume(ebs), node("a"), node("b")}, "fail"},
		{"rwo-deploy", schema.GroupKind{}, "", []runtime.Object{web(2), claim(corev1.ClaimBound), volume(ebs), node("a")}, "pass"},
		{"rwo-deploy", schema.GroupKind{}, "", []runtime.Object{web(2), claim(corev1.ClaimBound), volume(nfs), node("a"), node("b")}, "pass"},
		{"rwo-deploy", snapshot.PVCKind, "", []runtime.Object{web(2)}, "unknown persistentvolumeclaim/data: forbidden"},
		{"rwo-deploy", schema.GroupKind{}, "", []runtime.Object{web(2)}, "pass"}, // env-ref-missing speaks of it
		{"pvc-unused", schema.GroupKind{}, "", []runtime.Object{claim(corev1.ClaimBound)}, "fail"},
		{"pvc-unused", schema.GroupKind{}, "shop", []runtime.Object{claim(corev1.ClaimBound)}, "fail"},
		{"pvc-unused", schema.GroupKind{}, "", []runtime.Object{claim(corev1.ClaimBound), web(0)}, "pass"},
		{"pvc-unused", schema.GroupKind{}, "", []runtime.Object{claim(corev1.ClaimPending)}, "nothing"},
		{"pvc-unused", snapshot.CronJobKind, "", []runtime.Object{claim(corev1.ClaimBound)}, "unknown CronJob: forbidden"},
		{"backup-missing", schema.GroupKind{}, "", []runtime.Object{shop, claim(corev1.ClaimBound)}, "fail"},
		{"backup-missing", schema.GroupKind{}, "", []runtime.Object{shop, claim(corev1.ClaimBound), schedule()}, "pass"},
		{"backup-missing", schema.GroupKind{}, "", []runtime.Object{shop}, "nothing"},
		{"backup-missing", schema.GroupKind{}, "shop", []runtime.Object{shop, claim(corev1.ClaimBound)}, "nothing"},
		{"backup-missing", snapshot.VeleroScheduleKind, "", []runtime.Object{shop, claim(corev1.ClaimBound)}, "unknown Schedule: forbidden"},
		{"reclaim-delete", schema.GroupKind{}, "shop", []runtime.Object{volume(ebs), claim(corev1.ClaimBound)}, "nothing"},
		{"reclaim-delete", snapshot.VolumeSnapshotKind, "", []runtime.Object{volume(ebs), claim(corev1.ClaimBound)}, "unknown VolumeSnapshot: forbidden"},
		{"backup-stale", schema.GroupKind{}, "", []runtime.Object{schedule()}, "fail"},
		{"backup-stale", snapshot.VeleroBackupKind, "", []runtime.Object{schedule()}, "unknown Backup: forbidden"},
		{"backup-stale", schema.GroupKind{}, "", []runtime.Object{odd(snapshot.VeleroScheduleKind, "odd"), odd(snapshot.VeleroBackupKind, nil), odd(snapshot.CNPGScheduleKind, map[string]any{"cluster": "odd"})}, "pass, pass"},
		{"restore-never", snapshot.VeleroRestoreKind, "", []runtime.Object{schedule()}, "unknown Restore: forbidden"},
		{"restore-never", schema.GroupKind{}, "", []runtime.Object{schedule(), odd(snapshot.VeleroRestoreKind, "odd")}, "fail"},
		{"snapshot-invalid", schema.GroupKind{}, "", []runtime.Object{odd(snapshot.VolumeSnapshotKind, map[string]any{"source": "odd"}), odd(snapshot.VolumeSnapshotContentKind, []any{})}, "pass, pass"},
		{"snapshot-invalid", snapshot.VolumeSnapshotClassKind, "", []runtime.Object{odd(snapshot.VolumeSnapshotKind, map[string]any{"volumeSnapshotClassName": "csi"})}, "unknown volumesnapshotclass.snapshot.storage.k8s.io/csi: forbidden"},
		{"cnpg-no-backup", schema.GroupKind{}, "", []runtime.Object{odd(snapshot.CNPGClusterKind, map[string]any{"backup": "odd", "plugins": "odd"})}, "fail"},
		{"cnpg-no-backup", snapshot.CNPGScheduleKind, "", []runtime.Object{odd(snapshot.CNPGClusterKind, map[string]any{"instances": int64(3)})}, "unknown ScheduledBackup: forbidden"},
		{"backup-uncovered", schema.GroupKind{}, "", []runtime.Object{shop, claim(corev1.ClaimBound), schedule()}, "fail"}, // it is only planned
		{"backup-uncovered", schema.GroupKind{}, "", []runtime.Object{shop, claim(corev1.ClaimBound), schedule(), copied("Completed")}, "pass"},
		{"backup-uncovered", schema.GroupKind{}, "", []runtime.Object{shop, claim(corev1.ClaimBound), schedule(), copied("Failed")}, "fail"},
		{"backup-uncovered", schema.GroupKind{}, "", []runtime.Object{shop}, "nothing"},
		{"backup-uncovered", schema.GroupKind{}, "shop", []runtime.Object{shop, claim(corev1.ClaimBound)}, "nothing"},
		{"backup-uncovered", snapshot.VeleroBackupKind, "", []runtime.Object{shop, claim(corev1.ClaimBound)}, "unknown Backup: forbidden"},
		{"backup-uncovered", schema.GroupKind{}, "", []runtime.Object{
			shop, claim(corev1.ClaimBound), odd(snapshot.VeleroScheduleKind, "odd"), odd(snapshot.VeleroBackupKind, nil), odd(snapshot.CNPGScheduleKind, []any{}), odd(snapshot.CNPGBackupKind, "odd"),
			odd(snapshot.CNPGClusterKind, nil), odd(snapshot.VolumeSnapshotKind, "odd"), odd(snapshot.VolSyncSourceKind, nil),
		}, "fail"},
		{"restore-unproven", schema.GroupKind{}, "", []runtime.Object{snapshot.NewCluster(), claim(corev1.ClaimBound), odd(snapshot.VeleroRestoreKind, "odd"), odd(snapshot.CNPGClusterKind, map[string]any{"bootstrap": "odd"}), odd(snapshot.VolSyncTargetKind, "odd")}, "fail"},
		{"restore-unproven", schema.GroupKind{}, "", []runtime.Object{snapshot.NewCluster()}, "nothing"},
		{"restore-unproven", snapshot.PVCKind, "", []runtime.Object{snapshot.NewCluster()}, "unknown PersistentVolumeClaim: forbidden"},
		{"restore-unproven", snapshot.VeleroRestoreKind, "", []runtime.Object{snapshot.NewCluster(), claim(corev1.ClaimBound)}, "unknown Restore: forbidden"},
		{"backup-one-location", schema.GroupKind{}, "", []runtime.Object{snapshot.NewCluster()}, "nothing"},
		{"backup-one-location", schema.GroupKind{}, "", []runtime.Object{snapshot.NewCluster(), schedule(), odd(snapshot.VeleroLocationKind, "odd")}, "fail"},
		{"backup-one-location", snapshot.VeleroLocationKind, "", []runtime.Object{snapshot.NewCluster()}, "unknown BackupStorageLocation: forbidden"},
		{"claim-unbound", schema.GroupKind{}, "", []runtime.Object{claim(corev1.ClaimBound)}, "pass"},
		{"claim-unbound", schema.GroupKind{}, "", []runtime.Object{claim(corev1.ClaimPending)}, "fail"},
		{"claim-unbound", schema.GroupKind{}, "", []runtime.Object{late("late"), of("late", claim(corev1.ClaimPending))}, "nothing"},
		{"claim-unbound", snapshot.PodKind, "", []runtime.Object{late("late"), of("late", claim(corev1.ClaimPending))}, "unknown Pod: forbidden"},
		{"claim-unbound", snapshot.StorageClassKind, "", []runtime.Object{of("late", claim(corev1.ClaimPending))}, "unknown storageclass/late: forbidden"},
		{"backup-location-unavailable", schema.GroupKind{}, "", []runtime.Object{odd(snapshot.VeleroLocationKind, "odd")}, "pass"},
	} {
		t.Run(fmt.Sprint(tt.check, " ", tt.blind.Kind, " ", tt.want), func(t *testing.T) {
			live := ruletest.Live{
				Now: now, Refused: tt.blind, Namespace: tt.namespace, Objects: tt.objects,
				Read: []schema.GroupKind{
					snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.PVCKind, snapshot.NodeKind, snapshot.PVKind, snapshot.StorageClassKind,
					snapshot.VeleroBackupKind, snapshot.CNPGScheduleKind, snapshot.VolumeSnapshotClassKind,
				},
			}
			if got := live.Verdict(t, state.Checks, tt.check); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
