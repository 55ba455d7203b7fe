package controllers

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// StsRollbackTrap finds broken pods of an older revision that their StatefulSet does not replace, although
// its template has changed since.
var StsRollbackTrap = rule.Cause{
	ID: "sts-rollback-trap", Title: "the changed template does not reach a broken pod", Doc: rule.ReadDoc(docs, "sts_rollback_trap.md"),
	Stage: rule.StageNotCreated, On: rule.Kinds(snapshot.StatefulSetKind),
	Run: func(p *rule.Pass) {
		sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
		if !ok || sts.DeletionTimestamp != nil || sts.Status.ObservedGeneration < sts.Generation || sts.Status.UpdateRevision == "" {
			return
		}
		for _, pod := range p.PodsOf(p.Object) {
			revision := pod.Meta.GetLabels()[appsv1.ControllerRevisionHashLabelKey]
			if revision == "" || revision == sts.Status.UpdateRevision || rule.PodReady(pod.Pod()) || pod.Meta.GetDeletionTimestamp() != nil ||
				p.Age(pod.Meta.GetCreationTimestamp().Time) < oldEnough {
				continue
			}
			if path, value, label := keeps(sts, pod.Name); path != nil {
				f := trap(p, sts, pod, path, value, label)
				if held, n := partitioned(sts, pod.Name); held {
					unpartition(p, sts, pod, f, n)
				}
				p.Report(*f)
				return
			}
		}
	},
}

// oldEnough is how old a pod must be to count as broken rather than starting.
const oldEnough = lateStart / 2

// keeps is the setting that keeps a StatefulSet from replacing a broken pod of an older revision.
func keeps(sts *appsv1.StatefulSet, pod string) (path *field.Path, value, label string) {
	spec := field.NewPath("spec")
	strategy := spec.Child("updateStrategy")
	if sts.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return strategy.Child("type"), string(appsv1.OnDeleteStatefulSetStrategyType), "a pod gets the changed template only after somebody has deleted it"
	}
	if held, _ := partitioned(sts, pod); held {
		return strategy.Child("rollingUpdate", "partition"), fmt.Sprint(*sts.Spec.UpdateStrategy.RollingUpdate.Partition), "pods below this number keep the older template, even when they are deleted and made anew"
	}
	if sts.Spec.PodManagementPolicy != appsv1.ParallelPodManagement {
		value = string(sts.Spec.PodManagementPolicy)
		if value == "" {
			value = string(appsv1.OrderedReadyPodManagement)
		}
		return spec.Child("podManagementPolicy"), value, "it waits until a pod is ready before it replaces any, even that one; it cannot be changed, and need not be"
	}
	return nil, "", ""
}

// partitioned tells whether a partition keeps a pod at the older revision, and the highest that would not.
func partitioned(sts *appsv1.StatefulSet, pod string) (held bool, most int) {
	ru := sts.Spec.UpdateStrategy.RollingUpdate
	if sts.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType || ru == nil || ru.Partition == nil {
		return false, 0
	}
	ordinal, err := strconv.Atoi(pod[strings.LastIndexByte(pod, '-')+1:])
	most = ordinal - int(start(sts))
	return err == nil && most >= 0 && most < int(*ru.Partition), most
}

// unpartition is the fix for a pod below the partition: deleted, it would come back as it was.
// Source: kubernetes pkg/controller/statefulset, newVersionedStatefulSetPod.
func unpartition(p *rule.Pass, sts *appsv1.StatefulSet, pod *snapshot.Object, f *rule.Finding, n int) {
	f.Message = strings.Replace(f.Message, "it is not replaced by itself", fmt.Sprintf("partition %d keeps it there, and deleting it does not help", *sts.Spec.UpdateStrategy.RollingUpdate.Partition), 1)
	f.Fix.Title = fmt.Sprintf("lower the partition to %d, so that %s gets the template as it is now", n, pod.String())
	f.Fix.Caution = "the partition is there to try a new revision on some pods first: see that it has proved itself"
	f.Fix.Object = p.Object.Ref
	f.Fix.Patch = rule.Setting{Object: p.Object.Ref, Path: f.Field}.ReplaceValue(*sts.Spec.UpdateStrategy.RollingUpdate.Partition, n)
	f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	if sts.Spec.PodManagementPolicy != appsv1.ParallelPodManagement {
		f.Fix.Lines = []string{"it is not replaced by itself while it is not ready: then " + p.Line("delete", pod.String())}
	}
}

func start(sts *appsv1.StatefulSet) int32 {
	if sts.Spec.Ordinals == nil {
		return 0
	}
	return sts.Spec.Ordinals.Start
}

func trap(p *rule.Pass, sts *appsv1.StatefulSet, pod *snapshot.Object, path *field.Path, value, label string) *rule.Finding {
	f := &rule.Finding{
		Seen: pod.Ref, Field: path, Value: value, Label: label, Certainty: rule.Certain,
		Message: fmt.Sprintf("%s is not ready and still of an older template (%s, now %s): it is not replaced by itself", pod.String(), pod.Meta.GetLabels()[appsv1.ControllerRevisionHashLabelKey], sts.Status.UpdateRevision),
		Evidence: []rule.Evidence{
			{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.updateRevision", Text: "updateRevision: " + sts.Status.UpdateRevision},
			{Source: rule.FromStatus, Object: pod.Ref, Field: "metadata.labels[controller-revision-hash]", Text: "revision of " + pod.String() + ": " + pod.Meta.GetLabels()[appsv1.ControllerRevisionHashLabelKey]},
		},
		Fix: &rule.Fix{
			Title:         fmt.Sprintf("delete %s: it comes back with the template as it is now, and with its volumes", pod.String()),
			Caution:       "what is wrong with it may be in its old template: if the new one is not meant to mend it, see what its own finding says",
			Applicability: rule.NeedsThought,
			Command:       []string{"delete", pod.String()},
		},
	}
	if pod.Pod().Status.Phase == corev1.PodRunning {
		f.RuledOut = []string{"a pod that waits for a node or an image: it runs, and is not ready"}
	}
	return f
}
