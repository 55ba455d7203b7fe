package network

import (
	"fmt"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// IngressTLS finds hosts that an Ingress serves without a certificate.
var IngressTLS = rule.Check{
	ID: "ingress-tls", Title: "Ingress serves a host without TLS", Doc: rule.ReadDoc(docs, "ingress_tls.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Kinds(snapshot.IngressKind),
	Applies: func(p *rule.Pass) bool {
		ing, ok := p.Object.Typed.(*networkingv1.Ingress)
		return ok && !challenge(ing) && (len(ing.Spec.Rules) > 0 || ing.Spec.DefaultBackend != nil) && ing.Annotations["nginx.org/mergeable-ingress-type"] != "minion"
	},
	Run: func(p *rule.Pass) {
		ing, ok := p.Object.Typed.(*networkingv1.Ingress)
		if !ok || terminatedBy(ing) || flag(ing.Annotations, canary) {
			return
		}
		path := field.NewPath("spec", "tls")
		if len(ing.Spec.TLS) == 0 {
			reportNoTLS(p, ing, path)
			return
		}
		var named []string
		for _, t := range ing.Spec.TLS {
			if len(t.Hosts) == 0 {
				return // the API: then it is for the hosts of the certificate
			}
			named = append(named, t.Hosts...)
		}
		for i, r := range ing.Spec.Rules {
			if r.Host == "" || coveredBy(named, r.Host) || !firstOf(ing, i) || elsewhere(p, ing, r.Host) {
				continue
			}
			at := field.NewPath("spec", "rules").Index(i).Child("host")
			p.Report(rule.Finding{
				Field: at, Value: r.Host, Label: "not among the hosts of spec.tls",
				Message: fmt.Sprintf("host %s is not among those of spec.tls (%s): it is served over HTTP, or with a certificate that is not for it", r.Host, some(named)),
			}).WithFix(rule.Fix{
				Title: "name the host in spec.tls, with a certificate for it", Applicability: rule.Placeholders,
				Caution: "the Secret must hold a certificate for this host", Patch: p.Put(path.Index(len(ing.Spec.TLS)), tlsEntry([]string{r.Host})), YAML: tlsYAML([]string{r.Host}),
			})
		}
	},
	Peers: map[string][]string{"polaris": {"tlsSettingsMissing"}, "kubescape": {"ingress-no-tls"}},
}

func reportNoTLS(p *rule.Pass, ing *networkingv1.Ingress, path *field.Path) {
	var hosts, hidden []string
	others := false
	for _, r := range ing.Spec.Rules {
		if r.Host == "" {
			continue
		}
		if elsewhere(p, ing, r.Host) {
			others = true
			continue
		}
		hosts = append(hosts, r.Host)
		if homely(r.Host) {
			hidden = append(hidden, r.Host)
		}
	}
	hosts = rule.Distinct(hosts)
	if len(hosts) == 0 && others {
		return
	}
	what := "every host"
	if len(hosts) > 0 {
		what = some(hosts)
	}
	f := rule.Finding{
		Field: path, Certainty: rule.Likely, Label: "there is none",
		Message: fmt.Sprintf("serves %s without TLS: who is on the way reads passwords and cookies along", what),
	}
	if len(hidden) > 0 && len(rule.Distinct(hidden)) == len(hosts) || len(hosts) == 0 {
		f.Severity = rule.Low
	}
	for _, k := range []string{"cert-manager.io/cluster-issuer", "cert-manager.io/issuer", "kubernetes.io/tls-acme"} {
		if v := ing.Annotations[k]; v != "" && v != "false" {
			f.Message += fmt.Sprintf("; annotation %s gets no certificate either, since it takes the hosts from spec.tls", k)
			f.Severity = rule.Medium
			break
		}
	}
	fix := rule.Fix{
		Title: "give it a certificate in spec.tls", Applicability: rule.Placeholders,
		Caution: "where something in front of it has the certificate already, such as a CDN or a load balancer, it is right as it is",
		YAML:    tlsYAML([]string{"<HOST>"}),
	}
	if len(hosts) > 0 {
		fix.Patch, fix.YAML = p.Put(path, []any{tlsEntry(hosts)}), tlsYAML(hosts)
	}
	p.Report(f).WithFix(fix)
}

type securedKey struct{}

// elsewhere tells whether another Ingress of the class brings a certificate for a host: controllers serve a host as one,
// however many Ingresses its paths are spread over.
func elsewhere(p *rule.Pass, ing *networkingv1.Ingress, host string) bool {
	named := snapshot.Derived(p.Snapshot, securedKey{}, func() map[string]map[string]bool {
		found := map[string]map[string]bool{}
		for _, o := range p.List(snapshot.IngressKind, "") {
			other, ok := o.Typed.(*networkingv1.Ingress)
			if !ok {
				continue
			}
			for _, t := range other.Spec.TLS {
				for _, h := range t.Hosts {
					if found[classOf(other)] == nil {
						found[classOf(other)] = map[string]bool{}
					}
					found[classOf(other)][strings.ToLower(h)] = true
				}
			}
		}
		return found
	})[classOf(ing)]
	host = strings.ToLower(host)
	_, parent, _ := strings.Cut(host, ".")
	return named[host] || named["*."+parent]
}

func tlsEntry(hosts []string) map[string]any {
	list := make([]any, len(hosts))
	for i, h := range hosts {
		list[i] = h
	}
	return map[string]any{"hosts": list, "secretName": "<SECRET>"}
}

func tlsYAML(hosts []string) string {
	text := "spec:\n  tls:\n  - hosts:\n"
	for _, h := range hosts {
		if strings.HasPrefix(h, "*") {
			h = strconv.Quote(h)
		}
		text += "    - " + h + "\n"
	}
	return text + "    secretName: <SECRET>\n"
}

func coveredBy(named []string, host string) bool {
	for _, n := range named {
		if covers(n, host) {
			return true
		}
	}
	return false
}

// firstOf tells whether no earlier rule is for the same host.
func firstOf(ing *networkingv1.Ingress, i int) bool {
	for _, r := range ing.Spec.Rules[:i] {
		if r.Host == ing.Spec.Rules[i].Host {
			return false
		}
	}
	return true
}

// homely tells whether a host is one of a private network or of a trial by its name. Source: RFC 2606, RFC 6762,
// RFC 8375 and ICANN's reservation of .internal; the rest are habits, and services that name an address.
func homely(host string) bool {
	if !strings.Contains(host, ".") {
		return true
	}
	for _, end := range []string{".local", ".localhost", ".internal", ".test", ".example", ".invalid", ".lan", ".home.arpa", ".intranet", ".corp", ".svc", ".nip.io", ".sslip.io"} {
		if strings.HasSuffix(strings.ToLower(host), end) {
			return true
		}
	}
	return false
}

// tlsBy are annotations by which a controller has the certificate from elsewhere, or knows that TLS ends in front
// of it or behind it. Source: the documents of the controllers.
var tlsBy = []string{
	"alb.ingress.kubernetes.io/certificate-arn", "ingress.gcp.kubernetes.io/pre-shared-cert", "networking.gke.io/managed-certificates",
	"networking.gke.io/certmap", "appgw.ingress.kubernetes.io/appgw-ssl-certificate", "alb.networking.azure.io/alb-frontend",
	"traefik.ingress.kubernetes.io/router.tls.certresolver", "traefik.ingress.kubernetes.io/router.tls.options", "route.openshift.io/termination",
	"konghq.com/snis", "ingress.cloud.google.com/certificate",
}

// tlsFlags are annotations that must be true for the same.
var tlsFlags = []string{
	"nginx.ingress.kubernetes.io/ssl-passthrough", "nginx.ingress.kubernetes.io/force-ssl-redirect", "haproxy.org/ssl-passthrough",
	"haproxy-ingress.github.io/ssl-passthrough", "traefik.ingress.kubernetes.io/router.tls", "appgw.ingress.kubernetes.io/ssl-redirect",
}

// tlsClasses are classes whose traffic comes through somebody else's TLS.
var tlsClasses = map[string]bool{"cloudflare-tunnel": true, "tailscale": true, "ngrok": true}

// terminatedBy tells whether TLS of an Ingress is settled elsewhere than in spec.tls.
func terminatedBy(ing *networkingv1.Ingress) bool {
	for _, k := range tlsBy {
		if ing.Annotations[k] != "" {
			return true
		}
	}
	for _, k := range tlsFlags {
		if flag(ing.Annotations, k) {
			return true
		}
	}
	return strings.Contains(ing.Annotations["alb.ingress.kubernetes.io/listen-ports"], "HTTPS") ||
		strings.Contains(ing.Annotations["traefik.ingress.kubernetes.io/router.entrypoints"], "websecure") || tlsClasses[classOf(ing)]
}
