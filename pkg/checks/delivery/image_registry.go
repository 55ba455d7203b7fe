package delivery

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// ImageRegistry finds images from elsewhere than an organisation gets its images from.
var ImageRegistry = rule.Check{
	ID: "image-registry", Title: "image from a registry that is not allowed", Doc: rule.ReadDoc(docs, "image_registry.md"),
	Dimension: rule.Delivery, Severity: rule.Medium, Off: true, On: rule.Workloads,
	Lists:   map[string][]string{"allow": nil},
	Applies: func(p *rule.Pass) bool { return len(p.Words("allow")) > 0 && notSystem(p) },
	Run: func(p *rule.Pass) {
		allow := p.Words("allow")
		for _, t := range p.Object.Templates {
			for _, u := range images(p.Object, t) {
				ref, ok := knowledge.ParseImage(u.image)
				if !ok || allowed(allow, ref) {
					continue
				}
				f := rule.Finding{Seen: p.Object.In(u.container), Field: u.path(), Value: u.image, Label: "not among the registries that maturity.yaml allows"}
				f.Message = fmt.Sprintf("%s runs %s, which comes from %s: allowed are %s", u.who(), u.image, registryOf(ref), strings.Join(allow, ", "))
				p.Report(f).WithFix(rule.Fix{
					Title: "copy the image to an allowed registry, and name it there", Applicability: rule.Placeholders,
					Caution: "the copy must be made again with every version",
				})
			}
		}
	},
	Peers: map[string][]string{
		"popeye":    {"POP-113"},
		"kubescape": {"container-image-repository", "rule-identify-blocklisted-image-registries", "agent-sandbox-image-registry-allowlist"},
	},
}

// dockerHub is what a name without a registry means. Source:
// https://kubernetes.io/docs/concepts/containers/images/#image-names.
const dockerHub = "docker.io"

func registryOf(ref knowledge.ImageRef) string {
	if ref.Registry == "" {
		return dockerHub
	}
	return ref.Registry
}

// allowed tells whether an image is below one of the registries or folders of a list.
func allowed(allow []string, ref knowledge.ImageRef) bool {
	repository := ref.Repository
	if registryOf(ref) == dockerHub && !strings.Contains(repository, "/") {
		repository = "library/" + repository // where Docker Hub keeps its own
	}
	whole := registryOf(ref) + "/" + repository
	for _, prefix := range allow {
		prefix = strings.TrimSuffix(prefix, "/")
		if whole == prefix || strings.HasPrefix(whole, prefix+"/") {
			return true
		}
	}
	return false
}
