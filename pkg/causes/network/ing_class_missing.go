package network

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// IngClassMissing finds Ingresses of a class that does not exist.
var IngClassMissing = rule.Cause{
	ID: "ing-class-missing", Title: "the Ingress is of a class that does not exist", Doc: rule.ReadDoc(docs, "ing_class_missing.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.IngressKind), Beats: []string{"ing-no-address"},
	Wants: func(p *rule.Pass) []snapshot.Want {
		name := classField(p)
		if name == "" {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantGet(snapshot.IngressClassKind, "", name)}
		if _, missing := absent(p, snapshot.IngressClassKind, "", name); missing {
			wants = append(wants, snapshot.WantList(snapshot.IngressClassKind, "", ""))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if name := classField(p); name != "" {
			if certainty, missing := absent(p, snapshot.IngressClassKind, "", name); missing {
				reportNoClass(p, name, certainty)
			}
		}
	},
}

// classField is the class that the Ingress names in its field; those of Google's own controller exist
// without an object.
func classField(p *rule.Pass) string {
	ing := ingressOf(p)
	if ing == nil || ing.Spec.IngressClassName == nil {
		return ""
	}
	switch name := *ing.Spec.IngressClassName; name {
	case "gce", "gce-internal", "gce-multi-cluster":
		return ""
	default:
		return name
	}
}

func reportNoClass(p *rule.Pass, name string, certainty rule.Certainty) {
	setting := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "ingressClassName")}
	f := rule.Finding{
		Field: setting.Path, Value: name, Certainty: certainty,
		Message:  fmt.Sprintf("is of class %s, and there is no IngressClass of that name: controllers that go by classes leave it alone", name),
		Label:    classNames(p),
		Evidence: []rule.Evidence{notFound(snapshot.IngressClassKind, "", name, certainty)},
		Fix:      &rule.Fix{Title: "name a class that exists, or install the controller that brings this one", Applicability: rule.NeedsThought},
	}
	if !p.ListRead(snapshot.IngressClassKind, "") {
		f.Label = "there is no IngressClass of this name"
	}
	ing := ingressOf(p)
	if by := taken(p, ing); by != "" {
		f.Certainty = rule.Possible
		f.Message = fmt.Sprintf("is of class %s, and there is no IngressClass of that name, yet %s: is that of an earlier class?", name, by)
	} else {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.loadBalancer", Text: "no address"})
	}
	if to := classToName(p, name); to != "" {
		f.Label = "there is " + to
		f.Fix.Title = "name class " + to
		f.Fix.Caution = "that its controller is the one that is meant, only you know"
		f.Fix.Patch = setting.ReplaceValue(name, to)
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
	p.Report(f)
}

// classToName is the class to name instead, where one can tell: that of the nearest name, the default one,
// the only one there is.
func classToName(p *rule.Pass, name string) string {
	classes := p.List(snapshot.IngressClassKind, "")
	if near := knowledge.Slip(name, p.Names(snapshot.IngressClassKind, "")); near != "" && name != "" {
		return near
	}
	to := ""
	for _, o := range classes {
		if defaultClass(o) {
			if to != "" {
				return ""
			}
			to = o.Name
		}
	}
	if to == "" && len(classes) == 1 {
		return classes[0].Name
	}
	return to
}

// IngNoClass finds Ingresses that name no class, where there is no default one either.
var IngNoClass = rule.Cause{
	ID: "ing-no-class", Title: "the Ingress names no class, and none is the default", Doc: rule.ReadDoc(docs, "ing_no_class.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.IngressKind), Beats: []string{"ing-no-address"},
	Wants: func(p *rule.Pass) []snapshot.Want {
		if classless(p) == nil {
			return nil
		}
		return []snapshot.Want{snapshot.WantEvents(p.Object.Ref), snapshot.WantList(snapshot.IngressClassKind, "", "")}
	},
	Run: func(p *rule.Pass) {
		ing := classless(p)
		if ing == nil || taken(p, ing) != "" || p.Age(ing.CreationTimestamp.Time) < listsAgree || !p.ListRead(snapshot.IngressClassKind, "") {
			return
		}
		reportClassless(p)
	},
}

// classless is the Ingress of the Pass, where it names no class and has no address.
func classless(p *rule.Pass) *networkingv1.Ingress {
	ing := ingressOf(p)
	if ing == nil || class(ing) != "" || hasAddress(ing) {
		return nil
	}
	return ing
}

func reportClassless(p *rule.Pass) {
	at := field.NewPath("spec", "ingressClassName")
	f := rule.Finding{
		Field: at, Certainty: rule.Likely,
		Message: "names no class, and no IngressClass is the default: controllers leave it to each other, and it has no address",
		Label:   classNames(p),
		Evidence: []rule.Evidence{
			{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.loadBalancer", Text: fmt.Sprintf("no address, %s after it was made, and no event", rule.Human(p.Age(p.Object.Meta.GetCreationTimestamp().Time)))},
		},
		Fix: &rule.Fix{Title: "name the class whose controller is to serve it", Applicability: rule.Placeholders},
	}
	if !p.EventsCover(p.Object.Meta.GetCreationTimestamp().Time) { // a controller may have spoken of it, and write no addresses
		f.Certainty = rule.Possible
		f.Evidence[0].Text = fmt.Sprintf("no address, %s after it was made; events of then are gone or were not read", rule.Human(p.Age(p.Object.Meta.GetCreationTimestamp().Time)))
	}
	classes := p.List(snapshot.IngressClassKind, "")
	for _, o := range classes {
		if !defaultClass(o) {
			continue
		}
		// The default is filled in when an Ingress is made, and never again.
		f.Message = fmt.Sprintf("names no class: class %s is the default, and that counts only for what is made after it", o.Name)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "metadata.annotations", Text: o.String() + " is the default class"})
	}
	to := classToName(p, "")
	switch {
	case len(classes) == 0:
		f.Message = "names no class, and there is no IngressClass at all: no controller for Ingresses seems to be installed"
		f.Fix = &rule.Fix{Title: "install a controller for Ingresses, and name its class", Applicability: rule.NeedsThought}
		p.Report(f)
		return
	case to == "":
		to = "<CLASS>"
	default:
		f.Fix.Title = "name class " + to
		f.Fix.Applicability = rule.NeedsThought
		f.Fix.Caution = "that its controller is the one that is meant, only you know"
	}
	f.Fix.Patch = p.Put(at, to)
	f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	p.Report(f)
}
