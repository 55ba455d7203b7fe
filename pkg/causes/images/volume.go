package images

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// containers are the containers of the pod, each with the image that the kubelet speaks of: it tells of an image
// volume that cannot be pulled in the state of the container that mounts it.
// Source: kubelet's pkg/kubelet/kuberuntime, getImageVolumes.
func containers(p *rule.Pass) []snapshot.Container {
	list := slices.Clone(p.Object.PodContainers())
	for i, c := range list {
		if c.Status != nil && c.Status.State.Waiting != nil {
			list[i] = spokenOf(p, c, c.Status.State.Waiting.Message)
		}
	}
	return list
}

// spokenOf is the container with the image that a message names: its own, or that of a volume.
func spokenOf(p *rule.Pass, c snapshot.Container, message string) snapshot.Container {
	if names(message, c.Image) {
		return c
	}
	for _, v := range p.Object.Pod().Spec.Volumes {
		if v.Image == nil || !names(message, v.Image.Reference) || !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name }) {
			continue
		}
		c.Container = c.DeepCopy()
		c.Image, c.ImagePullPolicy = v.Image.Reference, v.Image.PullPolicy
		return c
	}
	return c
}

// names tells whether a message names an image, as it was written or with all that people leave out.
func names(message, image string) bool {
	if image == "" {
		return false
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/@"
	for _, name := range []string{image, full(image)} {
		for from := 0; ; {
			at := strings.Index(message[from:], name)
			if at < 0 {
				break
			}
			before, after := message[:from+at], message[from+at+len(name):]
			from += at + len(name)
			if before != "" && strings.ContainsRune(letters, rune(before[len(before)-1])) || after != "" && strings.ContainsRune(letters, rune(after[0])) {
				continue
			}
			if len(after) < 2 || after[0] != ':' || after[1] == ' ' { // else a tag follows
				return true
			}
		}
	}
	return false
}

// volumeIn is the image volume of the pod whose image a container of containers has instead of its own; nil for
// one that has its own.
func volumeIn(p *rule.Pass, c snapshot.Container) *corev1.Volume {
	for _, own := range p.Object.PodContainers() {
		if own.Name == c.Name && own.Image == c.Image {
			return nil
		}
	}
	for i, v := range p.Object.Pod().Spec.Volumes {
		if v.Image != nil && v.Image.Reference == c.Image {
			return &p.Object.Pod().Spec.Volumes[i]
		}
	}
	return nil
}

// imageSetting is where the image of a container of containers stands.
func imageSetting(p *rule.Pass, c snapshot.Container) rule.Setting {
	return settingOf(p, c, "image", "reference")
}

// policySetting is where its pull policy stands.
func policySetting(p *rule.Pass, c snapshot.Container) rule.Setting {
	return settingOf(p, c, "imagePullPolicy", "pullPolicy")
}

func settingOf(p *rule.Pass, c snapshot.Container, own, ofVolume string) rule.Setting {
	v := volumeIn(p, c)
	if v == nil {
		return p.ContainerSetting(c).Child(own)
	}
	spec := p.PodSpec()
	volumes := p.Object.Pod().Spec.Volumes
	if o, _ := p.Lookup(spec.Object.GroupKind(), spec.Object.Namespace, spec.Object.Name); o != nil && len(o.Templates) > 0 && o.Templates[0].Spec != nil {
		volumes = o.Templates[0].Spec.Volumes // admission adds to those of the pod
	}
	i := slices.IndexFunc(volumes, func(other corev1.Volume) bool { return other.Name == v.Name })
	return spec.Child("volumes").Index(max(0, i)).Child("image", ofVolume)
}
