package images

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// ImageSignature finds containers whose image the runtime does not accept, since it is not signed as its
// policy demands.
var ImageSignature = rule.Cause{
	ID: "image-signature", Title: "the image is not signed as the node demands", Doc: rule.ReadDoc(docs, "image_signature.md"),
	Stage: rule.StageImage, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, f := range failures(p, unverified) {
			setting := imageSetting(p, f.Container)
			registry, repository, _ := parts(f.Image)
			out := rule.Finding{
				Object: setting.Object, Seen: p.Object.In(f.Name), Field: setting.Path, Value: f.Image,
				Message:   fmt.Sprintf("node/%s accepts signed images only, and found no signature of %s that its policy trusts", p.Object.Pod().Spec.NodeName, f.Image),
				Label:     "no signature that the node's policy trusts",
				Evidence:  []rule.Evidence{f.evidence},
				RuledOut:  []string{fmt.Sprintf("a missing image: %s has it, and it was looked at", registry)},
				Certainty: rule.Certain,
			}
			out.Fix = &rule.Fix{
				Title:         "name the digest that was signed; or have whoever builds the image sign it",
				Caution:       "the policy of the node keeps out images that somebody has exchanged: do not weaken it",
				Applicability: rule.Placeholders,
			}
			out.Fix.Command, out.Fix.Patch = setImage(p, f.Container, repository+"@<DIGEST>")
			p.Report(out)
		}
	},
}
