package network

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcAlias finds Services of type ExternalName that stand for a name which DNS does not have.
var SvcAlias = rule.Cause{
	ID: "svc-alias", Title: "is another name for nothing", Doc: rule.ReadDoc(docs, "svc_alias.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.ServiceKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		_, ns, name, ok := aliasOf(p)
		if !ok || name == "" {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantGet(snapshot.ServiceKind, ns, name)}
		if _, missing := absent(p, snapshot.ServiceKind, ns, name); missing {
			wants = append(wants, snapshot.WantList(snapshot.ServiceKind, ns, ""))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		svc, ns, name, ok := aliasOf(p)
		if !ok {
			return
		}
		if name == "" {
			reportAddress(p, svc)
		} else if certainty, missing := absent(p, snapshot.ServiceKind, ns, name); missing {
			reportAlias(p, svc, ns, name, certainty)
		}
	},
}

// aliasOf is the Service of the Pass where it stands for a Service of this cluster, or, without a name, for
// an address. Names outside, and those of a set of clusters, only a name server knows.
func aliasOf(p *rule.Pass) (svc *corev1.Service, ns, name string, ok bool) {
	svc, typed := p.Object.Typed.(*corev1.Service)
	if !typed || svc.Spec.Type != corev1.ServiceTypeExternalName || deleted(p) {
		return nil, "", "", false
	}
	host := strings.TrimSuffix(svc.Spec.ExternalName, ".")
	if _, err := netip.ParseAddr(host); err == nil {
		return svc, "", "", true
	}
	_, domain, in := strings.Cut(host, ".svc.")
	if !in || domain != clusterDomain {
		return nil, "", "", false
	}
	ns, name, ok = serviceName(host, p.Object.Namespace)
	return svc, ns, name, ok && ns != "" && name != ""
}

// clusterDomain is under which domain the names of a cluster's own Services are, where nobody has set another:
// then such a name is of another cluster, for all that can be known here.
const clusterDomain = "cluster.local"

func reportAddress(p *rule.Pass, svc *corev1.Service) {
	setting := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "externalName")}
	f := rule.Finding{
		Field: setting.Path, Value: svc.Spec.ExternalName, Certainty: rule.Likely,
		Message:  fmt.Sprintf("is another name for %s, an address: an alias leads to a name, so DNS looks for one that is spelled like this and finds none", svc.Spec.ExternalName),
		Label:    "an address; here only a name is looked up",
		Evidence: []rule.Evidence{{Source: rule.FromSpec, Object: p.Object.Ref, Field: "spec", Text: fmt.Sprintf("type ExternalName, externalName %s", svc.Spec.ExternalName)}},
		Fix: &rule.Fix{
			Title:         "lead to a name that DNS has for this address; without one, make a Service without selector and an EndpointSlice with the address",
			Applicability: rule.Placeholders,
			Patch:         setting.ReplaceValue(svc.Spec.ExternalName, "<DNS_NAME>"),
		},
	}
	f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	p.Report(f)
}

func reportAlias(p *rule.Pass, svc *corev1.Service, ns, name string, certainty rule.Certainty) {
	setting := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "externalName")}
	f := rule.Finding{
		Field: setting.Path, Value: svc.Spec.ExternalName, Certainty: certainty,
		Message:  fmt.Sprintf("is another name for service/%s in namespace %s, which does not exist: nothing has this name", name, ns),
		Label:    "there is no Service of this name in namespace " + ns,
		Evidence: []rule.Evidence{notFound(snapshot.ServiceKind, ns, name, certainty)},
		Fix:      &rule.Fix{Title: fmt.Sprintf("lead to a Service that is there, or create service/%s in namespace %s", name, ns), Applicability: rule.NeedsThought},
	}
	if near := knowledge.Slip(name, p.Names(snapshot.ServiceKind, ns)); near != "" && near != p.Object.Name {
		host := strings.Replace(svc.Spec.ExternalName, name+".", near+".", 1)
		f.Label = "there is " + near
		f.Fix.Title = "lead to service/" + near
		f.Fix.Caution = "that this Service is the one that is meant, only you know"
		f.Fix.Patch = setting.ReplaceValue(svc.Spec.ExternalName, host)
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
	p.Report(f)
}
