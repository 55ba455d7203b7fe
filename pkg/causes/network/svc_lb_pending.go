package network

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcLBPending finds Services of type LoadBalancer that have no address.
var SvcLBPending = rule.Cause{
	ID: "svc-lb-pending", Title: "has no load balancer", Doc: rule.ReadDoc(docs, "svc_lb_pending.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.ServiceKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if lacksBalancer(p) != nil {
			return []snapshot.Want{snapshot.WantEvents(p.Object.Ref)}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		if svc := lacksBalancer(p); svc != nil {
			reportBalancer(p, svc)
		}
	},
}

// balancing is how long a load balancer may take to be made without that being a fault.
const balancing = time.Minute

func lacksBalancer(p *rule.Pass) *corev1.Service {
	svc, ok := p.Object.Typed.(*corev1.Service)
	if !ok || svc.Spec.Type != corev1.ServiceTypeLoadBalancer || len(svc.Status.LoadBalancer.Ingress) > 0 || deleted(p) {
		return nil
	}
	return svc
}

// notOfBalancers starts the reasons of warnings about a Service that have nothing to do with load balancers.
// Source: the endpoints and endpointslice controllers, and the API server's repair of addresses and ports.
var notOfBalancers = knowledge.Regexp(`^(?:FailedToUpdateEndpoint|FailedToList|ClusterIP|IPAddress|Port(?:Not|Already|OutOf))`)

// complaint is the newest warning about the object of the Pass, or nil: controllers word them each in their
// own way.
func complaint(p *rule.Pass) *corev1.Event {
	events := p.EventsOf(p.Object)
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Type == corev1.EventTypeWarning && !notOfBalancers.MatchString(events[i].Reason) {
			return events[i]
		}
	}
	return nil
}

func reportBalancer(p *rule.Pass, svc *corev1.Service) {
	age := p.Age(svc.CreationTimestamp.Time)
	setting := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "type")}
	patch := setting.ReplaceValue("LoadBalancer", "NodePort")
	f := rule.Finding{
		Field: setting.Path, Value: "LoadBalancer",
		Label:    "no address has been given to it",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.loadBalancer", Text: fmt.Sprintf("no address, %s after it was made", rule.Human(age))}},
	}
	said := complaint(p)
	switch {
	case said != nil:
		f.Certainty = rule.Certain
		f.Message = fmt.Sprintf("has no load balancer: %s, says its controller: %s", said.Reason, rule.Quote(said.Message))
		f.Evidence = append([]rule.Evidence{rule.EventEvidence(said)}, f.Evidence...)
		f.RuledOut = []string{"a cluster without a controller for load balancers: it has answered"}
		f.Fix = &rule.Fix{Title: "mend what the controller complains about: a quota, its rights, an annotation, the pool of addresses", Applicability: rule.NeedsThought}
	case age < balancing:
		return
	case len(svc.Finalizers) > 0:
		f.Certainty = rule.Possible
		f.Message = fmt.Sprintf("has had no load balancer for %s, though a controller has taken it on: does that still work on it?", rule.Human(age))
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "metadata.finalizers", Text: "finalizer " + svc.Finalizers[0]})
		f.Fix = &rule.Fix{Title: "read the log of the controller that makes load balancers", Applicability: rule.NeedsThought}
	default:
		f.Certainty = rule.Likely
		f.Message = fmt.Sprintf("has had no load balancer for %s, and no controller has said anything: nothing in this cluster seems to make them", rule.Human(age))
		what := "a controller that makes load balancers: that of a cloud, or MetalLB"
		if class := svc.Spec.LoadBalancerClass; class != nil {
			f.Field, f.Value, f.Label = field.NewPath("spec", "loadBalancerClass"), *class, "only a controller for this class would give it an address"
			f.Message = fmt.Sprintf("has had no load balancer for %s: no controller for class %s has said anything", rule.Human(age), *class)
			what = "a controller for class " + *class
		}
		if !p.EventsCover(svc.CreationTimestamp.Time) {
			f.Certainty = rule.Possible
			f.Message += "; what it said earlier is gone or was not read"
		}
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "metadata.finalizers", Text: "no finalizer, which the controller of a cloud sets first of all"})
		f.Fix = &rule.Fix{
			Title:         "make it a NodePort, or install " + what,
			Caution:       "as a NodePort it is reached on a port of the nodes, not on port " + firstPort(svc) + " of an address of its own",
			Applicability: rule.NeedsThought,
			Patch:         patch, Command: p.PatchCommand(p.Object.Ref, patch),
		}
	}
	p.Report(f)
}

func firstPort(svc *corev1.Service) string {
	if len(svc.Spec.Ports) == 0 {
		return "N"
	}
	return fmt.Sprint(svc.Spec.Ports[0].Port)
}
