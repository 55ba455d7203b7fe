package images

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImageRateLimit finds containers whose registry gives out no more images for now.
var ImageRateLimit = rule.Cause{
	ID: "image-rate-limit", Title: "the registry limits how much is pulled", Doc: rule.ReadDoc(docs, "image_rate_limit.md"),
	Stage: rule.StageImage, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if len(failures(p, limited)) == 0 {
			return nil
		}
		return wantLogins(p)
	},
	Run: func(p *rule.Pass) {
		for _, f := range failures(p, limited) {
			reportLimit(p, f)
		}
	},
}

func reportLimit(p *rule.Pass, f failure) {
	registry, _, _ := parts(f.Image)
	out := rule.Finding{
		Seen:      p.Object.In(f.Name),
		Message:   fmt.Sprintf("%s has had too many pulls and gives out no more for now, %s among them: the kubelet asks again, up to five minutes apart", registry, short(f.Image, registry)),
		Evidence:  []rule.Evidence{f.evidence},
		RuledOut:  []string{fmt.Sprintf("the network and the tag: %s was asked and answered", registry)},
		Certainty: rule.Certain,
	}
	named := pullSecrets(p)
	if len(named) == 0 {
		setting := p.PodSpec().Child("imagePullSecrets")
		out.Object, out.Field = setting.Object, setting.Path
		out.Label = "pulls without a login count together for all that come from one address"
		out.Evidence = append(out.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "spec.imagePullSecrets", Text: "the pod names no image pull secret"})
		out.Fix = loginFix(p, registry)
		out.Fix.Title = "wait; or pull with a login, which has a limit of its own: " + out.Fix.Title
		p.Report(out)
		return
	}
	setting := imageSetting(p, f.Container)
	out.Object, out.Field, out.Value = setting.Object, setting.Path, f.Image
	out.Label = registry + " counts what is pulled"
	out.Fix = &rule.Fix{
		Title:         "wait until the limit is over, or name a registry of yours that has a copy of the image",
		Caution:       "the pod names a pull secret: whether its login was taken, the registry does not say",
		Applicability: rule.Placeholders,
	}
	_, repository, tag := parts(f.Image)
	image := "<REGISTRY>/" + short(repository, registry)
	if tag != "" {
		image += ":" + tag
	}
	out.Fix.Command, out.Fix.Patch = setImage(p, f.Container, image)
	p.Report(out)
}
