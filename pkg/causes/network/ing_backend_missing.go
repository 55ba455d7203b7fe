package network

import (
	"fmt"
	"slices"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// IngBackendMissing finds Ingresses that lead to a Service which does not exist.
var IngBackendMissing = rule.Cause{
	ID: "ing-backend-missing", Title: "the Ingress leads to a Service that does not exist", Doc: rule.ReadDoc(docs, "ing_backend_missing.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.IngressKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		ing := ingressOf(p)
		if ing == nil {
			return nil
		}
		var wants []snapshot.Want
		for _, b := range backends(ing) {
			wants = append(wants, snapshot.WantGet(snapshot.ServiceKind, p.Object.Namespace, b.Name))
			if _, missing := absent(p, snapshot.ServiceKind, p.Object.Namespace, b.Name); missing {
				wants = append(wants, snapshot.WantList(snapshot.ServiceKind, p.Object.Namespace, ""))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		ing := ingressOf(p)
		if ing == nil {
			return
		}
		var names []string
		byName := map[string][]backend{}
		for _, b := range backends(ing) {
			if !slices.Contains(names, b.Name) {
				names = append(names, b.Name)
			}
			byName[b.Name] = append(byName[b.Name], b)
		}
		for _, name := range names {
			if certainty, missing := absent(p, snapshot.ServiceKind, p.Object.Namespace, name); missing {
				reportNoBackend(p, name, byName[name], certainty)
			}
		}
	},
}

func reportNoBackend(p *rule.Pass, name string, list []backend, certainty rule.Certainty) {
	ns := p.Object.Namespace
	ref := snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: ns, Name: name}
	setting := rule.Setting{Object: p.Object.Ref, Path: list[0].path.Child("name")}
	f := rule.Finding{
		Field: setting.Path, Value: name, Certainty: certainty,
		Message:  fmt.Sprintf("leads %s to %s, which does not exist: requests get an error of the controller, usually 503", routes(list), ref.String()),
		Label:    "there is no Service of this name in namespace " + ns,
		Evidence: []rule.Evidence{notFound(snapshot.ServiceKind, ns, name, certainty)},
		Fix:      &rule.Fix{Title: "name the Service that is meant, or create it", Applicability: rule.NeedsThought},
	}
	for _, b := range list[1:] {
		f.Marks = append(f.Marks, rule.Mark{Field: b.path.Child("name"), Label: "nor here"})
	}
	near := knowledge.Slip(name, p.Names(snapshot.ServiceKind, ns))
	if near == "" {
		near = knowledge.Nearest(name, p.Names(snapshot.ServiceKind, ns))
	}
	switch others := p.Names(snapshot.ServiceKind, ns); {
	case near != "":
		f.Label = fmt.Sprintf("there is %s", near)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: ns, Name: near}, Text: "nearest: service/" + near})
		f.Fix.Title = "lead to service/" + near
		f.Fix.Caution = "that this Service is the one that is meant, only you know; see that it has the port too"
		for _, b := range list {
			change := p.Put(b.path.Child("name"), near)
			if f.Fix.Patch == nil {
				f.Fix.Patch = change
			} else {
				f.Fix.Patch = f.Fix.Patch.And(change)
			}
		}
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	case len(others) > 0:
		f.Label = fmt.Sprintf("namespace %s has %s", ns, some(others))
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Text: "Services in namespace " + ns + ": " + some(others)})
	}
	for _, o := range p.List(snapshot.ServiceKind, "") {
		if o.Name == name && o.Namespace != ns {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: o.Ref, Text: fmt.Sprintf("service/%s is in namespace %s, and an Ingress leads to its own namespace only", name, o.Namespace)})
			break
		}
	}
	p.Report(f)
}
