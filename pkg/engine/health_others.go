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
		if zone = knowledge.Zone(*name); zone == nil {
			return Health{Unknown, text + ", in time zone " + *name + ", which the time zone database does not have"}
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
	if r := rule.Replaced(s, o); r != nil {
		return Health{Unhealthy, text + "; none has ended for " + rule.Human(s.Now.Sub(r.Since)) + ", since each is replaced by the next"}
	}
	return Health{Healthy, text}
}

// newestJob is the youngest Job of a CronJob, or the youngest that has ended; nil without one.
func newestJob(s *snapshot.Snapshot, cron *snapshot.Object, ended bool) *snapshot.Object {
	var newest *snapshot.Object
	for _, o := range s.Owned(cron) {
		job, ok := o.Typed.(*batchv1.Job)
		if !ok || ended && rule.JobEnded(job).Type == "" {
			continue
		}
		if newest == nil || newest.Meta.GetCreationTimestamp().Time.Before(job.CreationTimestamp.Time) {
			newest = o
		}
	}
	return newest
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
	case claim.Status.Phase != corev1.ClaimLost && s.Now.Sub(claim.CreationTimestamp.Time) < youth:
		return Health{Starting, "not bound yet"}
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
		return unlooked(s, hpa.CreationTimestamp.Time, "no controller has looked at it")
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

// unlooked is the state of what its controller has not written about: of something young, that is to be
// expected.
func unlooked(s *snapshot.Snapshot, since time.Time, text string) Health {
	if s.Now.Sub(since) < youth {
		return Health{Starting, "no controller has looked at it yet"}
	}
	return Health{Unknown, text}
}

func budgetHealth(s *snapshot.Snapshot, pdb *policyv1.PodDisruptionBudget) Health {
	st := pdb.Status
	text := fmt.Sprintf("%d of %d pods healthy, %d must be", st.CurrentHealthy, st.ExpectedPods, st.DesiredHealthy)
	switch {
	case st.ObservedGeneration == 0:
		return unlooked(s, pdb.CreationTimestamp.Time, "no controller has looked at it")
	case st.ExpectedPods == 0:
		return Health{Idle, "there are no pods that it protects"}
	case st.DisruptionsAllowed > 0:
		return Health{Healthy, rule.Count(int(st.DisruptionsAllowed), "eviction") + " allowed: " + text}
	}
	if selector, err := snapshot.SelectorOf(pdb.Spec.Selector); err == nil && st.CurrentHealthy < st.ExpectedPods {
		starting, others := 0, 0
		for _, pod := range s.SelectedPods(pdb.Namespace, selector) {
			switch podHealth(s, pod, pod.Pod()).State {
			case Starting:
				starting++
			case Unhealthy:
				others++
			}
		}
		if starting > 0 && others == 0 {
			return Health{Starting, "no eviction allowed yet: " + text}
		}
	}
	return Health{Unhealthy, "no eviction allowed: " + text}
}

func ingressHealth(s *snapshot.Snapshot, ingress *networkingv1.Ingress) Health {
	var at []string
	for _, a := range ingress.Status.LoadBalancer.Ingress {
		if a.Hostname != "" {
			at = append(at, a.Hostname)
		} else if a.IP != "" {
			at = append(at, a.IP)
		}
	}
	if len(at) == 0 {
		return unlooked(s, ingress.CreationTimestamp.Time, "no controller has written an address into its status; some never do")
	}
	return Health{Healthy, "served at " + strings.Join(at, ", ")}
}

func policyHealth(s *snapshot.Snapshot, o *snapshot.Object, policy *networkingv1.NetworkPolicy) Health {
	selector, err := snapshot.SelectorOf(&policy.Spec.PodSelector)
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

func namespaceHealth(s *snapshot.Snapshot, ns *corev1.Namespace) Health {
	if ns.DeletionTimestamp == nil {
		return Health{Healthy, "active; kubectl maturity explain -n " + ns.Name + " looks at what is in it"}
	}
	age := s.Now.Sub(ns.DeletionTimestamp.Time)
	text := "being deleted for " + rule.Human(max(0, age))
	if age < youth { // its pods have their grace period
		return Health{Starting, text}
	}
	for _, c := range ns.Status.Conditions {
		if c.Status == corev1.ConditionTrue && c.Type == corev1.NamespaceContentRemaining {
			text += ": " + clip(c.Message)
		}
	}
	return Health{Unhealthy, text}
}

func nodeHealth(s *snapshot.Snapshot, o *snapshot.Object, node *corev1.Node) Health {
	for _, c := range node.Status.Conditions {
		of := polarityOf(string(c.Type))
		switch {
		case c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue:
			if s.Now.Sub(node.CreationTimestamp.Time) < youth {
				return Health{Starting, "not ready yet: " + clip(c.Message)}
			}
			return Health{Unhealthy, "not ready: " + clip(c.Message)}
		case of == negative && c.Status == corev1.ConditionTrue, c.Type != corev1.NodeReady && of == positive && c.Status == corev1.ConditionFalse:
			return Health{Unhealthy, fmt.Sprintf("%s is %s: %s", c.Type, c.Status, clip(c.Message))}
		}
	}
	if len(node.Status.Conditions) == 0 {
		return Health{Unknown, "no kubelet has reported"}
	}
	text := "ready"
	if node.Spec.Unschedulable {
		text += ", and cordoned: it takes no new pods"
	}
	return Health{Healthy, text + unwellOn(s, o)}
}

// podsOn are the pods that were read of a node.
func podsOn(s *snapshot.Snapshot, node string) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range s.List(snapshot.PodKind, "") {
		if o.Pod().Spec.NodeName == node {
			list = append(list, o)
		}
	}
	return list
}

// unwellOn words that pods on a node that is well are not, as far as they were read: it is no fault of the
// node, and where to look.
func unwellOn(s *snapshot.Snapshot, node *snapshot.Object) string {
	all := podsOn(s, node.Name)
	var unwell []*snapshot.Object
	for _, pod := range all {
		if podHealth(s, pod, pod.Pod()).State == Unhealthy {
			unwell = append(unwell, pod)
		}
	}
	read, of := podsOnRead(s, node.Name), rule.Count(len(unwell), "pod")
	if read {
		of = fmt.Sprintf("%d of %s", len(unwell), rule.Count(len(all), "pod"))
	}
	switch {
	case len(unwell) == 0 && !read:
		return ""
	case len(unwell) == 0:
		return ", " + rule.Count(len(all), "pod") + " on it"
	case len(unwell) == 1:
		return fmt.Sprintf("; %s on it is not healthy: pod/%s -n %s", of, unwell[0].Name, unwell[0].Namespace)
	}
	return fmt.Sprintf("; %s on it are not healthy, such as pod/%s -n %s", of, unwell[0].Name, unwell[0].Namespace)
}

// hurtOn names the pods on a node that are not healthy; "" where there are none.
func hurtOn(s *snapshot.Snapshot, node string) string {
	const few = 5
	var names []string
	all := podsOn(s, node)
	for _, pod := range all {
		if podHealth(s, pod, pod.Pod()).State == Unhealthy {
			names = append(names, fmt.Sprintf("%s (namespace %s)", pod.String(), pod.Namespace))
		}
	}
	if len(names) == 0 {
		return ""
	}
	text := rule.Count(len(names), "pod") + " on it not healthy: "
	if podsOnRead(s, node) {
		text = fmt.Sprintf("%d of %s on it not healthy: ", len(names), rule.Count(len(all), "pod"))
	}
	return text + rule.Few(names, few)
}

// podsOnRead tells whether all pods of a node were read.
func podsOnRead(s *snapshot.Snapshot, node string) bool {
	if s.ListRead(snapshot.PodKind, "") {
		return true
	}
	out, ok := s.Outcome(wantPodsOn(node))
	return ok && out.State != snapshot.Blind
}

func wantPodsOn(node string) snapshot.Want {
	w := snapshot.WantList(snapshot.PodKind, "", "")
	w.Fields = "spec.nodeName=" + node
	return w
}
