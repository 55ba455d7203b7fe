package images

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PullsecretWrong finds pods whose image needs a login, and whose pull secret holds none.
var PullsecretWrong = rule.Cause{
	ID: "pullsecret-wrong", Title: "the image pull secret holds no registry login", Doc: rule.ReadDoc(docs, "pullsecret_wrong.md"),
	Stage: rule.StageImage, Beats: []string{"image-not-found", "image-rate-limit"}, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if len(failures(p, refused, hidden, limited)) == 0 {
			return nil
		}
		return wantLogins(p)
	},
	Run: func(p *rule.Pass) {
		for _, f := range failures(p, refused, hidden, limited) {
			if gone, useless := badSecrets(p); len(gone) == 0 && len(useless) > 0 {
				reportUseless(p, f, useless[0])
			}
		}
	},
}

func reportUseless(p *rule.Pass, f failure, s pullSecret) {
	registry, _, _ := parts(f.Image)
	holds := "has " + rule.Count(len(s.object.Keys), "entry")
	if len(s.object.Keys) > 1 {
		holds = fmt.Sprintf("has %d entries", len(s.object.Keys))
	}
	holds += ", " + strings.Join(s.object.Keys, ", ")
	if t, ok := s.object.Typed.(*corev1.Secret); ok && t.Type != "" {
		holds = "is of type " + string(t.Type)
	}
	out := rule.Finding{
		Object: s.setting.Object, Seen: p.Object.In(f.Name), Field: s.setting.Path, Value: s.name,
		Message: fmt.Sprintf("secret/%s holds no registry login, so the kubelet passes it over, and %s does not give out %s without one: it %s, and not %s",
			s.name, registry, short(f.Image, registry), holds, corev1.DockerConfigJsonKey),
		Label:     "a Secret without a registry login",
		Evidence:  []rule.Evidence{f.evidence, {Source: rule.FromSpec, Object: s.ref(p), Field: "data", Text: fmt.Sprintf("secret/%s %s", s.name, holds)}},
		RuledOut:  []string{fmt.Sprintf("the network: %s was asked and answered", registry), fmt.Sprintf("a missing Secret: secret/%s is there", s.name)},
		Certainty: rule.Certain,
	}
	if f.trouble != refused || len(pullSecrets(p)) > 1 { // another one may be the one that matters
		out.Certainty = rule.Likely
	}
	name := s.name + "-login"
	if o, _ := p.Lookup(snapshot.SecretKind, p.Object.Namespace, name); o != nil {
		name = "<SECRET>"
	}
	patch := s.setting.ReplaceValue(s.name, name)
	out.Fix = &rule.Fix{
		Title:         "create a Secret of the right type with a login of " + registry + ", and name that one",
		Caution:       historyCaution + ". The type of a Secret cannot be changed, so this makes another",
		Applicability: rule.Placeholders,
		Object:        secretRef(p, name),
		Command:       createLogin(name, registry),
		Lines:         []string{s.setting.Object.String() + " must name it: then " + p.Line(p.PatchCommand(s.setting.Object, patch)...)},
	}
	p.Report(out)
}
