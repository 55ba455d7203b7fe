package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// State is how an object does, before anybody asks why.
type State string

// The states.
const (
	Healthy   State = "healthy"
	Unhealthy State = "unhealthy"
	Starting  State = "starting" // too young to judge, or stopping as it should
	Finished  State = "finished"
	Idle      State = "idle" // nothing is meant to run
	Unknown   State = "unknown"
)

// Health is the state of an object in one line.
type Health struct {
	State State
	Text  string
}

// youth is how long a pod may take to become ready before that alone counts as a failure.
const youth = time.Minute

// HealthOf judges an object by its status and that of its pods.
func HealthOf(s *snapshot.Snapshot, o *snapshot.Object) Health {
	switch t := o.Typed.(type) {
	case *corev1.Pod:
		return podHealth(s, o, t)
	case *appsv1.Deployment:
		for _, c := range t.Status.Conditions {
			if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse || c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
				return Health{Unhealthy, fmt.Sprintf("%s: %s", c.Reason, c.Message)}
			}
		}
		if t.Spec.Paused { // which revision the pods are of is as somebody wants it
			h := replicas(s, o, t.Spec.Replicas, t.Status.Replicas, t.Status.AvailableReplicas)
			h.Text += "; the rollout is paused"
			return h
		}
		h := replicas(s, o, t.Spec.Replicas, t.Status.UpdatedReplicas, t.Status.AvailableReplicas)
		if want := t.Status.Replicas; t.Spec.MinReadySeconds > 0 && h.State == Unhealthy && want > 0 && t.Status.ReadyReplicas == want && t.Status.AvailableReplicas < want {
			return Health{Starting, fmt.Sprintf("%d of %d pods ready, and not yet for the %ds of minReadySeconds", t.Status.ReadyReplicas, want, t.Spec.MinReadySeconds)}
		}
		if old := t.Status.Replicas - t.Status.UpdatedReplicas; h.State == Healthy && old > 0 { // they may be the ones that are ready
			return Health{Starting, fmt.Sprintf("%s, %d of the revision before not replaced yet", h.Text, old)}
		}
		return h
	case *appsv1.ReplicaSet:
		return replicas(s, o, t.Spec.Replicas, t.Status.Replicas, t.Status.AvailableReplicas)
	case *appsv1.StatefulSet:
		return replicas(s, o, t.Spec.Replicas, t.Status.Replicas, t.Status.ReadyReplicas)
	case *appsv1.DaemonSet:
		want := t.Status.DesiredNumberScheduled
		if want == 0 {
			return Health{Idle, "no node asks for it"}
		}
		return replicas(s, o, &want, t.Status.UpdatedNumberScheduled, t.Status.NumberAvailable)
	case *corev1.ReplicationController:
		return replicas(s, o, t.Spec.Replicas, t.Status.Replicas, t.Status.AvailableReplicas)
	case *batchv1.Job:
		return jobHealth(s, o, t)
	case *batchv1.CronJob:
		return cronHealth(s, o, t)
	case *corev1.Service:
		return serviceHealth(s, o, t)
	case *corev1.PersistentVolumeClaim:
		return claimHealth(s, t)
	case *autoscalingv2.HorizontalPodAutoscaler:
		return scalerHealth(s, t)
	case *policyv1.PodDisruptionBudget:
		return budgetHealth(t)
	case *networkingv1.Ingress:
		return ingressHealth(t)
	case *networkingv1.NetworkPolicy:
		return policyHealth(s, o, t)
	case *corev1.Node:
		return nodeHealth(t)
	case *corev1.Namespace:
		if t.Status.Phase == corev1.NamespaceTerminating {
			return Health{Unhealthy, "terminating"}
		}
		return Health{Healthy, "active"}
	}
	return conditionHealth(o)
}

func podHealth(s *snapshot.Snapshot, o *snapshot.Object, pod *corev1.Pod) Health {
	age := s.Now.Sub(pod.CreationTimestamp.Time)
	if at := pod.DeletionTimestamp; at != nil {
		if s.Now.Sub(at.Time) > youth {
			text := "terminating since " + rule.Human(s.Now.Sub(at.Time))
			if list := pod.Finalizers; len(list) > 0 {
				text += ", and kept by finalizer " + strings.Join(list, ", ")
			}
			return Health{Unhealthy, text}
		}
		return Health{Starting, "terminating"}
	}
	switch pod.Status.Phase {
	case corev1.PodSucceeded:
		if pod.Spec.RestartPolicy == corev1.RestartPolicyAlways || pod.Spec.RestartPolicy == "" {
			return Health{Unhealthy, "was stopped from outside, and is not started again"}
		}
		return Health{Finished, "completed"}
	case corev1.PodFailed:
		text := "failed"
		for _, said := range []string{pod.Status.Reason, strings.TrimSpace(pod.Status.Message)} {
			if said != "" {
				text += ": " + said
			}
		}
		return Health{Unhealthy, text}
	}
	if h := unplaced(pod, age); h != nil {
		return *h
	}
	pass := rule.NewPass(s, o, nil, nil, rule.Sink{})
	restarts, past := int32(0), ""
	for _, c := range o.PodContainers() {
		if c.Status == nil {
			continue
		}
		if w := c.Status.State.Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
			return Health{Unhealthy, waits(c)}
		}
		restarts += c.Status.RestartCount
		if d, failed := pass.Failed(c); failed {
			if !d.Over && !(c.Init && c.Status.State.Terminated != nil && c.Status.State.Terminated.ExitCode == 0) {
				return Health{Unhealthy, fmt.Sprintf("container %s died %s ago (exit %d), %s", c.Name, rule.Human(s.Now.Sub(d.FinishedAt.Time)), d.ExitCode, rule.Count(int(d.Restarts), "restart"))}
			}
			past = fmt.Sprintf(", last %s ago", rule.Human(s.Now.Sub(d.FinishedAt.Time)))
		}
	}
	ready, containers := false, false
	for _, c := range pod.Status.Conditions {
		switch {
		case c.Type == corev1.ContainersReady && c.Status == corev1.ConditionTrue:
			containers = true
		case c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue:
			ready = true
		}
	}
	switch {
	case ready:
		if restarts == 0 {
			return Health{Healthy, "ready, no restarts"}
		}
		return Health{Healthy, "ready, " + rule.Count(int(restarts), "restart") + past}
	case containers && len(pod.Spec.ReadinessGates) == 0: // the kubelet writes both conditions at once; the node controller takes away only one
		return Health{Unhealthy, "counts as not ready, although its containers are: its node does not answer"}
	case allDone(o, pod):
		return Health{Healthy, "its other containers are ready, and the rest has completed"}
	case age < youth:
		return Health{Starting, fmt.Sprintf("starting, %s old", rule.Human(age))}
	case !containers && age < youth+notAsked(pod):
		return Health{Starting, fmt.Sprintf("starting, %s old: its probes begin after %s", rule.Human(age), rule.Human(notAsked(pod)))}
	case containers:
		return Health{Unhealthy, fmt.Sprintf("not ready, %s old: its containers are, and nobody has set %s", rule.Human(age), strings.Join(closedGates(pod), ", "))}
	}
	return Health{Unhealthy, fmt.Sprintf("not ready, %s old", rule.Human(age))}
}

// notAsked is how long after its start a pod's containers are not asked whether they are ready.
func notAsked(pod *corev1.Pod) time.Duration {
	var longest int32
	for i := range pod.Spec.Containers {
		for _, probe := range []*corev1.Probe{pod.Spec.Containers[i].StartupProbe, pod.Spec.Containers[i].ReadinessProbe} {
			if probe != nil {
				longest = max(longest, probe.InitialDelaySeconds)
			}
		}
	}
	return time.Duration(longest) * time.Second
}

// waits words for what a container waits.
func waits(c snapshot.Container) string {
	w := c.Status.State.Waiting
	text := fmt.Sprintf("container %s waits: %s", c.Name, w.Reason)
	if w.Message != "" && w.Reason != "CrashLoopBackOff" { // that one only repeats the names
		text += ": " + ending(w.Message)
	}
	return text
}

// endLetters is how much of what a kubelet says is kept.
const endLetters = 200

// ending is the end of what a kubelet says, where the reason stands behind those that passed it on.
func ending(message string) string {
	text := []rune(knowledge.Mask(strings.Join(strings.Fields(message), " ")))
	if len(text) > endLetters {
		return "..." + string(text[len(text)-endLetters:])
	}
	return string(text)
}

// unplaced judges a pod that no scheduler has given a node; nil for one that has a node, or that is
// too young to tell.
func unplaced(pod *corev1.Pod, age time.Duration) *Health {
	if pod.Spec.NodeName != "" {
		return nil
	}
	var gates []string
	for _, g := range pod.Spec.SchedulingGates {
		gates = append(gates, g.Name)
	}
	if len(gates) > 0 {
		return &Health{Idle, "not scheduled while it has the scheduling gate " + strings.Join(gates, ", ")}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return &Health{Unhealthy, "not scheduled: " + c.Message}
		}
	}
	if age < youth {
		return nil
	}
	return &Health{Unhealthy, fmt.Sprintf("not scheduled, %s old, and scheduler %s has not said why: does it run?", rule.Human(age), pod.Spec.SchedulerName)}
}

// allDone tells whether the containers that are not ready have ended well and are not to be started
// again.
func allDone(o *snapshot.Object, pod *corev1.Pod) bool {
	if pod.Spec.RestartPolicy != corev1.RestartPolicyNever && pod.Spec.RestartPolicy != corev1.RestartPolicyOnFailure {
		return false
	}
	running := false
	for _, c := range o.PodContainers() {
		if c.Init {
			continue
		}
		switch {
		case c.Status == nil:
			return false
		case c.Status.State.Terminated != nil && c.Status.State.Terminated.ExitCode == 0:
		case !c.Status.Ready:
			return false
		default:
			running = true
		}
	}
	return running
}

// closedGates are the readiness gates of a pod whose condition is not true.
func closedGates(pod *corev1.Pod) []string {
	var closed []string
	for _, g := range pod.Spec.ReadinessGates {
		open := false
		for _, c := range pod.Status.Conditions {
			open = open || c.Type == g.ConditionType && c.Status == corev1.ConditionTrue
		}
		if !open {
			closed = append(closed, string(g.ConditionType))
		}
	}
	return closed
}

func replicas(s *snapshot.Snapshot, o *snapshot.Object, want *int32, updated, available int32) Health {
	desired := int32(1)
	if want != nil {
		desired = *want
	}
	if desired == 0 {
		return Health{Idle, "scaled to zero"}
	}
	text := fmt.Sprintf("%d of %d pods ready", available, desired)
	worst := Healthy
	var why string
	restarts := int32(0)
	for _, pod := range s.PodsOf(o) {
		if available >= desired && replaced(s, pod) {
			continue
		}
		h := podHealth(s, pod, pod.Pod())
		for _, c := range pod.PodContainers() {
			if c.Status != nil {
				restarts += c.Status.RestartCount
			}
		}
		switch {
		case h.State == Unhealthy && worst != Unhealthy:
			worst, why = Unhealthy, fmt.Sprintf("pod/%s %s", pod.Name, h.Text)
		case h.State == Starting && worst == Healthy && available < desired:
			worst, why = Starting, fmt.Sprintf("pod/%s %s", pod.Name, h.Text)
		}
	}
	switch {
	case worst != Healthy:
		return Health{worst, text + "; " + why}
	case available < desired:
		return Health{Unhealthy, text}
	case updated < desired:
		return Health{Starting, fmt.Sprintf("%s, %d updated", text, updated)}
	case restarts > 0:
		return Health{Healthy, text + ", " + rule.Count(int(restarts), "restart")}
	}
	return Health{Healthy, text + ", no restarts"}
}

// replaced tells whether a pod ended long enough ago to be history, now that another one is in its
// place, or is of an older revision: controllers leave evicted pods lying about.
func replaced(s *snapshot.Snapshot, o *snapshot.Object) bool {
	if rule.Superseded(s, o) {
		return true
	}
	if phase := o.Pod().Status.Phase; phase != corev1.PodFailed && phase != corev1.PodSucceeded {
		return false
	}
	pass := rule.NewPass(s, o, nil, nil, rule.Sink{})
	end := o.Pod().CreationTimestamp.Time
	for _, c := range o.PodContainers() {
		if d := pass.LastDeath(c); d != nil && d.FinishedAt.After(end) {
			end = d.FinishedAt.Time
		}
	}
	return s.Now.Sub(end) >= rule.LongRun
}

func jobHealth(s *snapshot.Snapshot, o *snapshot.Object, job *batchv1.Job) Health {
	for _, c := range job.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete:
			return Health{Finished, "completed"}
		case batchv1.JobFailed:
			return Health{Unhealthy, fmt.Sprintf("failed: %s", c.Reason)}
		case batchv1.JobSuspended:
			return Health{Idle, "suspended"}
		}
	}
	for _, pod := range s.PodsOf(o) {
		if h := podHealth(s, pod, pod.Pod()); h.State == Unhealthy {
			return Health{Unhealthy, fmt.Sprintf("pod/%s %s", pod.Name, h.Text)}
		}
	}
	return Health{Starting, rule.Count(int(job.Status.Active), "pod") + " running"}
}

func serviceHealth(s *snapshot.Snapshot, o *snapshot.Object, svc *corev1.Service) Health {
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		return Health{Healthy, "an alias of " + svc.Spec.ExternalName}
	}
	ready, total, ports := 0, 0, 0
	lists := s.EndpointSlices(o)
	for _, slice := range lists {
		es, ok := slice.Typed.(*discoveryv1.EndpointSlice)
		if !ok {
			continue
		}
		ports += len(es.Ports)
		for _, ep := range es.Endpoints {
			total++
			if ep.Conditions.Ready == nil || *ep.Conditions.Ready {
				ready++
			}
		}
	}
	switch {
	case ready > 0 && ports == 0 && portNames(svc) != "" && len(svc.Spec.Selector) > 0: // the controller leaves out a port name that no pod has
		return Health{Unhealthy, fmt.Sprintf("%d of %s ready, and none has a port: no container of the pods has one of the name %s", ready, rule.Count(total, "endpoint"), portNames(svc))}
	case ready > 0:
		return Health{Healthy, fmt.Sprintf("%d of %s ready", ready, rule.Count(total, "endpoint"))}
	case len(svc.Spec.Selector) == 0:
		return Health{Unknown, "no selector: its endpoints are kept by hand, and none of those read is ready"}
	case len(lists) == 0 && !s.ListRead(snapshot.EndpointSliceKind, o.Namespace):
		return Health{Unknown, "its endpoints were not read"}
	}
	if behind := s.SelectedTemplates(o.Namespace, labels.SelectorFromSet(svc.Spec.Selector)); total == 0 && len(behind) > 0 {
		idle := true
		for _, b := range behind {
			idle = idle && b.Object.Pod() == nil && HealthOf(s, b.Object).State == Idle
		}
		if idle {
			return Health{Idle, behind[0].Object.String() + " is " + HealthOf(s, behind[0].Object).Text}
		}
	}
	if starting := s.SelectedPods(o.Namespace, labels.SelectorFromSet(svc.Spec.Selector)); len(starting) > 0 && !slices.ContainsFunc(starting, func(pod *snapshot.Object) bool {
		return podHealth(s, pod, pod.Pod()).State != Starting || HealthOf(s, s.TopOwner(pod)).State == Unhealthy
	}) {
		return Health{Starting, "no ready endpoint yet: " + rule.Count(len(starting), "pod") + " starting"}
	}
	return Health{Unhealthy, "no ready endpoint"}
}

// portNames are the names of ports that a Service leads to.
func portNames(svc *corev1.Service) string {
	var names []string
	for _, port := range svc.Spec.Ports {
		if port.TargetPort.Type == intstr.String {
			names = append(names, port.TargetPort.StrVal)
		}
	}
	return strings.Join(names, ", ")
}

func nodeHealth(node *corev1.Node) Health {
	for _, c := range node.Status.Conditions {
		switch {
		case c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue:
			return Health{Unhealthy, fmt.Sprintf("not ready: %s", c.Message)}
		case c.Type != corev1.NodeReady && c.Status == corev1.ConditionTrue && strings.HasSuffix(string(c.Type), "Pressure"):
			return Health{Unhealthy, string(c.Type)}
		}
	}
	if len(node.Status.Conditions) == 0 {
		return Health{Unknown, "no kubelet has reported"}
	}
	if node.Spec.Unschedulable {
		return Health{Healthy, "ready, and cordoned: it takes no new pods"}
	}
	return Health{Healthy, "ready"}
}

// conditionHealth reads the standard conditions of a kind that nobody knows.
func conditionHealth(o *snapshot.Object) Health {
	status, _ := o.Raw()["status"].(map[string]any)
	conditions, _ := status["conditions"].([]any)
	for _, item := range conditions {
		c, _ := item.(map[string]any)
		kind, _ := c["type"].(string)
		value, _ := c["status"].(string)
		if kind != "Ready" && kind != "Available" && kind != "Healthy" {
			continue
		}
		message, _ := c["message"].(string)
		switch value {
		case "True":
			return Health{Healthy, strings.ToLower(kind)}
		case "False":
			return Health{Unhealthy, strings.TrimSpace(fmt.Sprintf("%s is False: %s", kind, message))}
		}
	}
	return Health{Unknown, "its status says nothing of its health"}
}
