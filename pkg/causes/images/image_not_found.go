package images

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What registries and runtimes say. Sources: the OCI distribution specification's error codes,
// containerd's resolver, Docker's registry client.
var (
	notFound  = regexp.MustCompile(`(?i)code = NotFound|: not found\s*$|manifest unknown|manifest for \S+ not found|name unknown|repository name not known`)
	ambiguous = regexp.MustCompile(`(?i)repository does not exist or may require|insufficient_scope|pull access denied`)
	otherwise = regexp.MustCompile(`(?i)no match for platform|no matching manifest|no such host|i/o timeout|toomanyrequests|too many requests|x509|server gave HTTP response|failed to do request`)
)

// ImageNotFound finds containers whose image the registry does not have.
var ImageNotFound = rule.Cause{
	ID: "image-not-found", Title: "the registry does not have the image", Doc: rule.ReadDoc(docs, "image_not_found.md"),
	Stage: rule.StageImage, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			message, evidence, ok := pullError(p, c)
			if !ok {
				continue
			}
			if missing, sure := absent(message); missing {
				reportNotFound(p, c, evidence, sure)
			}
		}
	},
}

// absent tells whether a registry says that it does not have an image; it is not sure where the same
// answer stands for missing credentials.
func absent(message string) (missing, sure bool) {
	switch {
	case otherwise.MatchString(message):
		return false, false
	case ambiguous.MatchString(message):
		return true, false
	}
	return notFound.MatchString(message), true
}

// pullError is why the image of a container cannot be pulled: in the container's own words or, for
// kubelets that say no more than "Back-off pulling image", in those of the event.
func pullError(p *rule.Pass, c snapshot.Container) (message string, evidence rule.Evidence, ok bool) {
	if c.Status == nil || c.Status.State.Waiting == nil || p.Object.Pod().DeletionTimestamp != nil {
		return "", rule.Evidence{}, false
	}
	w := c.Status.State.Waiting
	if w.Reason != "ErrImagePull" && w.Reason != "ImagePullBackOff" {
		return "", rule.Evidence{}, false
	}
	evidence = rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: w.Reason + ": " + shortened(w.Message)}
	if w.Reason == "ErrImagePull" || strings.Contains(w.Message, "ErrImagePull: ") {
		return w.Message, evidence, true
	}
	if e := p.ContainerEvent(c.Name, "Failed", "Failed to pull image"); e != nil {
		evidence = rule.EventEvidence(e)
		evidence.Text = e.Reason + ": " + shortened(e.Message)
		return e.Message, evidence, true
	}
	return w.Message, evidence, true
}

// shortened is the end of what a runtime says, where the registry's own answer stands.
func shortened(message string) string {
	if at := strings.LastIndex(message, "failed to resolve reference "); at >= 0 {
		message = message[at:]
	}
	return rule.Quote(message)
}

func reportNotFound(p *rule.Pass, c snapshot.Container, evidence rule.Evidence, sure bool) {
	setting := p.ContainerSetting(c).Child("image")
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
	f.Fix = imageFix(p, c, setting, repository, tag)
	if old := readyBefore(p, c); old != nil {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: old.set.Ref, Field: "status.readyReplicas",
			Text: fmt.Sprintf("revision %s still runs %s, %s", old.revision, old.image, rule.Count(old.ready, "ready pod"))})
		f.Fix.Title = "correct the tag; or go back to the revision that still runs"
		f.Fix.Caution = "undo takes back all that the new revision changed, not the image alone"
		f.Fix.Applicability = rule.NeedsThought
		f.Fix.Lines = []string{"or, with a tag that exists:", p.Line(f.Fix.Command...)}
		f.Fix.Command = []string{"rollout", "undo", setting.Object.String(), "--to-revision=" + old.revision}
		f.Fix.Patch = nil
	}
	p.Report(f)
}

// parts splits an image as the runtime does: without a host it is Docker Hub's.
func parts(image string) (registry, repository, tag string) {
	repository, _, _ = strings.Cut(image, "@")
	if at := strings.LastIndexByte(repository, ':'); at > strings.LastIndexByte(repository, '/') {
		repository, tag = repository[:at], repository[at+1:]
	}
	registry, _, ok := strings.Cut(repository, "/")
	if !ok || !strings.ContainsAny(registry, ".:") && registry != "localhost" {
		registry = "docker.io"
	}
	return registry, repository, tag
}

// short is the image without the registry that was just named.
func short(image, registry string) string { return strings.TrimPrefix(image, registry+"/") }

// imageFix sets another image; kinds that `kubectl set image` does not know are patched.
func imageFix(p *rule.Pass, c snapshot.Container, setting rule.Setting, repository, tag string) *rule.Fix {
	image := repository + ":<TAG>"
	fix := &rule.Fix{Title: "name a tag that the registry has", Applicability: rule.Placeholders, Patch: setting.ReplaceValue(c.Image, image)}
	if tag == "" || tag == "latest" {
		fix.Title = "name a tag that the registry has; without one, latest is asked for"
	}
	switch setting.Object.GroupKind() {
	case snapshot.PodKind, snapshot.RCKind, snapshot.DeploymentKind, snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.CronJobKind, snapshot.JobKind:
		fix.Command = []string{"set", "image", setting.Object.String(), c.Name + "=" + image}
	default:
		fix.Command = p.PatchCommand(setting.Object, fix.Patch)
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
		b := &before{set: other, revision: revision, image: imageOf(other, c.Name)}
		for _, pod := range p.PodsOf(other) {
			if isReady(pod.Pod()) {
				b.ready++
			}
		}
		if b.ready > 0 && b.image != "" && b.image != c.Image && (best == nil || len(b.revision) > len(best.revision) || len(b.revision) == len(best.revision) && b.revision > best.revision) {
			best = b
		}
	}
	return best
}

func imageOf(o *snapshot.Object, container string) string {
	for _, t := range o.Templates {
		for _, c := range t.Containers() {
			if c.Name == container {
				return c.Image
			}
		}
	}
	return ""
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
