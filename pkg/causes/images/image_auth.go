package images

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImageAuth finds containers whose image the registry gives only to those who log in, or not to this login.
var ImageAuth = rule.Cause{
	ID: "image-auth", Title: "the registry refuses: no login, or not the right one", Doc: rule.ReadDoc(docs, "image_auth.md"),
	Peers: map[string][]string{"popeye": {"POP-202"}},
	Stage: rule.StageImage, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if len(failures(p, refused, hidden, limited)) == 0 {
			return nil
		}
		return wantLogins(p)
	},
	Run: func(p *rule.Pass) {
		for _, f := range failures(p, refused) {
			if gone, useless := badSecrets(p); len(gone)+len(useless) == 0 { // those have causes of their own
				reportAuth(p, f)
			}
		}
	},
}

// badSecrets are the pull secrets of the pod that do not exist, and those that hold no login.
func badSecrets(p *rule.Pass) (gone, useless []pullSecret) {
	for _, s := range pullSecrets(p) {
		switch {
		case s.gone():
			gone = append(gone, s)
		case s.useless():
			useless = append(useless, s)
		}
	}
	return gone, useless
}

// status is the answer of a registry.
var status = knowledge.Regexp(`\b40[13] [A-Z][a-z]+`)

func reportAuth(p *rule.Pass, f failure) {
	registry, _, _ := parts(f.Image)
	answer := status.FindString(f.message)
	if answer == "" {
		answer = "that a login is needed"
	}
	out := rule.Finding{
		Seen:      p.Object.In(f.Name),
		Evidence:  []rule.Evidence{f.evidence},
		RuledOut:  []string{fmt.Sprintf("the network: %s was asked and answered", registry)},
		Certainty: rule.Certain,
	}
	named := pullSecrets(p)
	if len(named) == 0 {
		setting := p.PodSpec().Child("imagePullSecrets")
		out.Object, out.Field = setting.Object, setting.Path
		out.Message = fmt.Sprintf("%s answers %s for %s, and the pod brings no login: it names no image pull secret", registry, answer, short(f.Image, registry))
		out.Label = "no login for " + registry
		out.Evidence = append(out.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "spec.imagePullSecrets", Text: "the pod names no image pull secret"})
		if later := accountSecrets(p); len(later) > 0 {
			reportLaterAccount(p, out, later[0].Name)
			return
		}
		if o := account(p); o != nil {
			out.Evidence = append(out.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "imagePullSecrets", Text: fmt.Sprintf("serviceaccount/%s names none either", o.Name)})
		}
		out.Fix = loginFix(p, registry)
		p.Report(out)
		return
	}
	reportLogin(p, f, out, named, registry, answer)
}

// reportLaterAccount says that the ServiceAccount has a pull secret which the pod was made without.
func reportLaterAccount(p *rule.Pass, out rule.Finding, name string) {
	o := account(p)
	out.Object, out.Field, out.Certainty = o.Ref, rule.FieldPath("imagePullSecrets"), rule.Likely
	out.Message += fmt.Sprintf("; serviceaccount/%s names secret/%s, which only pods that are made from now on get", o.Name, name)
	out.Label = "the pod is older than this, and has none of it"
	out.Evidence = append(out.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "imagePullSecrets", Text: fmt.Sprintf("serviceaccount/%s names secret/%s", o.Name, name)})
	out.Fix = &rule.Fix{Title: "make the pod anew: a ServiceAccount's pull secrets are given to pods when they are made", Applicability: rule.NeedsThought, Object: p.Object.Ref}
	switch top := p.PodSpec().Object; top.GroupKind() {
	case snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind:
		out.Fix.Object, out.Fix.Command = top, []string{"rollout", "restart", top.String()}
		out.Fix.Caution = "a restart replaces the pods that run as well, as any rollout does"
	case snapshot.PodKind:
		out.Fix.Caution = "nothing makes a bare pod anew: apply its manifest after deleting it"
	default:
		out.Fix.Command = []string{"delete", p.Object.String()}
		out.Fix.Caution = "its controller makes another; the pod has never run"
	}
	p.Report(out)
}

// reportLogin says that the registry does not take the login of the pod, or that none is for it.
func reportLogin(p *rule.Pass, f failure, out rule.Finding, named []pullSecret, registry, answer string) {
	var names []string
	for _, s := range named {
		names = append(names, s.name)
	}
	setting := named[0].setting
	out.Object, out.Field, out.Value = setting.Object, setting.Path, named[0].name
	out.Label = "its login for " + registry + " is wrong or expired, or it has none"
	out.Message = fmt.Sprintf("%s answers %s for %s: %s has no login for it, or one that is wrong, expired or may not read this image", registry, answer, short(f.Image, registry), secretsWord(names))
	for _, s := range named {
		text := secretsWord([]string{s.name}) + " is there"
		switch {
		case s.object == nil:
			text = fmt.Sprintf("secret/%s: %s", s.name, reasonOf(s.outcome))
		case s.object.KeysKnown:
			text += " and holds a login, of which only its value tells for which registry"
		}
		out.Evidence = append(out.Evidence, rule.Evidence{Source: rule.FromStatus, Object: s.ref(p), Text: text})
		if written := lastWritten(s.object); isECR(registry) && !written.IsZero() && p.Age(written) > ecrLogin {
			out.Message += fmt.Sprintf("; secret/%s was last written %s ago, and logins of this registry last 12h", s.name, rule.Human(p.Age(written)))
		}
	}
	path, keys := `jsonpath={.data.\.dockerconfigjson}`, ".auths | keys"
	if o := named[0].object; o != nil && o.KeysKnown && !slices.Contains(o.Keys, corev1.DockerConfigJsonKey) {
		path, keys = `jsonpath={.data.\.dockercfg}`, "keys"
	}
	out.Fix = &rule.Fix{
		Title:         "look for which registries it has a login, and write a good one of " + registry,
		Caution:       historyCaution + ". The second command replaces all logins that the Secret holds",
		Applicability: rule.Placeholders,
		Object:        named[0].ref(p),
		Lines: []string{
			p.Line("get", "secret", named[0].name, "-o", path) + " | base64 -d | jq " + rule.ShellQuote(keys),
			p.Line(append(createLogin(named[0].name, registry), "--dry-run=client", "-o", "yaml")...) + " | " + p.Line("apply", "-f", "-"),
		},
	}
	p.Report(out)
}

// reasonOf words why something is not known.
func reasonOf(out snapshot.Outcome) string {
	if out.Reason != "" {
		return out.Reason
	}
	return snapshot.ReasonUnread
}

// ecrLogin is how long logins of Amazon's registry last.
// Source: Amazon ECR, GetAuthorizationToken.
const ecrLogin = 12 * time.Hour

var ecrHost = knowledge.Regexp(`\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)

func isECR(registry string) bool { return ecrHost.MatchString(registry) }

// lastWritten is when somebody last wrote the Secret.
func lastWritten(o *snapshot.Object) time.Time {
	if o == nil {
		return time.Time{}
	}
	last := o.Meta.GetCreationTimestamp().Time
	for _, m := range o.Managers {
		if m.Time.After(last) {
			last = m.Time
		}
	}
	return last
}
