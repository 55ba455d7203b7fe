package efficiency

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// ImageLatest finds images whose content changes under the same name.
var ImageLatest = rule.Check{
	ID: "image-latest", Title: "image without a fixed version", Doc: rule.ReadDoc(docs, "image_latest.md"),
	Dimension: rule.Efficiency, Severity: rule.Medium, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				moving(p, c.Path.Child("image"), c.Image, c.Name, fmt.Sprintf("container %q runs", c.Name))
			}
			if t.Spec == nil {
				continue
			}
			for i, v := range t.Spec.Volumes {
				if v.Image != nil {
					moving(p, t.SpecPath().Child("volumes").Index(i).Child("image", "reference"), v.Image.Reference, "", fmt.Sprintf("volume %q holds", v.Name))
				}
			}
		}
	},
	Peers: map[string][]string{
		"polaris":     {"tagNotSpecified"},
		"popeye":      {"POP-100", "POP-101"},
		"kube-score":  {"container-image-tag"},
		"kube-linter": {"latest-tag"},
		"clusterlint": {"latest-tag"},
		"kubescape":   {"image-pull-policy-is-not-set-to-always"},
	},
}

// buildsHere starts what stands for an image until it is built: ko writes its digest there.
const buildsHere = "ko://"

// moving reports an image of a container, or with "" of a volume, that names no version.
func moving(p *rule.Pass, at *field.Path, image, container, runs string) {
	name, tag, digest := parseImage(image)
	if name == "" || digest || tag != "" && tag != "latest" || knowledge.InjectedImage(image) || strings.HasPrefix(image, buildsHere) {
		return
	}
	f := rule.Finding{Seen: p.Object.In(container), Field: at, Value: image}
	f.Message = fmt.Sprintf("%s %s, which has no tag and so is latest: two nodes may run two versions, and there is none to go back to", runs, image)
	if tag != "" {
		f.Message = fmt.Sprintf("%s %s, which changes with every build: two nodes may run two versions, and there is none to go back to", runs, image)
	}
	fixed := name + ":<TAG>"
	f.Fix = &rule.Fix{
		Title: "name the version that is meant, or its digest", Applicability: rule.Placeholders,
		Patch: p.Put(at, fixed), YAML: rule.Nest(fixed, "image"),
	}
	switch {
	case container == "":
		f.Fix.YAML = rule.Nest(fixed, "image", "reference")
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	case p.Files: // a file is mended in the file
	case settable(p.Object):
		f.Fix.Command = []string{"set", "image", p.Object.String(), container + "=" + fixed}
	default:
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
	p.Report(f)
}

// parseImage splits an image name into name and tag, and tells whether it has a digest. A colon
// before the last slash is that of a registry's port.
func parseImage(image string) (name, tag string, digest bool) {
	name, sum, _ := strings.Cut(image, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	return name, tag, sum != ""
}
