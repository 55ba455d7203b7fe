package report

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/revision"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// fix words a fix for people and shells: whose context and namespace, quoted, and who would undo it.
func (b *Builder) fix(f *rule.Finding) *Fix {
	if f.Fix == nil {
		return nil
	}
	out := &Fix{Title: f.Fix.Title, Caution: f.Fix.Caution, Applicability: string(f.Fix.Applicability), Object: f.Fix.Object, YAML: f.Fix.YAML}
	if f.Fix.Patch != nil {
		out.Patch = &Patch{Type: f.Fix.Patch.Type, Body: f.Fix.Patch.Content()}
	}
	if len(f.Fix.Command) > 0 {
		out.Command = b.Command(f.Fix.Object.Namespace, f.Fix.Command...)
	}
	if b.stale(f) {
		b.remake(f, out)
		return out
	}
	out.Notes = append(out.Notes, f.Fix.Lines...)
	target, _ := b.Snapshot.Lookup(f.Fix.Object.GroupKind(), f.Fix.Object.Namespace, f.Fix.Object.Name)
	if target == nil {
		return out
	}
	if target.Origin != nil { // a file is mended in the file
		out.Command = ""
	}
	keeper := keeperOf(target)
	switch {
	case immutable(f.Fix.Object) && out.Command != "" && templateField(f) && !imageOfPod(f):
		out.Command = ""
		if out.Applicability == string(rule.Safe) {
			out.Applicability = string(rule.NeedsThought)
		}
		out.Notes = append(out.Notes, "the template of a "+strings.ToLower(f.Fix.Object.Kind)+" cannot be changed in place: change its manifest, delete the "+strings.ToLower(f.Fix.Object.Kind)+" and apply it again")
	case keeper.Tool != "" && out.Command != "":
		if keeper.Undoes {
			out.Command = ""
		}
		out.Notes = append(out.Notes, lasting(keeper))
	}
	if note := b.replacedByHand(target, f); note != "" && (out.Command != "" || out.Patch != nil) {
		out.Notes = append(out.Notes, note)
	}
	return out
}

// replacedByHand tells where a changed template does not reach a pod that is there: a StatefulSet waits
// for a pod to get ready before it replaces it, OnDelete replaces none, and a ReplicaSet that no Deployment
// made leaves its pods as they are.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
func (b *Builder) replacedByHand(target *snapshot.Object, f *rule.Finding) string {
	if target.GroupKind() == snapshot.CronJobKind && target.Origin == nil {
		return b.runGoesOn(target, f)
	}
	if f.Seen.Kind != "Pod" || f.Field == nil || !strings.HasPrefix(f.Field.String(), "spec.template") || !f.Fix.Object.Same(f.Object) || target.Origin != nil {
		return ""
	}
	waits := false
	switch t := target.Typed.(type) {
	case *appsv1.ReplicaSet, *corev1.ReplicationController: // they make pods, and never look at what those are made of
		waits = true
	case *appsv1.StatefulSet:
		waits = t.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType || t.Spec.PodManagementPolicy != appsv1.ParallelPodManagement
	case *appsv1.DaemonSet:
		waits = t.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
	}
	if pod, _ := b.Snapshot.Lookup(snapshot.PodKind, f.Seen.Namespace, f.Seen.Name); !waits || pod != nil && rule.PodReady(pod.Pod()) {
		return ""
	}
	return "its controller does not replace the pod by itself: then " + b.Command(f.Seen.Namespace, "delete", "pod/"+f.Seen.Name)
}

// runGoesOn tells where a run of a CronJob goes on with its own template, and keeps the next from starting.
func (b *Builder) runGoesOn(cron *snapshot.Object, f *rule.Finding) string {
	t, ok := cron.Typed.(*batchv1.CronJob)
	if !ok || t.Spec.ConcurrencyPolicy != batchv1.ForbidConcurrent || f.Field == nil || !strings.HasPrefix(f.Field.String(), "spec.jobTemplate") {
		return ""
	}
	owner, _ := b.Snapshot.Lookup(f.Seen.GroupKind(), f.Seen.Namespace, f.Seen.Name)
	if owner != nil && owner.Pod() != nil {
		owner = b.Snapshot.Owner(owner)
	}
	if owner == nil {
		return ""
	}
	job, ok := owner.Typed.(*batchv1.Job)
	if !ok || job.Status.CompletionTime != nil || len(job.Status.Conditions) > 0 {
		return ""
	}
	return "the run that goes on keeps its template, and no other starts before it ends: then " + b.Command(f.Seen.Namespace, "delete", owner.String())
}

// stale tells whether the object to change says something else by now than the pod was made with: its
// controller has a newer template, and has not replaced the pod.
func (b *Builder) stale(f *rule.Finding) bool {
	if f.Field == nil || !f.Fix.Object.Same(f.Object) {
		return false
	}
	pod, _ := b.Snapshot.Lookup(snapshot.PodKind, f.Seen.Namespace, f.Seen.Name)
	owner, _ := b.Snapshot.Lookup(f.Object.GroupKind(), f.Object.Namespace, f.Object.Name)
	if pod == nil || owner == nil || pod.Pod() == nil || owner.Origin != nil || !b.ofOlder(pod, owner) {
		return false
	}
	for _, prefix := range []string{"spec.jobTemplate.spec.template.", "spec.template."} {
		rest, ok := strings.CutPrefix(f.Field.String(), prefix)
		if !ok {
			continue
		}
		now, ok := owner.At(keys(f.Field.String())...)
		was, had := pod.At(keys(rest)...)
		if !counted(owner) { // admission may have given the pod more than the template has
			return ok && !(had && holds(was, now))
		}
		return ok && had && !equality.Semantic.DeepEqual(now, was)
	}
	return false
}

// ofOlder tells whether a pod is of an older template of its controller.
func (b *Builder) ofOlder(pod, owner *snapshot.Object) bool {
	hash := pod.Meta.GetLabels()[appsv1.ControllerRevisionHashLabelKey]
	switch t := owner.Typed.(type) {
	case *appsv1.StatefulSet:
		return hash != "" && t.Status.UpdateRevision != "" && hash != t.Status.UpdateRevision
	case *appsv1.DaemonSet:
		list := revision.Of(b.Snapshot, owner)
		return hash != "" && len(list) > 0 && !strings.HasSuffix(list[0].Object.Name, hash)
	case *batchv1.CronJob: // a Job keeps the template it was made with
		return true
	case *appsv1.ReplicaSet, *corev1.ReplicationController: // and so do their pods
		return true
	}
	return false
}

// counted tells whether a controller's pods say of which of its templates they are.
func counted(owner *snapshot.Object) bool {
	switch owner.Typed.(type) {
	case *appsv1.ReplicaSet, *corev1.ReplicationController:
		return false
	}
	return true
}

// holds tells whether all of one value is in another: lists in any order, maps with further keys.
func holds(all, part any) bool {
	switch part := part.(type) {
	case map[string]any:
		m, ok := all.(map[string]any)
		for key, value := range part {
			if !ok || !holds(m[key], value) {
				return false
			}
		}
		return ok
	case []any:
		list, ok := all.([]any)
		for _, value := range part {
			if !ok || !slices.ContainsFunc(list, func(item any) bool { return holds(item, value) }) {
				return false
			}
		}
		return ok
	}
	return equality.Semantic.DeepEqual(all, part)
}

func keys(path string) []string {
	var list []string
	for _, s := range source.ParsePath(path) {
		list = append(list, s.Key)
	}
	return list
}

// remake is the fix for a pod whose controller has another template by now.
func (b *Builder) remake(f *rule.Finding, out *Fix) {
	what := "pod/" + f.Seen.Name
	if pod, _ := b.Snapshot.Lookup(snapshot.PodKind, f.Seen.Namespace, f.Seen.Name); pod != nil {
		if ref, ok := pod.OwnerRef(); ok && ref.GroupKind() == snapshot.JobKind {
			what = ref.String()
		}
	}
	*out = Fix{
		Title:         "have it made anew: " + f.Object.String() + " says something else by now than it was made with",
		Caution:       "what the pod does is broken off",
		Applicability: string(rule.NeedsThought), Object: out.Object,
		Command: b.Command(f.Seen.Namespace, "delete", what),
	}
}

// immutable tells the kinds whose pod spec the API does not let anybody change.
func immutable(r snapshot.Ref) bool {
	return r.GroupKind() == snapshot.PodKind || r.GroupKind() == snapshot.JobKind
}

// imageOfPod tells whether a fix names another image for a container of a pod, which may be changed in place.
// Source: https://kubernetes.io/docs/concepts/workloads/pods/#pod-update-and-replacement
func imageOfPod(f *rule.Finding) bool {
	words := f.Fix.Command
	return f.Fix.Object.GroupKind() == snapshot.PodKind && len(words) > 1 && words[0] == "set" && words[1] == "image"
}

func templateField(f *rule.Finding) bool {
	return f.Field == nil || f.Fix.Object.Same(f.Object) && (f.Object.Kind == "Pod" || strings.HasPrefix(f.Field.String(), "spec.template"))
}

// Command is a kubectl command for a shell, with the context and namespace that the report speaks of.
func (b *Builder) Command(namespace string, words ...string) string {
	return rule.Kubectl(b.Snapshot.Context, namespace, words...)
}
