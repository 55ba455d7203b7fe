package delivery

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// used is an image that a template names: of a container, or of a volume.
type used struct {
	image     string
	ofVolume  bool
	container string            // its name; some kinds of others let one leave it out
	volume    string            // "" for a container
	policy    corev1.PullPolicy // what holds, set or not
	set       bool
	beside    func() *field.Path // what holds image and pull policy
}

// images are the images of containers and volumes of a template. Names that are not meant for a runtime are
// left out: some tools put the true one in on the way to the cluster.
func images(o *snapshot.Object, t snapshot.Template) []used {
	var list []used
	add := func(u used, policy corev1.PullPolicy) {
		if substituted(o, t, u.image) {
			return
		}
		u.policy, u.set = policy, policy != ""
		if !u.set {
			u.policy = defaultPolicy(u.image)
		}
		list = append(list, u)
	}
	for _, c := range t.Containers() {
		add(used{image: c.Image, container: c.Name, beside: func() *field.Path { return c.Path }}, c.ImagePullPolicy)
	}
	if t.Spec == nil {
		return list
	}
	for i, v := range t.Spec.Volumes {
		if v.Image != nil {
			add(used{image: v.Image.Reference, ofVolume: true, volume: v.Name, beside: func() *field.Path { return t.SpecPath().Child("volumes").Index(i).Child("image") }}, v.Image.PullPolicy)
		}
	}
	return list
}

// path is where the name of the image stands.
func (u used) path() *field.Path {
	if u.ofVolume {
		return u.beside().Child("reference")
	}
	return u.beside().Child("image")
}

// who is whose image it is, in words.
func (u used) who() string {
	if u.ofVolume {
		return fmt.Sprintf("volume %q", u.volume)
	}
	if u.container == "" {
		return "its container"
	}
	return fmt.Sprintf("container %q", u.container)
}

// defaultPolicy is what the API makes of no pull policy. Source: SetDefaults_Container of Kubernetes, which
// looks for the tag latest, beside a digest too, and takes neither tag nor digest for it.
func defaultPolicy(image string) corev1.PullPolicy {
	name, _, pinned := strings.Cut(image, "@")
	tag := ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		tag = name[i+1:]
	}
	if tag == "latest" || tag == "" && !pinned {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

// unfilled is what templating tools fill in.
var unfilled = knowledge.Regexp(`\$\{|\$\(|\{\{|<[^>]*>|%[A-Z_]+%|\$[A-Za-z_]`)

// substituted tells a name that something else replaces before a runtime sees it: the API server of
// OpenShift, Istio's sidecar injector, ko, or what fills in a template. Source: the annotations of each.
func substituted(o *snapshot.Object, t snapshot.Template, image string) bool {
	switch {
	case strings.TrimSpace(image) == "" || strings.HasPrefix(image, "ko://"):
		return true
	case image == "auto": // the sidecar injector of Istio knows a gateway by it
		return true
	case o.Meta.GetAnnotations()["image.openshift.io/triggers"] != "" || t.Annotations["image.openshift.io/triggers"] != "":
		return true
	}
	return o.Origin != nil && strings.ContainsAny(image, "$<{%") && unfilled.MatchString(image)
}

// notSystem is an Applies that leaves out what Kubernetes and whoever runs the cluster brought.
func notSystem(p *rule.Pass) bool {
	return !knowledge.SystemNamespace(p.Object.Namespace)
}

// setImage is the command that gives a container another image; nil for an object of a file.
func setImage(p *rule.Pass, u used, image string, patch *rule.Patch) []string {
	if p.Files {
		return nil
	}
	switch p.Object.GroupKind() {
	case snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.ReplicaSetKind, snapshot.CronJobKind, snapshot.PodKind, snapshot.RCKind:
		if u.container != "" {
			return []string{"set", "image", p.Object.String(), u.container + "=" + image}
		}
	}
	return p.Live(patch)
}

// imageYAML is how the image is written in a manifest.
func (u used) imageYAML(image string) string {
	if u.ofVolume {
		return rule.Nest(image, "image", "reference")
	}
	return rule.Nest(image, "image")
}

// policyField is what the pull policy of an image is called: containers and volumes differ.
func (u used) policyField() string {
	if u.ofVolume {
		return "pullPolicy"
	}
	return "imagePullPolicy"
}

// policyPath is where the pull policy of an image stands: beside its name.
func (u used) policyPath() *field.Path { return u.beside().Child(u.policyField()) }
