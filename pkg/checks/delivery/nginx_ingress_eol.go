package delivery

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// NginxIngressEOL finds the controller of the project ingress-nginx, which has ended.
var NginxIngressEOL = rule.Check{
	ID: "nginx-ingress-eol", Title: "ingress-nginx, which nobody looks after any more", Doc: rule.ReadDoc(docs, "nginx_ingress_eol.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, u := range images(p.Object, t) {
				if !strings.Contains(u.image, "nginx") {
					continue
				}
				ref, ok := knowledge.ParseImage(u.image)
				own, is := ingressNginx(ref)
				if !ok || !is {
					continue
				}
				f := rule.Finding{Seen: p.Object.In(u.container), Field: u.path(), Value: u.image, Certainty: rule.Certain}
				if !own { // a mirror, by its path; whose build it is only they know
					f.Certainty = rule.Likely
				}
				f.Label = "no release after March 2026"
				f.Message = fmt.Sprintf("%s runs ingress-nginx%s, retired as of March 2026: holes found after that stay open", u.who(), version(ref))
				p.Report(f).WithFix(rule.Fix{
					Title: "move to a Gateway API implementation, or to another Ingress controller", Applicability: rule.NeedsThought,
					Caution: "none of them reads the annotations nginx.ingress.kubernetes.io/*: list those in use, and what does the same, before you move",
				})
			}
		}
	},
	Peers: map[string][]string{
		"kubescape": {"detect-nginx-ingress-controller-eol", "CVE-2021-25742"},
	},
}

func version(ref knowledge.ImageRef) string {
	if ref.Tag == "" {
		return ""
	}
	return " " + ref.Tag
}

// ingressNginx tells images of the controller of kubernetes/ingress-nginx, and whether they come from the
// project itself. Others build controllers of like names: nginx/nginx-ingress is F5's, and forks that are
// looked after have paths of their own.
func ingressNginx(ref knowledge.ImageRef) (own, is bool) {
	name := ref.Qualified().Name()
	switch {
	case strings.HasSuffix(name, "/ingress-nginx/controller"), strings.HasSuffix(name, "/ingress-nginx/controller-chroot"):
		return ref.Registry == "registry.k8s.io" || ref.Registry == "k8s.gcr.io", true
	case name == "quay.io/kubernetes-ingress-controller/nginx-ingress-controller":
		return true, true
	}
	return false, false
}
