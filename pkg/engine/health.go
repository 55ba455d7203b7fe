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
	case *corev1.PersistentVolumeClaim:
		return claimHealth(s, t)
	case *corev1.Namespace:
		return namespaceHealth(s, t)
	case nil:
		switch {
		case o.GroupKind() == snapshot.GatewayKind:
			return gatewayHealth(s, o)
		case isRoute(o):
			return routeHealth(s, o)
		}
		return customHealth(s, o)
	}
	if o.Meta.GetDeletionTimestamp() != nil {
		return beingDeleted(s, o)
	}
	if h := unseen(s, o); h != nil {
		return *h
	}
	switch t := o.Typed.(type) {
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
		for _, c := range t.Status.Conditions {
			if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
				return Health{Unhealthy, fmt.Sprintf("%s: %s", c.Reason, c.Message)}
			}
		}
		return replicas(s, o, t.Spec.Replicas, t.Status.Replicas, t.Status.AvailableReplicas)
	case *appsv1.StatefulSet:
		h := replicas(s, o, t.Spec.Replicas, t.Status.Replicas, t.Status.ReadyReplicas)
		if h.State == Healthy {
			h.Text += olderPods(t)
		}
		return h
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
	case *discoveryv1.EndpointSlice:
		return sliceHealth(s, t)
	case *autoscalingv2.HorizontalPodAutoscaler:
		return scalerHealth(s, t)
	case *policyv1.PodDisruptionBudget:
		return budgetHealth(s, t)
	case *networkingv1.Ingress:
		return ingressHealth(s, t)
	case *networkingv1.NetworkPolicy:
		return policyHealth(s, o, t)
	case *corev1.Node:
		return nodeHealth(s, o, t)
	}
	return conditionHealth(s, o)
}

// unseen judges a workload of which its controller has not seen the last change; nil for one that it has.
func unseen(s *snapshot.Snapshot, o *snapshot.Object) *Health {
	var seen int64
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		seen = t.Status.ObservedGeneration
		if slices.ContainsFunc(t.Status.Conditions, func(c appsv1.DeploymentCondition) bool {
			return c.Type == appsv1.DeploymentProgressing && c.Reason == "ReplicaSetCreateError" // it looked, and was refused
		}) {
			return nil
		}
	case *appsv1.ReplicaSet:
		seen = t.Status.ObservedGeneration
	case *appsv1.StatefulSet:
		seen = t.Status.ObservedGeneration
	case *appsv1.DaemonSet:
		seen = t.Status.ObservedGeneration
	default:
		return nil
	}
	if seen >= o.Meta.GetGeneration() {
		return nil
	}
	changed := o.Meta.GetCreationTimestamp().Time
	for _, m := range o.Managers {
		if m.Time.After(changed) {
			changed = m.Time
		}
	}
	if age := s.Now.Sub(changed); age >= youth && (seen == 0 || len(o.Managers) > 0) {
		return &Health{Unhealthy, fmt.Sprintf("its controller has not looked at the last change for %s: does kube-controller-manager run?", rule.Human(age))}
	}
	return &Health{Starting, "its controller has not looked at the last change yet"}
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
		if name := rule.CutShort(s, o); name != "" {
			return Health{Unhealthy, fmt.Sprintf("counts as completed, although its liveness probe had container %s killed; it is not started again", name)}
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
			if !d.Over && !pass.Resized(c, d) && !(c.Init && c.Status.State.Terminated != nil && c.Status.State.Terminated.ExitCode == 0) {
				return Health{Unhealthy, fmt.Sprintf("container %s died %s ago (exit %d), %s%s", c.Name, rule.Human(s.Now.Sub(d.FinishedAt.Time)), d.ExitCode, rule.Count(int(d.Restarts), "restart"), forGood(pod, c))}
			}
			past = fmt.Sprintf(", last %s ago", rule.Human(s.Now.Sub(d.FinishedAt.Time)))
			if pass.Resized(c, d) {
				past += ", to resize it"
			}
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
	case !containers && probing(pass) != "":
		return Health{Starting, fmt.Sprintf("starting, %s old: %s", rule.Human(age), probing(pass))}
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

// probing words that a container runs and the probes that keep it from being ready are within their time; "" where
// none is, or where another container is not ready for another reason.
func probing(p *rule.Pass) string {
	text := ""
	for _, c := range p.Object.PodContainers() {
		if c.Status == nil || c.Status.Ready || c.Init && !c.Beside {
			continue
		}
		if c.Status.State.Running == nil {
			if w := c.Status.State.Waiting; w != nil && (w.Reason == "PodInitializing" || c.Init) { // behind a sidecar that starts
				continue
			}
			return ""
		}
		ran := p.Age(c.Status.State.Running.StartedAt.Time)
		started := c.Status.Started == nil || *c.Status.Started
		switch probe := c.StartupProbe; {
		case probe != nil && !started:
			_, most := knowledge.TimingOf(probe).Budget()
			if ran >= most {
				return ""
			}
			text = fmt.Sprintf("the startup probe of container %s gives it %s more", c.Name, rule.Human(most-ran))
		case c.Init:
		case c.ReadinessProbe != nil && started:
			left := p.PassesLeft(c)
			if since := p.Age(p.AskedSince(c)); left <= 0 && c.StartupProbe != nil && since < youth {
				text = fmt.Sprintf("the startup probe of container %s has passed %s ago at most", c.Name, rule.Human(since))
				continue
			}
			if left <= 0 {
				return ""
			}
			text = fmt.Sprintf("the readiness probe of container %s is to pass %d times in a row, which takes %s more", c.Name, c.ReadinessProbe.SuccessThreshold, rule.Human(left))
		}
	}
	return text
}

// forGood words that a container which ended is not started again, where others of its pod go on.
func forGood(pod *corev1.Pod, c snapshot.Container) string {
	if pod.Spec.RestartPolicy != corev1.RestartPolicyNever || c.Status.State.Terminated == nil || c.RestartPolicy != nil || len(c.RestartPolicyRules) > 0 {
		return ""
	}
	return ", and is not started again, since restartPolicy is Never"
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
	case available < desired && s.Now.Sub(o.Meta.GetCreationTimestamp().Time) < youth:
		return Health{Starting, text}
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
	if takenAway(o.Pod()) {
		return true
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

// takenAway tells whether a pod ended since somebody wanted its place, and not by a fault of its own.
// Source: the reasons of the condition DisruptionTarget in k8s.io/kubernetes, pkg/controller and
// pkg/registry; the kubelet's own for a node that shuts down.
func takenAway(pod *corev1.Pod) bool {
	if pod.Status.Reason == "Terminated" {
		return true
	}
	return slices.Contains([]string{"DeletionByTaintManager", "EvictionByEvictionAPI", "DeletionByPodGC", corev1.PodReasonPreemptionByScheduler}, rule.Disruption(pod).Reason)
}

// olderPods tells of a StatefulSet's pods that are of an older template because it is asked to leave them.
func olderPods(t *appsv1.StatefulSet) string {
	older := t.Status.Replicas - t.Status.UpdatedReplicas
	if older <= 0 || t.Status.UpdateRevision == "" || t.Status.UpdateRevision == t.Status.CurrentRevision {
		return ""
	}
	strategy := t.Spec.UpdateStrategy
	switch {
	case strategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
		return fmt.Sprintf(", %d of an older template, as OnDelete wants it", older)
	case strategy.RollingUpdate != nil && strategy.RollingUpdate.Partition != nil && *strategy.RollingUpdate.Partition > 0:
		return fmt.Sprintf(", %d of an older template, as partition %d wants it", older, *strategy.RollingUpdate.Partition)
	}
	return ""
}

func jobHealth(s *snapshot.Snapshot, o *snapshot.Object, job *batchv1.Job) Health {
	for _, c := range job.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete:
			for _, pod := range s.PodsOf(o) {
				if name := rule.CutShort(s, pod); name != "" {
					return Health{Unhealthy, fmt.Sprintf("counts as completed, although its liveness probe had container %s of pod/%s killed", name, pod.Name)}
				}
			}
			return Health{Finished, "completed"}
		case batchv1.JobFailed:
			return Health{Unhealthy, fmt.Sprintf("failed: %s", c.Reason)}
		case batchv1.JobSuspended:
			return Health{Idle, "suspended"}
		}
	}
	running := 0
	for _, pod := range s.PodsOf(o) {
		switch h := podHealth(s, pod, pod.Pod()); {
		case h.State == Unhealthy && !retried(s, job, pod):
			return Health{Unhealthy, fmt.Sprintf("pod/%s %s", pod.Name, h.Text)}
		case h.State == Healthy && s.Now.Sub(pod.Pod().CreationTimestamp.Time) >= youth:
			running++
		}
	}
	text := rule.Count(int(job.Status.Active), "pod") + " running"
	if job.Status.Failed > 0 {
		text += fmt.Sprintf(", %d failed before", job.Status.Failed)
	}
	if running > 0 && running == int(job.Status.Active) {
		return Health{Healthy, text}
	}
	return Health{Starting, text}
}

// retried tells whether a pod of a Job has failed, and another one runs in its place.
func retried(s *snapshot.Snapshot, job *batchv1.Job, pod *snapshot.Object) bool {
	if pod.Pod().Status.Phase != corev1.PodFailed || job.Status.Active == 0 {
		return false
	}
	return replaced(s, pod)
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
			if rule.EndpointReady(&ep) {
				ready++
			}
		}
	}
	switch {
	case ready > 0 && ports == 0 && portNames(svc) != "" && len(svc.Spec.Selector) > 0: // the controller leaves out a port name that no pod has
		return Health{Unhealthy, fmt.Sprintf("%d of %s ready, and none has a port: no container of the pods has one of the name %s", ready, rule.Count(total, "endpoint"), portNames(svc))}
	case ready > 0:
		text := fmt.Sprintf("%d of %s ready", ready, rule.Count(total, "endpoint"))
		if svc.Spec.Type == corev1.ServiceTypeLoadBalancer && len(svc.Status.LoadBalancer.Ingress) == 0 {
			age := s.Now.Sub(svc.CreationTimestamp.Time)
			if age < youth {
				return Health{Starting, text + ", and no load balancer yet"}
			}
			return Health{Unhealthy, fmt.Sprintf("%s, and no load balancer after %s", text, rule.Human(age))}
		}
		return Health{Healthy, text}
	case len(svc.Spec.Selector) == 0:
		return Health{Unknown, "no selector: its endpoints are kept by hand, and none of those read is ready"}
	case len(lists) == 0 && !s.EndpointSlicesRead(o):
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

// sliceHealth counts what of a slice is ready. One that is empty is as the pods of its Service are.
func sliceHealth(s *snapshot.Snapshot, slice *discoveryv1.EndpointSlice) Health {
	ready := 0
	for _, ep := range slice.Endpoints {
		if rule.EndpointReady(&ep) {
			ready++
		}
	}
	text := fmt.Sprintf("%d of %s ready", ready, rule.Count(len(slice.Endpoints), "endpoint"))
	switch {
	case len(slice.Endpoints) == 0:
		return Health{Idle, "holds no endpoint"}
	case ready > 0:
		return Health{Healthy, text}
	case s.Now.Sub(slice.CreationTimestamp.Time) < youth:
		return Health{Starting, text}
	}
	return Health{Unhealthy, text}
}
