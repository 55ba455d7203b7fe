package delivery

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// ImageNotDigest finds images whose content may change under the same name.
var ImageNotDigest = rule.Check{
	ID: "image-not-digest", Title: "image is not pinned by its digest", Doc: rule.ReadDoc(docs, "image_not_digest.md"),
	Dimension: rule.Delivery, Severity: rule.Info, Off: true, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, u := range images(p.Object, t) {
				ref, ok := knowledge.ParseImage(u.image)
				if !ok || ref.Digest != "" || ref.Tag == "" || ref.Tag == "latest" { // that is told by image-latest
					continue
				}
				pinned := u.image + "@sha256:<DIGEST>"
				f := rule.Finding{Seen: p.Object.In(u.container), Field: u.path(), Value: u.image}
				f.Message = fmt.Sprintf("%s names %s by its tag alone: whoever may push it changes what runs", u.who(), u.image)
				patch := p.Put(u.path(), pinned)
				p.Report(f).WithFix(rule.Fix{
					Title: "add the digest of the image that was tested", Applicability: rule.Placeholders,
					Patch: patch, Command: setImage(p, u, pinned, patch), YAML: u.imageYAML(pinned),
				})
			}
		}
	},
	Peers: map[string][]string{
		"kubescape": {"image-not-pinned-to-digest", "agent-sandbox-image-tag-provenance"},
	},
}
