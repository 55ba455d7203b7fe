// Package revision compares the revisions of a workload: what its newest pods are made of against
// what the ones before were made of.
package revision

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// deploymentRevision is the annotation in which the Deployment controller counts.
const deploymentRevision = "deployment.kubernetes.io/revision"

// Revision is one state of a workload's pod template, as its controller keeps it.
type Revision struct {
	Number   int64
	Object   *snapshot.Object // the ReplicaSet, or the ControllerRevision
	At       time.Time        // when the controller made it
	Wanted   int              // how many pods its controller wants of it; those that are there, where it does not say
	Pods     int              // that are there
	Ready    int              // of them
	Template *corev1.PodTemplateSpec
}

// Of are the revisions of a Deployment, StatefulSet or DaemonSet that were read, newest first.
func Of(s *snapshot.Snapshot, workload *snapshot.Object) []Revision {
	var list []Revision
	for _, o := range s.Owned(workload) {
		r := Revision{Object: o, At: o.Meta.GetCreationTimestamp().Time}
		var pods []*snapshot.Object
		switch t := o.Typed.(type) {
		case *appsv1.ReplicaSet:
			n, err := strconv.ParseInt(t.Annotations[deploymentRevision], 10, 64)
			if err != nil {
				continue
			}
			r.Number, r.Template = n, t.Spec.Template.DeepCopy()
			delete(r.Template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
			pods = s.Owned(o)
			r.Pods, r.Ready = int(t.Status.Replicas), int(t.Status.ReadyReplicas)
			if t.Spec.Replicas != nil {
				r.Wanted = int(*t.Spec.Replicas)
			}
		case *appsv1.ControllerRevision:
			r.Number, r.Template = t.Revision, templateIn(t)
			for _, pod := range s.Owned(workload) {
				if pod.Meta.GetLabels()[appsv1.ControllerRevisionHashLabelKey] == hashOf(t) {
					pods = append(pods, pod)
				}
			}
		default:
			continue
		}
		if r.Template == nil {
			continue
		}
		if len(pods) > 0 {
			r.Pods, r.Ready = 0, 0
			for _, o := range pods {
				if pod := o.Pod(); pod != nil && pod.DeletionTimestamp == nil {
					r.Pods++
					if rule.PodReady(pod) {
						r.Ready++
					}
				}
			}
		}
		r.Wanted = max(r.Wanted, r.Pods)
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Revision) int { return cmp.Compare(b.Number, a.Number) })
	return list
}

// hashOf is what pods carry in their label. A StatefulSet's pods carry the whole name of their
// ControllerRevision, a DaemonSet's only the hash.
func hashOf(r *appsv1.ControllerRevision) string {
	for _, owner := range r.OwnerReferences {
		if owner.Kind == "StatefulSet" {
			return r.Name
		}
	}
	return r.Labels[appsv1.ControllerRevisionHashLabelKey]
}

// templateIn reads the patch that a ControllerRevision holds: {"spec":{"template":{...}}}.
func templateIn(r *appsv1.ControllerRevision) *corev1.PodTemplateSpec {
	var patch struct {
		Spec struct {
			Template *corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if json.Unmarshal(r.Data.Raw, &patch) != nil {
		return nil
	}
	return patch.Spec.Template
}

// Diff is how the newest revision of a workload differs from an older one.
type Diff struct {
	From, To Revision
	// Changes are the fields that differ, in the order of their paths. Without any the newest revision
	// is no more than a restart.
	Changes []Change
}

// Sides words how the pods of both revisions do: "revision 2 has 0 of 1 pods ready; revision 1 still
// serves with 2 of 2".
func (d *Diff) Sides() string {
	text := fmt.Sprintf("revision %d has %s", d.To.Number, d.To.ready())
	switch from := d.From; {
	case from.Ready > 0:
		return fmt.Sprintf("%s; revision %d still serves with %d of %d", text, from.Number, from.Ready, from.Wanted)
	case from.Pods > 0:
		return fmt.Sprintf("%s; revision %d has %s either", text, from.Number, strings.Replace(from.ready(), "0 of", "none of", 1))
	}
	return fmt.Sprintf("%s; of revision %d none is left", text, d.From.Number)
}

func (r Revision) ready() string {
	if r.Wanted == 0 {
		return "no pods"
	}
	return fmt.Sprintf("%d of %s ready", r.Ready, rule.Count(r.Wanted, "pod"))
}

// Last compares the newest revision with the one that still has ready pods or, where none has, with
// the one before. It is nil where the controller keeps no other revision, or none was read.
func Last(s *snapshot.Snapshot, workload *snapshot.Object) *Diff {
	list := Of(s, workload)
	if len(list) < 2 {
		return nil
	}
	from := list[1]
	for _, r := range list[1:] {
		if r.Ready > 0 {
			from = r
			break
		}
	}
	d := &Diff{From: from, To: list[0]}
	var ok bool
	if d.Changes, ok = compare(from.Template, list[0].Template); !ok {
		return nil
	}
	return d
}

// Numbered tells whether a workload has, or has had, more than one revision, as far as the objects
// say that are read anyway: where it has not there is nothing to compare, and nothing to read for it.
func Numbered(o *snapshot.Object) bool {
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		return t.Annotations[deploymentRevision] != "1"
	case *appsv1.ReplicaSet:
		return t.Annotations[deploymentRevision] != "1"
	case *appsv1.StatefulSet, *appsv1.DaemonSet:
		return o.Meta.GetGeneration() > 1
	}
	return false
}
