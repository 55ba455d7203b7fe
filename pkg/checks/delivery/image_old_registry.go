package delivery

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// ImageOldRegistry finds images from places that nobody fills any more.
var ImageOldRegistry = rule.Check{
	ID: "image-old-registry", Title: "image from a registry that was given up", Doc: rule.ReadDoc(docs, "image_old_registry.md"),
	Dimension: rule.Delivery, Severity: rule.Medium, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			for _, u := range images(p.Object, t) {
				if ref, ok := knowledge.ParseImage(u.image); ok {
					oldRegistry(p, u, ref)
				}
			}
		}
	},
	Peers: map[string][]string{
		"clusterlint": {"docker-pkg-github-com-registry"},
		"kubescape":   {"rule-identify-old-k8s-registry"},
	},
}

// givenUp is a place from which images were moved, or taken away.
type givenUp struct {
	prefix    string
	now       string // what the prefix became; "" where nothing takes its place
	why       string
	versioned bool // it holds of names with a version only
}

// Sources: kubernetes.io's notes on the redirect and the freeze of k8s.gcr.io; kubernetes-sigs/kubebuilder
// discussion 3907; GitHub's page on migrating to the container registry; bitnami/containers issue 83267.
var abandoned = []givenUp{
	{"k8s.gcr.io/", "registry.k8s.io/", "frozen since April 2023, so later fixes are not there, and it may go away", false},
	{"gcr.io/google-containers/", "registry.k8s.io/", "left by Kubernetes in 2020, so later fixes are not there", false},
	{"gcr.io/google_containers/", "registry.k8s.io/", "left by Kubernetes in 2020, so later fixes are not there", false},
	{"gcr.io/kubebuilder/", "registry.k8s.io/kubebuilder/", "whose images were taken away in 2025: a node that has none cannot pull it", false},
	{"docker.pkg.github.com/", "ghcr.io/", "which GitHub replaced, and containerd cannot pull from", false},
	{"docker.io/bitnami/", "", "where images with a version were taken away in 2025: a node that has none cannot pull it", true},
	{"docker.io/bitnamilegacy/", "", "frozen since August 2025, so later fixes are not there", false},
}

func oldRegistry(p *rule.Pass, u used, ref knowledge.ImageRef) {
	full := ref.Qualified()
	for _, old := range abandoned {
		path, ok := strings.CutPrefix(full.Name(), old.prefix)
		if !ok || old.versioned && (ref.Tag == "" || ref.Tag == "latest" || ref.Digest != "") {
			continue
		}
		f := rule.Finding{Seen: p.Object.In(u.container), Field: u.path(), Value: u.image}
		f.Label = "a place that was given up"
		f.Message = fmt.Sprintf("%s has its image from %s, %s", u.who(), strings.TrimSuffix(old.prefix, "/"), old.why)
		fix := rule.Fix{
			Title: "take it from where its makers put new versions", Applicability: rule.NeedsThought,
			Caution: "another maker's image has other paths, users and settings",
		}
		if old.versioned {
			fix.Caution += "; until then docker.io/bitnamilegacy has it as it was, without fixes"
		}
		if old.now != "" {
			image := strings.Replace(full.String(), full.Name(), old.now+path, 1)
			patch := p.Put(u.path(), image)
			fix = rule.Fix{
				Title: "take it from " + strings.TrimSuffix(old.now, "/"), Applicability: rule.NeedsThought,
				Caution: "that the image and this version are there, see first",
				Patch:   patch, Command: setImage(p, u, image, patch), YAML: u.imageYAML(image),
			}
		}
		p.Report(f).WithFix(fix)
		return
	}
}
