package images

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImageNever finds containers whose image is not on the node and must not be pulled.
var ImageNever = rule.Cause{
	ID: "image-never", Title: "the image is not on the node, and must not be pulled", Doc: rule.ReadDoc(docs, "image_never.md"),
	Peers: map[string][]string{"popeye": {"POP-202"}},
	Stage: rule.StageImage, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, c := range containers(p) {
			if w := waiting(p, c, "ErrImageNeverPull"); w != nil {
				reportNever(p, c, w)
			}
		}
	},
}

func reportNever(p *rule.Pass, c snapshot.Container, w *corev1.ContainerStateWaiting) {
	setting := policySetting(p, c)
	nodeName, policy := "node/"+p.Object.Pod().Spec.NodeName, "imagePullPolicy"
	if volumeIn(p, c) != nil {
		policy = "pullPolicy"
	}
	out := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: string(corev1.PullNever),
		Message:   fmt.Sprintf("%s does not have %s, and %s Never forbids to pull it", nodeName, c.Image, policy),
		Label:     "the image must be on every node that the pod may go to",
		Evidence:  []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: w.Reason + ": " + rule.Quote(w.Message)}},
		RuledOut:  []string{"the registry: it was not asked"},
		Certainty: rule.Certain,
	}
	out.Fix = policyFix(p, setting)
	node, has := onNode(p, c.Image)
	switch tags := otherTags(p, c.Image); {
	case has: // kubelets that check who may use an image say the same of one that the pod may not
		out.Certainty = rule.Likely
		out.Message = fmt.Sprintf("%s has %s, but not for this pod: it was pulled with a login that this pod does not bring, and %s Never forbids to ask the registry", nodeName, c.Image, policy)
		out.Evidence = append(out.Evidence, rule.Evidence{Source: rule.FromStatus, Object: node.Ref, Field: "status.images", Text: fmt.Sprintf("%s lists %s among its images", nodeName, c.Image)})
	case len(tags) > 0:
		out.Message += "; it has " + strings.Join(tags, ", ")
		out.Evidence = append(out.Evidence, rule.Evidence{Source: rule.FromStatus, Object: node.Ref, Field: "status.images", Text: fmt.Sprintf("%s lists %s among its images", nodeName, strings.Join(tags, ", "))})
		image := imageSetting(p, c)
		out.Marks = []rule.Mark{{Field: image.Path, Label: "not on the node"}}
		if len(tags) == 1 {
			out.Fix = &rule.Fix{Title: "use the tag that the node has", Caution: "that it is the build which is meant, only you know; other nodes may have others", Applicability: rule.NeedsThought, Object: image.Object}
			out.Fix.Command, out.Fix.Patch = setImage(p, c, tags[0])
		}
	}
	if registry, _, _ := parts(c.Image); registry == "localhost" && out.Fix.Patch != nil && out.Fix.Object.Same(setting.Object) && len(otherTags(p, c.Image)) == 0 {
		out.Fix = &rule.Fix{
			Title: "load the image onto every node that the pod may go to, or name one that a registry has", Applicability: rule.Placeholders, Object: setting.Object,
			Caution: "no registry has images of localhost, so another pull policy alone does not help",
		}
		out.Fix.Command, out.Fix.Patch = setImage(p, c, "<REGISTRY>/"+short(c.Image, registry))
	}
	p.Report(out)
}

// policyFix lets the kubelet pull what is not there.
func policyFix(p *rule.Pass, setting rule.Setting) *rule.Fix {
	patch := setting.ReplaceValue(string(corev1.PullNever), string(corev1.PullIfNotPresent))
	return &rule.Fix{
		Title:         "let the kubelet pull it where it is missing; or load the image onto the node",
		Caution:       "Never may be there on purpose: to run only what somebody put onto the node",
		Applicability: rule.NeedsThought, Object: setting.Object, Patch: patch, Command: p.PatchCommand(setting.Object, patch),
	}
}

// otherTags are the images that the node has under other tags of the same repository.
func otherTags(p *rule.Pass, image string) []string {
	_, want, _ := parts(full(image))
	_, have := imagesOfNode(p)
	var tags []string
	for _, name := range have {
		if _, repository, tag := parts(full(name)); repository == want && tag != "" && !strings.Contains(name, "@") && full(name) != full(image) && !slices.Contains(tags, name) {
			tags = append(tags, name)
		}
	}
	return tags
}
