package network

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// IngNoAddress finds Ingresses that no controller has given an address.
var IngNoAddress = rule.Cause{
	ID: "ing-no-address", Title: "no controller has given the Ingress an address", Doc: rule.ReadDoc(docs, "ing_no_address.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.IngressKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		ing := ingressOf(p)
		if ing == nil || hasAddress(ing) || class(ing) == "" {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantEvents(p.Object.Ref), snapshot.WantList(snapshot.IngressKind, p.Object.Namespace, "")}
		if name := classField(p); name != "" {
			wants = append(wants, snapshot.WantGet(snapshot.IngressClassKind, "", name))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		ing := ingressOf(p)
		if ing == nil || hasAddress(ing) || class(ing) == "" {
			return
		}
		if name := classField(p); name != "" {
			if _, missing := absent(p, snapshot.IngressClassKind, "", name); missing {
				return
			}
		}
		reportNoAddress(p, ing)
	},
}

func reportNoAddress(p *rule.Pass, ing *networkingv1.Ingress) {
	age, name := p.Age(ing.CreationTimestamp.Time), class(ing)
	f := rule.Finding{
		NoField:   "the Ingress names its class; its controller has not answered",
		Certainty: rule.Possible,
		Evidence:  []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.loadBalancer", Text: fmt.Sprintf("no address, %s after it was made", rule.Human(age))}},
		Fix:       &rule.Fix{Title: fmt.Sprintf("see whether the controller of class %s runs, and read its log", name), Applicability: rule.NeedsThought},
	}
	if said := complaint(p); said != nil {
		f.Certainty = rule.Certain
		f.NoField = "the controller says what is wrong, and not in which field"
		f.Message = fmt.Sprintf("the controller of class %s refuses it: %s: %s", name, said.Reason, rule.Quote(said.Message))
		f.Evidence = append([]rule.Evidence{rule.EventEvidence(said)}, f.Evidence...)
		f.RuledOut = []string{"a controller that does not run: it has answered"}
		f.Fix.Title = "mend what the controller complains about"
		p.Report(f)
		return
	}
	if age < addressing || taken(p, ing) != "" {
		return
	}
	f.Message = fmt.Sprintf("has had no address for %s: does the controller of class %s run? some never write one", rule.Human(age), name)
	if field := classField(p); field != "" {
		if o, _ := p.Lookup(snapshot.IngressClassKind, "", field); o != nil {
			f.RuledOut = append(f.RuledOut, "a class that does not exist: it is there")
			if t, ok := o.Typed.(*networkingv1.IngressClass); ok && t.Spec.Controller != "" {
				f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "spec.controller", Text: fmt.Sprintf("class %s is for controller %s", name, t.Spec.Controller)})
			}
		}
	}
	for _, o := range p.List(snapshot.IngressKind, p.Object.Namespace) {
		other, ok := o.Typed.(*networkingv1.Ingress)
		if ok && class(other) == name && hasAddress(other) {
			f.Certainty = rule.Likely
			f.Message = fmt.Sprintf("has had no address for %s, and %s of the same class %s has one: its controller runs, and leaves this one out", rule.Human(age), o.String(), name)
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: o.Ref, Field: "status.loadBalancer", Text: o.String() + " has an address"})
			f.Fix.Title = fmt.Sprintf("read the log of the controller of class %s: it says why it leaves this one out", name)
			break
		}
	}
	p.Report(f)
}
