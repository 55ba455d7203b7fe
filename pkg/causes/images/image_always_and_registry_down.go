package images

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImageAlwaysAndRegistryDown finds containers whose image is on their node, and which do not start because
// the registry is to be asked first.
var ImageAlwaysAndRegistryDown = rule.Cause{
	ID: "image-always-and-registry-down", Title: "the node has the image, and must ask the registry first", Doc: rule.ReadDoc(docs, "image_always_and_registry_down.md"),
	Stage: rule.StageImage, Beats: []string{"image-registry-unreachable", "image-rate-limit"}, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		for _, f := range failures(p, outOfReach, limited) {
			if f.ImagePullPolicy == corev1.PullAlways {
				return []snapshot.Want{snapshot.WantGet(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName)}
			}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		for _, f := range failures(p, outOfReach, limited) {
			if node, has := onNode(p, f.Image); has && f.ImagePullPolicy == corev1.PullAlways {
				reportAlways(p, f, node)
			}
		}
	},
}

func reportAlways(p *rule.Pass, f failure, node *snapshot.Object) {
	registry, _, tag := parts(f.Image)
	says := obstacleOf(f.message).says
	if f.trouble == limited {
		says = "answers that there were too many pulls"
	}
	setting := policySetting(p, f.Container)
	patch := setting.ReplaceValue(string(corev1.PullAlways), string(corev1.PullIfNotPresent))
	if o, _ := p.Lookup(setting.Object.GroupKind(), setting.Object.Namespace, setting.Object.Name); o != nil {
		patch = rule.PutIn(o, setting.Path, string(corev1.PullIfNotPresent))
	}
	fix := &rule.Fix{
		Title:         "start the image that the node has: ask the registry only where there is none",
		Caution:       "a tag that is written anew is then no longer followed: name another tag with every build, or a digest. Nodes that do not have the image still need the registry",
		Applicability: rule.NeedsThought, Object: setting.Object, Patch: patch, Command: p.PatchCommand(setting.Object, patch),
	}
	if tag == "" || tag == "latest" {
		fix.Caution = "with the tag latest nobody knows which build a node has: name a tag or a digest. Nodes that do not have the image still need the registry"
	}
	p.Report(rule.Finding{
		Object: setting.Object, Seen: p.Object.In(f.Name), Field: setting.Path, Value: string(corev1.PullAlways),
		Message: fmt.Sprintf("%s has %s, and may not start it before the registry was asked: %s %s", node.String(), f.Image, registry, says),
		Label:   "the registry is asked before every start, even where the node has the image",
		Evidence: []rule.Evidence{
			f.evidence,
			{Source: rule.FromStatus, Object: node.Ref, Field: "status.images", Text: fmt.Sprintf("%s lists %s among its images", node.String(), f.Image)},
		},
		RuledOut:  []string{"a tag that does not exist: the node has pulled or been given this very one"},
		Certainty: rule.Certain,
		Fix:       fix,
	})
}
