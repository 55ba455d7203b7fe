package access

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PullSecretMissing finds image pull secrets that are not there.
var PullSecretMissing = rule.Check{
	ID: "pull-secret-missing", Title: "image pull secret that is not there", Doc: rule.ReadDoc(docs, "pull_secret_missing.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Everything,
	Applies: func(p *rule.Pass) bool { return len(pullSecrets(p)) > 0 },
	Run: func(p *rule.Pass) {
		for _, n := range pullSecrets(p) {
			if madeByOther(p, n.name) || pullFails(p) {
				continue
			}
			ref := snapshot.Ref{APIVersion: "v1", Kind: "Secret", Namespace: p.Object.Namespace, Name: n.name}
			if a := p.Absent(n.path, ref); a != nil {
				p.Report(a.Finding("%s %s: images of a private registry are pulled without a login", a.Ref, a.Where)).
					WithFix(a.Fix(p, "name", "create the Secret, or leave the entry out"))
			}
		}
	},
	Peers: map[string][]string{"popeye": {"POP-305"}},
}

// pullSecret is an entry of imagePullSecrets.
type pullSecret struct {
	name string
	path *field.Path
}

// pullSecrets are those of a workload's templates, or of a ServiceAccount.
func pullSecrets(p *rule.Pass) []pullSecret {
	var found []pullSecret
	add := func(list []corev1.LocalObjectReference, path *field.Path) {
		for i, r := range list {
			if r.Name != "" {
				found = append(found, pullSecret{r.Name, path.Index(i).Child("name")})
			}
		}
	}
	if sa, ok := p.Object.Typed.(*corev1.ServiceAccount); ok {
		add(sa.ImagePullSecrets, field.NewPath("imagePullSecrets"))
	}
	if len(p.Object.Templates) > 0 && rule.Workloads.Matches(p.Snapshot, p.Object) {
		for _, t := range p.Object.Templates {
			if len(t.Spec.ImagePullSecrets) > 0 {
				add(t.Spec.ImagePullSecrets, t.SpecPath().Child("imagePullSecrets"))
			}
		}
	}
	return found
}

// pullFails tells whether a kubelet fails to pull an image of the pods that the object of a Pass is for: why is
// said as what is broken now.
func pullFails(p *rule.Pass) bool {
	if p.Files {
		return false
	}
	pods := p.PodsOf(p.Object)
	if p.Object.GroupKind() == snapshot.ServiceAcctKind {
		pods = slices.DeleteFunc(slices.Clone(p.List(snapshot.PodKind, p.Object.Namespace)), func(o *snapshot.Object) bool {
			return o.Pod() == nil || o.Pod().Spec.ServiceAccountName != p.Object.Name
		})
	}
	return slices.ContainsFunc(pods, func(o *snapshot.Object) bool {
		return slices.ContainsFunc(o.PodContainers(), func(c snapshot.Container) bool {
			return c.Status != nil && c.Status.State.Waiting != nil && slices.Contains([]string{"ErrImagePull", "ImagePullBackOff"}, c.Status.State.Waiting.Reason)
		})
	})
}

// madeByOther tells whether an object of a kind that is not Kubernetes' own names the Secret: an operator makes
// it from there.
func madeByOther(p *rule.Pass, name string) bool {
	return foreignNames(p.Snapshot)[name]
}

type foreignKey struct{}

// foreignNames are the words of all objects of kinds that nobody knows which could be names.
func foreignNames(s *snapshot.Snapshot) map[string]bool {
	return snapshot.Derived(s, foreignKey{}, func() map[string]bool {
		words := map[string]bool{}
		for _, o := range s.All() {
			if o.Typed == nil && len(o.Templates) == 0 {
				foreignTexts(o, func(text string) { words[text] = true })
			}
		}
		return words
	})
}
