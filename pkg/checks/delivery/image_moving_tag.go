package delivery

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// ImageMovingTag finds tags that are moved to every new build.
var ImageMovingTag = rule.Check{
	ID: "image-moving-tag", Title: "tag that moves with every build", Doc: rule.ReadDoc(docs, "image_moving_tag.md"),
	Dimension: rule.Delivery, Severity: rule.Medium, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, u := range images(p.Object, t) {
				ref, ok := knowledge.ParseImage(u.image)
				if !ok || ref.Digest != "" || !moves(ref.Tag) {
					continue
				}
				f := rule.Finding{Seen: p.Object.In(u.container), Field: u.path(), Value: u.image, Certainty: rule.Likely, Label: "by its name the newest of some line"}
				f.Message = fmt.Sprintf("%s runs %s, a tag that moves, with %s: two nodes may run two builds, and a restart brings no newer one", u.who(), u.image, u.policySays())
				if u.policy == corev1.PullAlways {
					f.Severity = rule.Low
					f.Message = fmt.Sprintf("%s runs %s, a tag that moves: each start may bring another build, and there is none to go back to", u.who(), u.image)
				}
				ref.Tag = "<TAG>"
				fixed := ref.String()
				patch := p.Put(u.path(), fixed)
				p.Report(f).WithFix(rule.Fix{
					Title: "name the version that is meant, or its digest", Applicability: rule.Placeholders,
					Patch: patch, Command: setImage(p, u, fixed, patch), YAML: u.imageYAML(fixed),
				})
			}
		}
	},
}

// policySays names the pull policy that holds, and says where nobody chose it.
func (u used) policySays() string {
	if u.set {
		return u.policyField() + " " + string(u.policy)
	}
	return u.policyField() + " " + string(u.policy) + " by default"
}

// movers are the words for what is newest in some line of builds. Versions are not among them, though 1.27
// moves too: that is what whoever writes it wants.
var movers = []string{
	"main", "master", "trunk", "head", "develop", "development", "dev", "devel", "edge", "nightly", "canary", "unstable", "snapshot", "staging",
	"stable", "current", "rolling", "mainline", "lts", "next", "testing",
}

// moves tells a tag that means whatever was built last. One with a number in it means a build: main-3f2a1b,
// nightly-20260101. The tag latest alone is told by image-latest.
func moves(tag string) bool {
	tag = strings.ToLower(tag)
	if tag == "" || tag == "latest" || strings.ContainsAny(tag, "0123456789") {
		return false
	}
	words := strings.FieldsFunc(tag, func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return len(words) > 0 && (slices.Contains(movers, words[0]) || words[0] == "latest" || words[len(words)-1] == "latest")
}
