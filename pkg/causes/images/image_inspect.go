package images

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImageInspect finds containers whose runtime cannot say whether it has the image.
var ImageInspect = rule.Cause{
	ID: "image-inspect", Title: "the runtime cannot look the image up", Doc: rule.ReadDoc(docs, "image_inspect.md"),
	Stage: rule.StageImage, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, c := range containers(p) {
			if w := waiting(p, c, "ImageInspectError"); w != nil {
				evidence := rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: w.Reason + ": " + shortened(w.Message)}
				reportInspect(p, c, w.Message, evidence)
			}
		}
		for _, f := range failures(p, shortName) {
			reportInspect(p, f.Container, f.message, f.evidence)
		}
	},
}

// ambiguousName is what CRI-O says of an image without a registry.
// Source: github.com/cri-o/cri-o, server/image_pull.go, and containers/image, pkg/shortnames.
var ambiguousName = knowledge.Regexp(`short[- ]name (mode is enforcing|resolution enforced)|ambiguous list`)

func reportInspect(p *rule.Pass, c snapshot.Container, message string, evidence rule.Evidence) {
	setting := imageSetting(p, c)
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: c.Image,
		Evidence: []rule.Evidence{evidence}, Certainty: rule.Certain,
		RuledOut: []string{"the credentials: no registry was asked for the image"},
	}
	registry, _, _ := parts(c.Image)
	if registry == dockerHub && !strings.HasPrefix(c.Image, dockerHub+"/") && ambiguousName.MatchString(message) {
		f.Message = fmt.Sprintf("%s names no registry, and the runtime of the node knows several and takes none of them by itself", c.Image)
		f.Label = "without a registry"
		image := full(c.Image)
		f.Fix = &rule.Fix{
			Title: "name the registry: " + image + ", if Docker Hub is meant", Applicability: rule.NeedsThought,
			Caution: "the image of that name in another registry may be somebody else's",
		}
		f.Fix.Command, f.Fix.Patch = setImage(p, c, image)
		p.Report(f)
		return
	}
	f.Field, f.Value, f.Object = nil, "", p.Object.Ref
	f.NoField = "no setting is to blame: the runtime of the node failed when it was asked about the image"
	f.Message = fmt.Sprintf("the container runtime of node/%s fails when the kubelet asks about %s", p.Object.Pod().Spec.NodeName, c.Image)
	f.Label = ""
	f.Fix = &rule.Fix{
		Title:         "look at the runtime of the node: its log, its disk; a new pod may go to another node",
		Applicability: rule.NeedsThought, Object: snapshot.NodeRef(p.Object.Pod().Spec.NodeName),
		Caution: "to restart the runtime stops no containers, but nothing starts until it is back",
	}
	p.Report(f)
}
