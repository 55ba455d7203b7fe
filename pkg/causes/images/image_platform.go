package images

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImagePlatform finds containers whose image is not made for the platform of their node.
var ImagePlatform = rule.Cause{
	ID: "image-platform", Title: "the image is not made for the node's platform", Doc: rule.ReadDoc(docs, "image_platform.md"),
	Stage: rule.StageImage, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if len(failures(p, foreign)) == 0 {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.NodeKind, "", "")}
	},
	Run: func(p *rule.Pass) {
		for _, f := range failures(p, foreign) {
			reportPlatform(p, f)
		}
	},
}

// platform is a node's operating system and processor, as images name them; "" where it is not known.
func platform(o *snapshot.Object) string {
	node, ok := o.Typed.(*corev1.Node)
	if !ok || node.Status.NodeInfo.Architecture == "" {
		return ""
	}
	return node.Status.NodeInfo.OperatingSystem + "/" + node.Status.NodeInfo.Architecture
}

func reportPlatform(p *rule.Pass, f failure) {
	setting := imageSetting(p, f.Container)
	registry, repository, _ := parts(f.Image)
	name := p.Object.Pod().Spec.NodeName
	out := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(f.Name), Field: setting.Path, Value: f.Image,
		Message:   fmt.Sprintf("%s has %s for other platforms only, not for that of node/%s", registry, short(f.Image, registry), name),
		Label:     "not built for the platform of the node",
		Evidence:  []rule.Evidence{f.evidence},
		RuledOut:  []string{fmt.Sprintf("a missing tag, the network and the credentials: %s gave out the list of what there is", registry)},
		Certainty: rule.Certain,
	}
	here, others := "", []string{}
	for _, o := range p.List(snapshot.NodeKind, "") {
		is := platform(o)
		switch {
		case is == "":
		case o.Name == name:
			here = is
			out.Message = fmt.Sprintf("%s has %s for other platforms only, and node/%s is %s", registry, short(f.Image, registry), name, is)
			out.Label = "not built for " + is
			out.Evidence = append(out.Evidence, rule.Evidence{Source: rule.FromStatus, Object: o.Ref, Field: "status.nodeInfo.architecture", Text: fmt.Sprintf("node/%s is %s", name, is)})
		case !slices.Contains(others, is):
			others = append(others, is)
		}
	}
	others = slices.DeleteFunc(others, func(s string) bool { return s == here })
	image := repository + ":<TAG>"
	out.Fix = &rule.Fix{Title: "name a tag that is built for this platform, or build one for several (docker buildx build --platform ...)", Applicability: rule.Placeholders}
	if here != "" {
		out.Fix.Title = fmt.Sprintf("name a tag that is built for %s, or build one for several (docker buildx build --platform %s,...)", here, here)
	}
	out.Fix.Command, out.Fix.Patch = setImage(p, f.Container, image)
	if len(others) > 0 {
		out.Message += "; there are nodes of " + strings.Join(others, ", ")
		_, arch, _ := strings.Cut(others[0], "/")
		selector := p.PodSpec().Child("nodeSelector")
		patch := &rule.Patch{Type: "json", Body: []rule.Op{{Op: "add", Path: selector.Pointer(), Value: map[string]any{corev1.LabelArchStable: arch}}}}
		if o, _ := p.Lookup(selector.Object.GroupKind(), selector.Object.Namespace, selector.Object.Name); o != nil {
			patch = rule.PutIn(o, selector.Path.Key(corev1.LabelArchStable), arch)
		}
		out.Fix.Lines = []string{fmt.Sprintf("or, if it is built for %s, have it run there:", others[0]), p.Line(p.PatchCommand(selector.Object, patch)...)}
	}
	p.Report(out)
}
