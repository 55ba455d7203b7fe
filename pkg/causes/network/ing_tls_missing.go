package network

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// IngTLSMissing finds Ingresses whose certificate is not there.
var IngTLSMissing = rule.Cause{
	ID: "ing-tls-missing", Title: "the Ingress names a certificate that is not there", Doc: rule.ReadDoc(docs, "ing_tls_missing.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.IngressKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		ing := ingressOf(p)
		if ing == nil {
			return nil
		}
		var wants []snapshot.Want
		for _, t := range ing.Spec.TLS {
			if t.SecretName == "" {
				continue
			}
			wants = append(wants, snapshot.WantGet(snapshot.SecretKind, p.Object.Namespace, t.SecretName))
			if _, missing := absent(p, snapshot.SecretKind, p.Object.Namespace, t.SecretName); missing {
				wants = append(wants, snapshot.WantList(snapshot.SecretKind, p.Object.Namespace, ""))
				if issued(ing.Annotations) {
					wants = append(wants, snapshot.WantGet(snapshot.CertificateKind, p.Object.Namespace, t.SecretName))
				}
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		ing := ingressOf(p)
		if ing == nil {
			return
		}
		said := map[string]bool{}
		for i, t := range ing.Spec.TLS {
			if t.SecretName == "" || said[t.SecretName] {
				continue
			}
			said[t.SecretName] = true
			at := field.NewPath("spec", "tls").Index(i).Child("secretName")
			o, _ := p.Lookup(snapshot.SecretKind, p.Object.Namespace, t.SecretName)
			certainty, missing := absent(p, snapshot.SecretKind, p.Object.Namespace, t.SecretName)
			switch {
			case missing:
				reportNoCertificate(p, at, t.SecretName, t.Hosts, certainty, issued(ing.Annotations))
			case o != nil && o.KeysKnown && !(slices.Contains(o.Keys, "tls.crt") && slices.Contains(o.Keys, "tls.key")):
				reportNoKeys(p, at, o, t.Hosts)
			}
		}
	},
}

// issued tells whether cert-manager is asked to make the certificate.
func issued(annotations map[string]string) bool {
	return annotations["cert-manager.io/issuer"] != "" || annotations["cert-manager.io/cluster-issuer"] != "" || annotations["kubernetes.io/tls-acme"] == "true"
}

// hostsOf words for which names a certificate is.
func hostsOf(hosts []string) string {
	if len(hosts) == 0 {
		return "its hosts"
	}
	return some(hosts)
}

// newSecret is to be filled in with the name of a Secret that is still to be made.
const newSecret = "<NEW_SECRET>"

const ownCertificate = "most controllers then answer with a certificate of their own, which browsers refuse"

func reportNoCertificate(p *rule.Pass, at *field.Path, name string, hosts []string, certainty rule.Certainty, issued bool) {
	ns := p.Object.Namespace
	f := rule.Finding{
		Field: at, Value: name, Certainty: certainty,
		Message:  fmt.Sprintf("takes the certificate for %s from secret/%s, which does not exist: %s", hostsOf(hosts), name, ownCertificate),
		Label:    "there is no Secret of this name in namespace " + ns,
		Evidence: []rule.Evidence{notFound(snapshot.SecretKind, ns, name, certainty)},
		Fix: &rule.Fix{
			Title: "create the Secret, in the namespace of the Ingress", Applicability: rule.Placeholders,
			Command: []string{"create", "secret", "tls", name, "--cert=<CERT_FILE>", "--key=<KEY_FILE>"},
		},
	}
	switch near := knowledge.Slip(name, p.Names(snapshot.SecretKind, ns)); {
	case issued:
		awaitCertificate(p, &f, name, hosts)
	case near != "":
		f.Label = "there is " + near
		f.Fix = &rule.Fix{Title: "take the certificate from secret/" + near, Caution: "that it holds the certificate for " + hostsOf(hosts) + ", only you know", Applicability: rule.NeedsThought}
		f.Fix.Patch = p.Put(at, near)
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
	p.Report(f)
}

// awaitCertificate tells how far cert-manager has come with a Secret that it is asked for.
func awaitCertificate(p *rule.Pass, f *rule.Finding, name string, hosts []string) {
	ns := p.Object.Namespace
	f.Message = fmt.Sprintf("takes the certificate for %s from secret/%s, which cert-manager has not made: %s", hostsOf(hosts), name, ownCertificate)
	f.Label = "cert-manager is to make this Secret"
	o, out := p.Lookup(snapshot.CertificateKind, ns, name)
	switch {
	case o != nil:
		f.Fix = &rule.Fix{Title: "see why cert-manager has not issued it", Applicability: rule.NeedsThought, Lines: []string{p.Line("describe", "certificate.cert-manager.io", name)}}
		if c := rule.ConditionOf(o, "Ready"); c != nil && c.Status == metav1.ConditionFalse {
			f.Message = fmt.Sprintf("takes the certificate for %s from secret/%s, which cert-manager has not made: %s", hostsOf(hosts), name, rule.Quote(c.Message))
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: o.Ref, Field: "status.conditions[Ready]", Text: c.Reason + ": " + rule.Quote(c.Message)})
		}
	case out.Reason == snapshot.ReasonUnknownKind:
		f.Message = fmt.Sprintf("takes the certificate for %s from secret/%s, which cert-manager is asked for, and cert-manager is not installed: %s", hostsOf(hosts), name, ownCertificate)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Text: "the API does not serve certificates of cert-manager.io"})
		f.Fix.Title = "install cert-manager; or create the Secret yourself, in the namespace of the Ingress"
	case out.State == snapshot.Absent:
		f.Message = fmt.Sprintf("takes the certificate for %s from secret/%s, for which cert-manager has not even made a Certificate: does it run? %s", hostsOf(hosts), name, ownCertificate)
		f.Evidence = append(f.Evidence, notFound(snapshot.CertificateKind, ns, name, certaintyOf(out)))
		f.Fix = &rule.Fix{
			Title: "see that cert-manager runs, and what it says of the Ingress", Applicability: rule.NeedsThought,
			Lines: []string{p.Line("get", "pods", "--all-namespaces", "-l", "app.kubernetes.io/instance=cert-manager"), p.Line("describe", p.Object.String())},
		}
	default:
		f.Fix = &rule.Fix{Title: "see why cert-manager has not issued it", Applicability: rule.NeedsThought, Lines: []string{p.Line("describe", "certificate.cert-manager.io", name)}}
	}
}

// certaintyOf is how sure an absence is.
func certaintyOf(out snapshot.Outcome) rule.Certainty {
	if out.Proven {
		return rule.Certain
	}
	return rule.Likely
}

// reportNoKeys tells of a Secret that is there and holds no certificate under the names that controllers
// look for.
func reportNoKeys(p *rule.Pass, at *field.Path, o *snapshot.Object, hosts []string) {
	has := "it has no entries"
	if len(o.Keys) > 0 {
		has = "it has " + some(o.Keys)
	}
	var lacks []string
	for _, k := range []string{"tls.crt", "tls.key"} {
		if !slices.Contains(o.Keys, k) {
			lacks = append(lacks, k)
		}
	}
	setting := rule.Setting{Object: p.Object.Ref, Path: at}
	p.Report(rule.Finding{
		Field: at, Value: o.Name, Certainty: rule.Certain,
		Message:  fmt.Sprintf("takes the certificate for %s from %s, which has no %s: %s", hostsOf(hosts), o.String(), strings.Join(lacks, " and "), ownCertificate),
		Label:    has,
		Evidence: []rule.Evidence{{Source: rule.FromSpec, Object: o.Ref, Field: "data", Text: o.String() + ": " + has}},
		RuledOut: []string{"a missing Secret: it is there"},
		Fix: &rule.Fix{
			Title:         fmt.Sprintf("create a Secret of type kubernetes.io/tls, and name that here; or add %s to this one", strings.Join(lacks, " and ")),
			Applicability: rule.Placeholders,
			Command:       []string{"create", "secret", "tls", newSecret, "--cert=<CERT_FILE>", "--key=<KEY_FILE>"},
			Caution:       o.String() + " stays as it is: something else may use it",
			Lines:         []string{p.Line(p.PatchCommand(p.Object.Ref, setting.ReplaceValue(o.Name, newSecret))...)},
		},
	})
}
