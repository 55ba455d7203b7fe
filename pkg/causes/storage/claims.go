package storage

import (
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// noProvisioner is the provisioner of classes for which people make the volumes.
const noProvisioner = "kubernetes.io/no-provisioner"

// pendingClaim is the claim of this Pass where it waits to be bound.
func pendingClaim(p *rule.Pass) *corev1.PersistentVolumeClaim {
	pvc, ok := p.Object.Typed.(*corev1.PersistentVolumeClaim)
	if !ok || pvc.DeletionTimestamp != nil || pvc.Status.Phase != corev1.ClaimPending {
		return nil
	}
	return pvc
}

// classOf is the class that a claim names; ok is false where it names none and takes the default.
// Source: the annotation is what claims had before the field.
func classOf(pvc *corev1.PersistentVolumeClaim) (name string, ok bool) {
	if name, ok = pvc.Annotations[corev1.BetaStorageClassAnnotation]; ok {
		return name, true
	}
	if pvc.Spec.StorageClassName == nil {
		return "", false
	}
	return *pvc.Spec.StorageClassName, true
}

// storageClass is a class that was read, or nil.
func storageClass(p *rule.Pass, name string) *storagev1.StorageClass {
	o, _ := p.Lookup(snapshot.StorageClassKind, "", name)
	if o == nil {
		return nil
	}
	c, _ := o.Typed.(*storagev1.StorageClass)
	return c
}

// users are the pods that name the claim and have not ended.
func users(p *rule.Pass) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range p.List(snapshot.PodKind, p.Object.Namespace) {
		pod := o.Pod()
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		for _, v := range pod.Spec.Volumes {
			if v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == p.Object.Name || v.Ephemeral != nil && o.Name+"-"+v.Name == p.Object.Name {
				list = append(list, o)
			}
		}
	}
	return list
}

// refs names objects.
func refs(list []*snapshot.Object) string {
	names := make([]string, 0, len(list))
	for _, o := range list {
		names = append(names, o.String())
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// volumes are the persistent volumes that were read.
func volumes(p *rule.Pass) []*corev1.PersistentVolume {
	var list []*corev1.PersistentVolume
	for _, o := range p.List(snapshot.PVKind, "") {
		if pv, ok := o.Typed.(*corev1.PersistentVolume); ok {
			list = append(list, pv)
		}
	}
	return list
}

func pvRef(name string) snapshot.Ref {
	return snapshot.Ref{APIVersion: "v1", Kind: "PersistentVolume", Name: name}
}

// again words how a claim gets another spec: nothing of it can be changed.
func again(p *rule.Pass) string {
	if sts, template := madeBy(p); sts != nil {
		return "delete the claim; its StatefulSet makes it anew from " + template + ", which cannot be changed either: delete " + sts.String() + " with --cascade=orphan and apply it mended. The claim was never bound and holds no data"
	}
	return "a claim cannot be changed: delete it and create it again. It was never bound and holds no data"
}
