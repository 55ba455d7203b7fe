package engine

import (
	"fmt"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func cronHealth(s *snapshot.Snapshot, o *snapshot.Object, cron *batchv1.CronJob) Health {
	if cron.Spec.Suspend != nil && *cron.Spec.Suspend {
		return Health{Idle, "suspended"}
	}
	schedule, err := knowledge.ParseSchedule(cron.Spec.Schedule)
	if err != nil {
		return Health{Unhealthy, fmt.Sprintf("schedule %q cannot be read: %v", cron.Spec.Schedule, err)}
	}
	text := "scheduled " + cron.Spec.Schedule
	if last := cron.Status.LastScheduleTime; last != nil {
		text += ", last run " + rule.Human(s.Now.Sub(last.Time)) + " ago"
	} else {
		text += ", never ran"
	}
	zone := time.UTC
	if name := cron.Spec.TimeZone; name != nil {
		if zone, err = time.LoadLocation(*name); err != nil {
			return Health{Unknown, text + ", in time zone " + *name + ", which this machine does not know"}
		}
	}
	next := schedule.Next(s.Now.In(zone))
	if next.IsZero() {
		return Health{Unhealthy, text + ", and no time within five years fits the schedule"}
	}
	text += ", the next in " + rule.Human(next.Sub(s.Now))
	if job := newestJob(s, o, true); job != nil {
		if h := HealthOf(s, job); h.State == Unhealthy {
			return Health{Unhealthy, text + "; " + job.String() + " " + h.Text}
		}
	}
	return Health{Healthy, text}
}

// newestJob is the youngest Job of a CronJob, or the youngest that has ended; nil without one.
func newestJob(s *snapshot.Snapshot, cron *snapshot.Object, ended bool) *snapshot.Object {
	var newest *snapshot.Object
	for _, o := range s.Owned(cron) {
		job, ok := o.Typed.(*batchv1.Job)
		if !ok || ended && !over(job) {
			continue
		}
		if newest == nil || newest.Meta.GetCreationTimestamp().Time.Before(job.CreationTimestamp.Time) {
			newest = o
		}
	}
	return newest
}

func over(job *batchv1.Job) bool {
	for _, c := range job.Status.Conditions {
		if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) {
			return true
		}
	}
	return false
}

func claimHealth(s *snapshot.Snapshot, claim *corev1.PersistentVolumeClaim) Health {
	switch {
	case claim.DeletionTimestamp != nil:
		text := "is being deleted since " + rule.Human(s.Now.Sub(claim.DeletionTimestamp.Time))
		if len(claim.Finalizers) > 0 {
			text += ", kept by finalizer " + strings.Join(claim.Finalizers, ", ")
		}
		if s.Now.Sub(claim.DeletionTimestamp.Time) < youth {
			return Health{Starting, text}
		}
		return Health{Unhealthy, text}
	case claim.Status.Phase == corev1.ClaimBound:
		return Health{Healthy, "bound to " + claim.Spec.VolumeName}
	case claim.Status.Phase == corev1.ClaimPending && waitsForConsumer(s, claim):
		return Health{Idle, "gets its volume when a pod that uses it is scheduled"}
	}
	return Health{Unhealthy, "phase " + string(claim.Status.Phase)}
}

// waitsForConsumer tells whether a claim's class makes no volume before a pod uses the claim, and none
// does.
func waitsForConsumer(s *snapshot.Snapshot, claim *corev1.PersistentVolumeClaim) bool {
	if claim.Spec.StorageClassName == nil {
		return false
	}
	o, _ := s.Lookup(snapshot.StorageClassKind, "", *claim.Spec.StorageClassName)
	if o == nil {
		return false
	}
	class, ok := o.Typed.(*storagev1.StorageClass)
	if !ok || class.VolumeBindingMode == nil || *class.VolumeBindingMode != storagev1.VolumeBindingWaitForFirstConsumer {
		return false
	}
	for _, pod := range s.List(snapshot.PodKind, claim.Namespace) {
		for _, v := range pod.Pod().Spec.Volumes {
			if v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim.Name {
				return false
			}
		}
	}
	return s.ListRead(snapshot.PodKind, claim.Namespace)
}

// scalerYouth is how long an autoscaler may go without measurements: metrics-server needs two readings of
// a new pod.
const scalerYouth = 2 * time.Minute

func scalerHealth(s *snapshot.Snapshot, hpa *autoscalingv2.HorizontalPodAutoscaler) Health {
	low := int32(1)
	if hpa.Spec.MinReplicas != nil {
		low = *hpa.Spec.MinReplicas
	}
	text := fmt.Sprintf("%s, of %d to %d", rule.Count(int(hpa.Status.CurrentReplicas), "replica"), low, hpa.Spec.MaxReplicas)
	if len(hpa.Status.Conditions) == 0 {
		return Health{Unknown, "no controller has looked at it"}
	}
	for _, c := range hpa.Status.Conditions {
		switch {
		case c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionFalse && c.Reason == "ScalingDisabled":
			return Health{Idle, "its target is scaled to zero"}
		case (c.Type == autoscalingv2.ScalingActive || c.Type == autoscalingv2.AbleToScale) && c.Status == corev1.ConditionFalse:
			state := Unhealthy
			if c.Type == autoscalingv2.ScalingActive && s.Now.Sub(hpa.CreationTimestamp.Time) < scalerYouth {
				state = Starting
			}
			return Health{state, fmt.Sprintf("%s: %s", c.Reason, c.Message)}
		case c.Type == autoscalingv2.ScalingLimited && c.Status == corev1.ConditionTrue && c.Reason == "TooManyReplicas":
			text += ", and would have more"
		}
	}
	return Health{Healthy, text}
}

func budgetHealth(pdb *policyv1.PodDisruptionBudget) Health {
	st := pdb.Status
	text := fmt.Sprintf("%d of %d pods healthy, %d must be", st.CurrentHealthy, st.ExpectedPods, st.DesiredHealthy)
	switch {
	case st.ObservedGeneration == 0:
		return Health{Unknown, "no controller has looked at it"}
	case st.ExpectedPods == 0:
		return Health{Idle, "there are no pods that it protects"}
	case st.DisruptionsAllowed > 0:
		return Health{Healthy, rule.Count(int(st.DisruptionsAllowed), "eviction") + " allowed: " + text}
	}
	return Health{Unhealthy, "no eviction allowed: " + text}
}

func ingressHealth(ingress *networkingv1.Ingress) Health {
	var at []string
	for _, a := range ingress.Status.LoadBalancer.Ingress {
		if a.Hostname != "" {
			at = append(at, a.Hostname)
		} else if a.IP != "" {
			at = append(at, a.IP)
		}
	}
	if len(at) == 0 {
		return Health{Unknown, "no controller has written an address into its status; some never do"}
	}
	return Health{Healthy, "served at " + strings.Join(at, ", ")}
}

func policyHealth(s *snapshot.Snapshot, o *snapshot.Object, policy *networkingv1.NetworkPolicy) Health {
	selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
	if err != nil {
		return Health{Unknown, "its selector cannot be read"}
	}
	read := s.ListRead(snapshot.PodKind, o.Namespace)
	if out, ok := s.Outcome(snapshot.WantList(snapshot.PodKind, o.Namespace, selector.String())); ok {
		read = read || out.State != snapshot.Blind
	}
	if !read {
		return Health{Unknown, "its pods were not read"}
	}
	n := len(s.SelectedPods(o.Namespace, selector))
	if n == 0 {
		return Health{Idle, "selects no pod"}
	}
	return Health{Healthy, "selects " + rule.Count(n, "pod")}
}
