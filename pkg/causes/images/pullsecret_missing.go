package images

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// longestBackOff is how long the kubelet waits at most before it asks for an image again.
// Source: kubelet's MaxContainerBackOff, which pulls share.
const longestBackOff = 5 * time.Minute

// PullsecretMissing finds pods whose image needs a login, and whose pull secret does not exist.
var PullsecretMissing = rule.Cause{
	ID: "pullsecret-missing", Title: "the image pull secret does not exist", Doc: rule.ReadDoc(docs, "pullsecret_missing.md"),
	Stage: rule.StageImage, Beats: []string{"image-not-found", "image-rate-limit"}, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if len(failures(p, refused, hidden, limited)) == 0 {
			return nil
		}
		return wantLogins(p)
	},
	Run: func(p *rule.Pass) {
		for _, f := range failures(p, refused, hidden, limited) {
			if gone, _ := badSecrets(p); len(gone) > 0 {
				reportGone(p, f, gone)
			} else if s, ok := justMade(p); ok && f.trouble == refused {
				reportJustMade(p, f, s)
			}
		}
	},
}

func reportGone(p *rule.Pass, f failure, gone []pullSecret) {
	registry, _, _ := parts(f.Image)
	s, namespace := gone[0], p.Object.Namespace
	out := rule.Finding{
		Object: s.setting.Object, Seen: p.Object.In(f.Name), Field: s.setting.Path, Value: s.name,
		Message:   fmt.Sprintf("there is no secret/%s in namespace %s, and without a login %s does not give out %s", s.name, namespace, registry, short(f.Image, registry)),
		Label:     fmt.Sprintf("no Secret of this name in namespace %s", namespace),
		Evidence:  []rule.Evidence{f.evidence},
		RuledOut:  []string{fmt.Sprintf("the network: %s was asked and answered", registry)},
		Certainty: rule.Certain,
	}
	if f.trouble == limited {
		out.Message = fmt.Sprintf("there is no secret/%s in namespace %s, and without a login %s gives out fewer images: it answers that there were too many pulls", s.name, namespace, registry)
	}
	for _, g := range gone[1:] {
		out.Message += fmt.Sprintf("; secret/%s is missing too", g.name)
	}
	switch {
	case s.event != nil:
		out.Evidence = append(out.Evidence, retrieveEvidence(s.event))
	case !s.outcome.Proven:
		out.Certainty = rule.Likely
	}
	if s.outcome.State == snapshot.Absent {
		out.Evidence = append(out.Evidence, rule.Evidence{Source: rule.FromStatus, Object: s.ref(p), Text: fmt.Sprintf("the API has no secret/%s in namespace %s", s.name, namespace)})
	}
	if f.trouble != refused || len(gone) < len(pullSecrets(p)) { // another one may be the one that matters
		out.Certainty = rule.Likely
	}
	if elsewhere := p.NamespacesWith(snapshot.SecretKind, s.name); len(elsewhere) > 0 {
		out.Message += "; there is one in namespace " + strings.Join(elsewhere, ", ")
	}
	if near := nearestLogin(p, s.name); near != "" {
		patch := s.setting.ReplaceValue(s.name, near)
		out.Label += "; there is " + near
		out.Fix = &rule.Fix{
			Title:         fmt.Sprintf("name secret/%s, the nearest that holds a login", near),
			Caution:       fmt.Sprintf("the name is alike; whether it has the login of %s, only its value tells, which is not read", registry),
			Applicability: rule.NeedsThought, Object: s.setting.Object, Patch: patch, Command: p.PatchCommand(s.setting.Object, patch),
		}
		p.Report(out)
		return
	}
	out.Fix = &rule.Fix{
		Title:         fmt.Sprintf("create secret/%s in namespace %s with a login of %s", s.name, namespace, registry),
		Caution:       historyCaution + ". The kubelet tries again within five minutes",
		Applicability: rule.Placeholders, Object: s.ref(p), Command: createLogin(s.name, registry),
	}
	p.Report(out)
}

// retrieveEvidence quotes the kubelet's event. Its reason ends in Secret: with a colon behind it, what
// follows would be taken for a credential, and not be printed.
func retrieveEvidence(e *corev1.Event) rule.Evidence {
	evidence := rule.EventEvidence(e)
	evidence.Text = strings.Replace(evidence.Text, ": ", ", ", 1)
	return evidence
}

// justMade is a pull secret that the kubelet did not get when it last looked, and that is there now.
func justMade(p *rule.Pass) (pullSecret, bool) {
	for _, s := range pullSecrets(p) {
		if s.event == nil || s.object == nil {
			continue
		}
		if made := s.object.Meta.GetCreationTimestamp().Time; made.After(snapshot.EventTime(s.event)) && p.Age(made) <= longestBackOff {
			return s, true
		}
	}
	return pullSecret{}, false
}

func reportJustMade(p *rule.Pass, f failure, s pullSecret) {
	made := s.object.Meta.GetCreationTimestamp().Time
	p.Report(rule.Finding{
		Object: s.setting.Object, Seen: p.Object.In(f.Name), Certainty: rule.Possible,
		NoField: "the Secret that the pod names is there now: whether its login is taken, the next pull tells",
		Message: fmt.Sprintf("the kubelet found no secret/%s; it was made %s ago: does the next pull, within five minutes, work?", s.name, rule.Human(p.Age(made))),
		Evidence: []rule.Evidence{f.evidence, retrieveEvidence(s.event), {
			Source: rule.FromStatus, Object: s.ref(p), Field: "metadata.creationTimestamp", Time: made, Text: fmt.Sprintf("secret/%s was created", s.name),
		}},
		Fix: &rule.Fix{Title: "wait for five minutes; a new pod would not wait at all", Applicability: rule.NeedsThought},
	})
}
