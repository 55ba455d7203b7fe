package images

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// dockerHub is the registry of images that name none.
const dockerHub = "docker.io"

// parts splits an image as the runtime does: without a host it is Docker Hub's.
func parts(image string) (registry, repository, tag string) {
	repository, _, _ = strings.Cut(image, "@")
	if at := strings.LastIndexByte(repository, ':'); at > strings.LastIndexByte(repository, '/') {
		repository, tag = repository[:at], repository[at+1:]
	}
	registry, _, ok := strings.Cut(repository, "/")
	if !ok || !strings.ContainsAny(registry, ".:") && registry != "localhost" {
		registry = dockerHub
	}
	return registry, repository, tag
}

// short is the image without the registry that was just named.
func short(image, registry string) string { return strings.TrimPrefix(image, registry+"/") }

// onNode tells whether the node that the pod is on says that it has the image. That it does not say so
// proves nothing: it names no more than the largest.
// Source: kubelet's nodeStatusMaxImages.
func onNode(p *rule.Pass, image string) (node *snapshot.Object, has bool) {
	node, list := imagesOfNode(p)
	for _, name := range list {
		if full(name) == full(image) {
			return node, true
		}
	}
	return node, false
}

// imagesOfNode are the names of the images that the pod's node says it has.
func imagesOfNode(p *rule.Pass) (*snapshot.Object, []string) {
	o, _ := p.Lookup(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName)
	if o == nil {
		return nil, nil
	}
	node, ok := o.Typed.(*corev1.Node)
	if !ok {
		return nil, nil
	}
	var names []string
	for _, i := range node.Status.Images {
		names = append(names, i.Names...)
	}
	return o, names
}

// full is the name of an image with all that people leave out: docker.io, library and latest.
func full(image string) string {
	registry, repository, tag := parts(image)
	repository = short(repository, registry)
	if registry == dockerHub && !strings.Contains(repository, "/") {
		repository = "library/" + repository
	}
	_, digest, hasDigest := strings.Cut(image, "@")
	switch {
	case hasDigest:
		return registry + "/" + repository + "@" + digest
	case tag == "":
		tag = "latest"
	}
	return registry + "/" + repository + ":" + tag
}

// setImage names another image for a container; kinds that `kubectl set image` does not know are patched.
func setImage(p *rule.Pass, c snapshot.Container, image string) (command []string, patch *rule.Patch) {
	setting := imageSetting(p, c)
	patch = setting.ReplaceValue(c.Image, image)
	if volumeIn(p, c) != nil {
		return p.PatchCommand(setting.Object, patch), patch
	}
	switch setting.Object.GroupKind() {
	case snapshot.PodKind, snapshot.RCKind, snapshot.DeploymentKind, snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.CronJobKind, snapshot.JobKind:
		return []string{"set", "image", setting.Object.String(), c.Name + "=" + image}, patch
	}
	return p.PatchCommand(setting.Object, patch), patch
}

// waiting is the state of a container that waits for one of the reasons; nil for others, and in pods that
// are being deleted.
func waiting(p *rule.Pass, c snapshot.Container, reasons ...string) *corev1.ContainerStateWaiting {
	if c.Status == nil || c.Status.State.Waiting == nil || p.Object.Pod().DeletionTimestamp != nil {
		return nil
	}
	for _, r := range reasons {
		if c.Status.State.Waiting.Reason == r {
			return c.Status.State.Waiting
		}
	}
	return nil
}
