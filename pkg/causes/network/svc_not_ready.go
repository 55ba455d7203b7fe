package network

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcNotReady finds Services none of whose pods is ready. Why the pods are not is their own finding.
var SvcNotReady = rule.Cause{
	ID: "svc-not-ready", Title: "none of the Service's pods is ready", Doc: rule.ReadDoc(docs, "svc_not_ready.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.ServiceKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		svc := selectable(p)
		if svc == nil || !noPods(p, svc) {
			return nil
		}
		ns := p.Object.Namespace
		var wants []snapshot.Want
		for _, gk := range replicating {
			wants = append(wants, snapshot.WantList(gk, ns, ""))
		}
		for _, o := range behind(p, svc) {
			if o.GroupKind() == snapshot.DeploymentKind {
				wants = append(wants, snapshot.WantList(snapshot.ReplicaSetKind, ns, ""))
			}
			if maker := creator(p, o); maker != nil {
				wants = append(wants, snapshot.WantEvents(maker.Ref))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if svc := selectable(p); svc != nil && noPods(p, svc) {
			reportNotMade(p, svc)
			return
		}
		svc, ok := p.Object.Typed.(*corev1.Service)
		if !ok || svc.Spec.Type == corev1.ServiceTypeExternalName || svc.Spec.PublishNotReadyAddresses || len(svc.Spec.Selector) == 0 {
			return
		}
		e := endpointsOf(p)
		if len(e.notReady) == 0 || e.ready > 0 || young(p, e.notReady) {
			return
		}
		f := rule.Finding{
			NoField:   "the Service is as it should be and finds its pods; they are not ready",
			Message:   fmt.Sprintf("finds %s, and none of them is ready: it sends its traffic nowhere", rule.Count(len(e.notReady), "pod")),
			Certainty: rule.Certain,
			Evidence:  []rule.Evidence{{Source: rule.FromStatus, Object: e.slice, Field: "endpoints", Text: fmt.Sprintf("%s: 0 of %s ready", e.slice.String(), rule.Count(len(e.notReady), "endpoint"))}},
			RuledOut:  []string{"the selector: it finds pods"},
			Fix:       &rule.Fix{Title: "mend the pods: the Service then needs nothing", Applicability: rule.NeedsThought},
		}
		if len(e.notReady) == 1 {
			f.Message = "finds 1 pod, which is not ready: it sends its traffic nowhere"
		}
		pods := e.pods()
		if ended(p, pods) {
			f.Message = fmt.Sprintf("finds %s, and all have ended: it sends its traffic nowhere", rule.Count(len(pods), "pod"))
			if len(pods) == 1 {
				f.Message = "finds 1 pod, which has ended: it sends its traffic nowhere"
			}
			f.NoField = "the Service finds pods; nothing in them runs any more"
			f.Fix.Title = "run what it is for: pods that have ended do not start again"
		}
		for i := range pods {
			if o, _ := p.Lookup(snapshot.PodKind, pods[i].Namespace, pods[i].Name); o != nil || f.Because == nil {
				f.Because = &pods[i]
				if o != nil {
					break
				}
			}
		}
		p.Report(f)
	},
}

// replicating are the kinds that keep a number of pods, or one a node: those of Jobs come and go.
var replicating = []schema.GroupKind{snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind}

// noPods tells whether a Service has no endpoints since there is no pod for it.
func noPods(p *rule.Pass, svc *corev1.Service) bool {
	e := endpointsOf(p)
	return e.ready == 0 && len(e.notReady) == 0 && podsRead(p, svc) && !p.SelectsPod(p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector))
}

// behind are the workloads whose pods a Service would find.
func behind(p *rule.Pass, svc *corev1.Service) []*snapshot.Object {
	var list []*snapshot.Object
	for _, b := range p.SelectedTemplates(p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector)) {
		if slices.Contains(replicating, b.Object.GroupKind()) && b.Object.Meta.GetDeletionTimestamp() == nil {
			list = append(list, b.Object)
		}
	}
	return list
}

// creator is what creates the pods of a workload: for a Deployment its newest ReplicaSet, as far as it was read.
func creator(p *rule.Pass, o *snapshot.Object) *snapshot.Object {
	if o.GroupKind() == snapshot.DeploymentKind {
		return p.NewestReplicaSet(o)
	}
	return o
}

// reportNotMade tells of a Service whose pods are refused: why that is, is a finding of what should create them.
func reportNotMade(p *rule.Pass, svc *corev1.Service) {
	for _, o := range behind(p, svc) {
		maker := creator(p, o)
		if maker == nil {
			continue
		}
		r := of(p, maker).RefusedPods()
		if r == nil || r.Have > 0 {
			continue
		}
		because := maker.Ref
		p.Report(rule.Finding{
			Because:   &because,
			NoField:   "the Service is as it should be; its pods are refused before there are any",
			Message:   fmt.Sprintf("finds no pod: those of %s could not be created: %s", o.String(), rule.Quote(forbidden(r.Message))),
			Certainty: rule.Certain,
			Evidence:  []rule.Evidence{r.Evidence, {Source: rule.FromSpec, Object: o.Ref, Field: "spec.template.metadata.labels", Text: fmt.Sprintf("the template of %s has %s", o.String(), pairs(svc.Spec.Selector))}},
			RuledOut:  []string{fmt.Sprintf("the selector: it fits the template of %s", o.String())},
			Fix:       &rule.Fix{Title: fmt.Sprintf("mend %s: the Service then needs nothing", o.String()), Applicability: rule.NeedsThought, Lines: []string{p.Explain(o.Ref)}},
		})
		return
	}
}

// forbidden is why a server forbids something, without the words on what it forbids.
func forbidden(message string) string {
	if _, why, ok := strings.Cut(message, " is forbidden: "); ok {
		return why
	}
	return message
}

// endpoints is what the EndpointSlices of a Service hold.
type endpoints struct {
	read     bool // whether there is an answer at all
	ready    int
	notReady []discoveryv1.Endpoint
	slice    snapshot.Ref // one of them
	of       string       // namespace
}

func endpointsOf(p *rule.Pass) endpoints {
	e := endpoints{of: p.Object.Namespace}
	for _, o := range p.EndpointSlices(p.Object) {
		slice, ok := o.Typed.(*discoveryv1.EndpointSlice)
		if !ok {
			continue
		}
		if e.slice.IsZero() || len(slice.Endpoints) > 0 {
			e.slice = o.Ref
		}
		for _, ep := range slice.Endpoints {
			switch {
			case rule.EndpointReady(&ep):
				e.ready++
			case ep.Conditions.Terminating == nil || !*ep.Conditions.Terminating:
				e.notReady = append(e.notReady, ep)
			}
		}
	}
	e.read = !e.slice.IsZero() || p.EndpointSlicesRead(p.Object)
	return e
}

// pods are the pods behind the endpoints that are not ready.
func (e endpoints) pods() []snapshot.Ref {
	var refs []snapshot.Ref
	for _, ep := range e.notReady {
		if ep.TargetRef != nil && ep.TargetRef.Kind == "Pod" {
			refs = append(refs, snapshot.Ref{APIVersion: "v1", Kind: "Pod", Namespace: e.of, Name: ep.TargetRef.Name})
		}
	}
	return refs
}

// ended tells whether all pods were read and have run to their end.
func ended(p *rule.Pass, pods []snapshot.Ref) bool {
	for _, ref := range pods {
		o, _ := p.Lookup(snapshot.PodKind, ref.Namespace, ref.Name)
		if o == nil || o.Pod().Status.Phase != corev1.PodSucceeded && o.Pod().Status.Phase != corev1.PodFailed {
			return false
		}
	}
	return len(pods) > 0
}

// young tells whether all pods behind the endpoints were read and have only just started.
func young(p *rule.Pass, list []discoveryv1.Endpoint) bool {
	e := endpoints{notReady: list, of: p.Object.Namespace}
	pods := e.pods()
	for _, ref := range pods {
		o, _ := p.Lookup(snapshot.PodKind, ref.Namespace, ref.Name)
		if o == nil || !starts(p, o) {
			return false
		}
	}
	return len(pods) > 0
}

// starts tells whether a pod may still get ready by itself: it is young, and so is every container
// that its readiness waits for.
func starts(p *rule.Pass, o *snapshot.Object) bool {
	pod := o.Pod()
	if p.Age(pod.CreationTimestamp.Time) >= starting {
		return false
	}
	waits := false
	for _, c := range o.PodContainers() {
		if c.Init {
			continue
		}
		waits = waits || c.Status == nil || !c.Status.Ready
		if c.Status == nil {
			continue
		}
		var ran time.Duration
		if run := c.Status.State.Running; run != nil {
			ran = p.Age(run.StartedAt.Time)
		}
		if c.Status.RestartCount > 0 || c.Status.State.Terminated != nil || c.ReadinessProbe != nil && ran >= patience(c, readinessEvent(p, o, c)) {
			return false
		}
	}
	return waits // where all containers are ready and the pod is not, somebody has taken it away
}

func readinessEvent(p *rule.Pass, o *snapshot.Object, c snapshot.Container) *corev1.Event {
	return rule.NewPass(p.Snapshot, o, nil, nil, rule.Sink{}).ContainerEvent(c.Name, "Unhealthy", "Readiness probe")
}
