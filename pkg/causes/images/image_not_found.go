package images

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImageNotFound finds containers whose image the registry does not have.
var ImageNotFound = rule.Cause{
	ID: "image-not-found", Title: "the registry does not have the image", Doc: rule.ReadDoc(docs, "image_not_found.md"),
	Peers: map[string][]string{"popeye": {"POP-202"}},
	Stage: rule.StageImage, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, f := range failures(p, missing, hidden) {
			reportNotFound(p, f.Container, f.evidence, f.trouble == missing)
		}
	},
}

func reportNotFound(p *rule.Pass, c snapshot.Container, evidence rule.Evidence, sure bool) {
	setting := imageSetting(p, c)
	registry, repository, tag := parts(c.Image)
	f := rule.Finding{
		Object:    setting.Object,
		Seen:      p.Object.In(c.Name),
		Field:     setting.Path,
		Value:     c.Image,
		Message:   fmt.Sprintf("%s has no image %s", registry, short(c.Image, registry)),
		Label:     fmt.Sprintf("%s answers that it has no such repository or tag", registry),
		Evidence:  []rule.Evidence{evidence},
		RuledOut:  []string{fmt.Sprintf("the network and the credentials: %s was asked and answered", registry)},
		Certainty: rule.Certain,
	}
	if !sure {
		f.Message = fmt.Sprintf("%s does not give out %s: it is not there, or it needs credentials that the pod does not have", registry, short(c.Image, registry))
		f.Label = "misspelt, or private"
		f.RuledOut = []string{fmt.Sprintf("the network: %s was asked and answered", registry)}
		f.Certainty = rule.Likely
		if secrets := len(p.Object.Pod().Spec.ImagePullSecrets); secrets > 0 {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "spec.imagePullSecrets", Text: rule.Count(secrets, "image pull secret") + " named by the pod"})
		} else {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "spec.imagePullSecrets", Text: "the pod names no image pull secret"})
		}
	}
	if v := volumeIn(p, c); v != nil {
		f.Message += fmt.Sprintf(", which volume %s is to be made of", v.Name)
		f.RuledOut = append(f.RuledOut, "the container's own image: the kubelet speaks of that of the volume")
	}
	f.Fix = imageFix(p, c, repository, tag)
	if !sure {
		login := loginFix(p, registry)
		f.Fix.Lines = append([]string{"or, where it is private: " + login.Title, p.Line(login.Command...)}, login.Lines...)
	}
	if old := readyBefore(p, c); old != nil {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: old.set.Ref, Field: "status.readyReplicas",
			Text: fmt.Sprintf("revision %s still runs %s, %s", old.revision, old.image, rule.Count(old.ready, "ready pod"))})
		f.Fix.Title = "correct the tag; or go back to the revision that still runs"
		f.Fix.Caution = "undo takes back all that the new revision changed, not the image alone"
		f.Fix.Applicability = rule.NeedsThought
		f.Fix.Lines = append([]string{"or, with a tag that exists:", p.Line(f.Fix.Command...)}, f.Fix.Lines...)
		f.Fix.Command = []string{"rollout", "undo", setting.Object.String(), "--to-revision=" + old.revision}
		f.Fix.Patch = nil
	}
	p.Report(f)
}

// imageFix names another tag.
func imageFix(p *rule.Pass, c snapshot.Container, repository, tag string) *rule.Fix {
	image := repository + ":<TAG>"
	fix := &rule.Fix{Title: "name a tag that the registry has", Applicability: rule.Placeholders}
	fix.Command, fix.Patch = setImage(p, c, image)
	if tag == "" || tag == "latest" {
		fix.Title = "name a tag that the registry has; without one, latest is asked for"
	}
	return fix
}

// before is an older revision of a Deployment that still has ready pods.
type before struct {
	set      *snapshot.Object
	revision string
	image    string // of the same container
	ready    int
}

// readyBefore is the newest older ReplicaSet of the pod's Deployment which runs the container with
// another image and has ready pods.
func readyBefore(p *rule.Pass, c snapshot.Container) *before {
	set := p.Owner(p.Object)
	if set == nil || set.GroupKind() != snapshot.ReplicaSetKind {
		return nil
	}
	deployment := p.Owner(set)
	if deployment == nil || deployment.GroupKind() != snapshot.DeploymentKind || p.NewestReplicaSet(deployment) != set {
		return nil
	}
	var best *before
	for _, other := range p.Owned(deployment) {
		revision := other.Meta.GetAnnotations()["deployment.kubernetes.io/revision"]
		if other == set || other.GroupKind() != snapshot.ReplicaSetKind || revision == "" || strings.Trim(revision, "0123456789") != "" {
			continue
		}
		b := &before{set: other, revision: revision, image: imageOf(p, other, c)}
		for _, pod := range p.PodsOf(other) {
			if rule.PodReady(pod.Pod()) {
				b.ready++
			}
		}
		if b.ready > 0 && b.image != "" && b.image != c.Image && (best == nil || len(b.revision) > len(best.revision) || len(b.revision) == len(best.revision) && b.revision > best.revision) {
			best = b
		}
	}
	return best
}

// imageOf is what a template of o names where the pod has the image of a container of containers.
func imageOf(p *rule.Pass, o *snapshot.Object, container snapshot.Container) string {
	volume := volumeIn(p, container)
	for _, t := range o.Templates {
		if volume != nil && t.Spec != nil {
			for _, v := range t.Spec.Volumes {
				if v.Name == volume.Name && v.Image != nil {
					return v.Image.Reference
				}
			}
			continue
		}
		for _, c := range t.Containers() {
			if c.Name == container.Name {
				return c.Image
			}
		}
	}
	return ""
}
