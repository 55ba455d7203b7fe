package report

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// fix words a fix for people and shells: whose context and namespace, quoted, and who would undo it.
func (b *Builder) fix(f *rule.Finding) *Fix {
	if f.Fix == nil {
		return nil
	}
	out := &Fix{Title: f.Fix.Title, Caution: f.Fix.Caution, Applicability: string(f.Fix.Applicability), Object: f.Fix.Object, YAML: f.Fix.YAML}
	if f.Fix.Patch != nil {
		out.Patch = &Patch{Type: f.Fix.Patch.Type, Body: f.Fix.Patch.Body}
	}
	if len(f.Fix.Command) > 0 {
		out.Command = b.Command(f.Fix.Object.Namespace, f.Fix.Command...)
	}
	out.Notes = append(out.Notes, f.Fix.Lines...)
	target, _ := b.Snapshot.Lookup(f.Fix.Object.GroupKind(), f.Fix.Object.Namespace, f.Fix.Object.Name)
	if target == nil {
		return out
	}
	if target.Origin != nil { // a file is mended in the file
		out.Command = ""
	}
	tool, declarative := target.ManagedBy()
	switch {
	case immutable(f.Fix.Object) && out.Command != "" && templateField(f):
		out.Command = ""
		if out.Applicability == string(rule.Safe) {
			out.Applicability = string(rule.NeedsThought)
		}
		out.Notes = append(out.Notes, "the template of a "+strings.ToLower(f.Fix.Object.Kind)+" cannot be changed in place: change its manifest, delete the "+strings.ToLower(f.Fix.Object.Kind)+" and apply it again")
	case declarative && out.Command != "":
		out.Command = ""
		out.Notes = append(out.Notes, tool+" keeps this object and would undo a command: change it where "+tool+" takes it from")
	case tool != "" && out.Command != "":
		out.Notes = append(out.Notes, tool+" manages this object: change the chart's values too, or the next upgrade undoes it")
	}
	if note := b.replacedByHand(target, f); note != "" && (out.Command != "" || out.Patch != nil) {
		out.Notes = append(out.Notes, note)
	}
	return out
}

// replacedByHand tells where a changed template does not reach a pod that is there: a StatefulSet waits
// for a pod to get ready before it replaces it, and OnDelete replaces none.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
func (b *Builder) replacedByHand(target *snapshot.Object, f *rule.Finding) string {
	if f.Seen.Kind != "Pod" || f.Field == nil || !strings.HasPrefix(f.Field.String(), "spec.template") || !f.Fix.Object.Same(f.Object) || target.Origin != nil {
		return ""
	}
	waits := false
	switch t := target.Typed.(type) {
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

// immutable tells the kinds whose pod spec the API does not let anybody change.
func immutable(r snapshot.Ref) bool {
	return r.GroupKind() == snapshot.PodKind || r.GroupKind() == snapshot.JobKind
}

func templateField(f *rule.Finding) bool {
	return f.Field == nil || f.Fix.Object.Same(f.Object) && (f.Object.Kind == "Pod" || strings.HasPrefix(f.Field.String(), "spec.template"))
}

// Command is a kubectl command for a shell, with the context and namespace that the report speaks of.
func (b *Builder) Command(namespace string, words ...string) string {
	return rule.Kubectl(b.Snapshot.Context, namespace, words...)
}
