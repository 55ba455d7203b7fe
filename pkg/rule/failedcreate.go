package rule

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PodMakers are the kinds that create pods and say in events what the API server answers.
var PodMakers = Kinds(snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.RCKind)

// Refusal is why a controller could not create the pods that it lacks.
type Refusal struct {
	Message    string // the server's own words
	Evidence   Evidence
	Have, Want int32 // pods
}

// RefusedPods is what the API server said to this Pass' controller when it last wanted to create a pod;
// nil where it lacks none, whatever old events say. One message may hold several reasons.
func (p *Pass) RefusedPods() *Refusal {
	have, want, condition, ok := p.PodCount()
	if !ok || have >= want {
		return nil
	}
	if condition != nil { // it is taken away as soon as creating works
		return &Refusal{condition.Message, Evidence{
			Source: FromStatus, Object: p.Object.Ref, Field: "status.conditions[ReplicaFailure]", Time: condition.LastTransitionTime.Time,
			Text: condition.Reason + ": " + condition.Message,
		}, have, want}
	}
	refused, created := p.Event(p.Object, "FailedCreate"), p.Event(p.Object, "SuccessfulCreate")
	if refused == nil || created != nil && snapshot.EventTime(created).After(snapshot.EventTime(refused)) {
		return nil // what kept it is over: it waits for something else now
	}
	return &Refusal{refused.Message, EventEvidence(refused), have, want}
}

// PodCount is how many pods a controller has and wants, and the condition that says why it has fewer,
// where its kind has one; ok is false for what makes no pods any more.
func (p *Pass) PodCount() (have, want int32, condition *corev1.ReplicationControllerCondition, ok bool) {
	number := func(n *int32) int32 {
		if n == nil {
			return 1
		}
		return *n
	}
	switch t := p.Object.Typed.(type) {
	case *appsv1.ReplicaSet:
		for _, c := range t.Status.Conditions {
			if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
				condition = &corev1.ReplicationControllerCondition{Reason: c.Reason, Message: c.Message, LastTransitionTime: c.LastTransitionTime}
			}
		}
		return t.Status.Replicas, number(t.Spec.Replicas), condition, true
	case *corev1.ReplicationController:
		for i, c := range t.Status.Conditions {
			if c.Type == corev1.ReplicationControllerReplicaFailure && c.Status == corev1.ConditionTrue {
				condition = &t.Status.Conditions[i]
			}
		}
		return t.Status.Replicas, number(t.Spec.Replicas), condition, true
	case *appsv1.StatefulSet:
		return t.Status.Replicas, number(t.Spec.Replicas), nil, true
	case *appsv1.DaemonSet:
		return t.Status.CurrentNumberScheduled, t.Status.DesiredNumberScheduled, nil, true
	case *batchv1.Job:
		for _, c := range t.Status.Conditions {
			if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobFailed || c.Type == batchv1.JobComplete || c.Type == batchv1.JobSuspended) {
				return 0, 0, nil, false
			}
		}
		want = number(t.Spec.Parallelism)
		if t.Spec.Completions != nil {
			want = min(want, *t.Spec.Completions-t.Status.Succeeded)
		}
		return t.Status.Active, want, nil, true
	}
	return 0, 0, nil, false
}

// QuotaAmounts reads what a quota's refusal says of it: "pods=1,requests.cpu=500m".
func QuotaAmounts(text string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for item := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(item, "=")
		if q, err := resource.ParseQuantity(value); ok && err == nil {
			list[corev1.ResourceName(name)] = q
		}
	}
	return list
}
