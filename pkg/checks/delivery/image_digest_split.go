package delivery

import (
	"fmt"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImageDigestSplit finds pods of one revision that run different builds under one name.
var ImageDigestSplit = rule.Check{
	ID: "image-digest-split", Title: "one image name, different builds on the nodes", Doc: rule.ReadDoc(docs, "image_digest_split.md"),
	Dimension: rule.Delivery, Severity: rule.Medium, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		for _, pods := range builds(p) {
			if len(pods) > 1 {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		all := builds(p)
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				// Of two revisions only the present one can still be changed.
				for _, key := range sortedKeys(all) {
					if key.container == c.Name && key.image == c.Image && split(p, c, all[key]) {
						break
					}
				}
			}
		}
	},
}

// buildKey says whose builds must be the same: those of one container in the pods of one revision.
type buildKey struct{ revision, container, image, repository string }

// build is what one pod runs.
type build struct {
	pod    *snapshot.Object
	digest string
}

// builds are what the running pods of the object run, by container and revision. Of an image that no
// registry knows the digest is not told, and one that was copied onto the node has one of its own.
func builds(p *rule.Pass) map[buildKey][]build {
	if len(p.Object.Templates) == 0 || p.Object.Pod() != nil {
		return nil
	}
	found := map[buildKey][]build{}
	for _, o := range p.PodsOf(p.Object) {
		pod := o.Pod()
		if pod == nil || pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil {
			continue
		}
		owner, _ := o.OwnerRef()
		revision := owner.Kind + "/" + owner.Name + "/" + pod.Labels["controller-revision-hash"]
		for _, c := range o.PodContainers() {
			if c.Init || c.Status == nil || c.Status.State.Running == nil {
				continue
			}
			id := strings.TrimPrefix(c.Status.ImageID, "docker-pullable://")
			repository, digest, ok := strings.Cut(id, "@")
			if !ok || strings.HasPrefix(repository, "docker.io/library/import-") {
				continue
			}
			key := buildKey{revision, c.Name, c.Image, repository}
			found[key] = append(found[key], build{o, digest})
		}
	}
	return found
}

func sortedKeys(m map[buildKey][]build) []buildKey {
	keys := make([]buildKey, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		a, b := keys[i], keys[j]
		return a.revision+"\n"+a.repository < b.revision+"\n"+b.repository
	})
	return keys
}

// split reports a container of which pods run different builds; true where it did.
func split(p *rule.Pass, c snapshot.Container, pods []build) bool {
	byDigest := map[string][]build{}
	for _, b := range pods {
		byDigest[b.digest] = append(byDigest[b.digest], b)
	}
	if len(byDigest) < 2 {
		return false
	}
	if arch, known := oneArchitecture(p, pods); !known {
		p.Unknown("image of container %s differs between pods, and the architecture of their nodes was not read", c.Name)
		return false
	} else if !arch { // some runtimes tell the digest of the architecture's own image
		return false
	}
	digests := make([]string, 0, len(byDigest))
	for d := range byDigest {
		digests = append(digests, d)
	}
	sort.Slice(digests, func(i, j int) bool {
		a, b := byDigest[digests[i]], byDigest[digests[j]]
		return len(a) > len(b) || len(a) == len(b) && digests[i] < digests[j]
	})
	f := rule.Finding{Seen: p.Object.In(c.Name), Field: c.Path.Child("image"), Value: c.Image, Label: "not the same image on every node"}
	f.Certainty = rule.Likely // an index that was pushed anew around the same images has another digest too
	var counts []string
	for _, d := range digests {
		first := byDigest[d][0].pod
		counts = append(counts, fmt.Sprintf("%d run %s", len(byDigest[d]), short(d)))
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: first.In(c.Name), Field: "imageID", Text: "imageID " + d})
	}
	f.Message = fmt.Sprintf("%d builds of %s run side by side in container %q: of %d pods %s", len(digests), c.Image, c.Name, len(pods), strings.Join(counts, ", "))
	ref, _ := knowledge.ParseImage(c.Image)
	ref.Digest = "sha256:<DIGEST>"
	u := used{image: c.Image, container: c.Name, beside: func() *field.Path { return c.Path }}
	patch := p.Put(u.path(), ref.String())
	p.Report(f).WithFix(rule.Fix{
		Title: "name the build that is meant by its digest", Applicability: rule.Placeholders,
		Patch: patch, Command: setImage(p, u, ref.String(), patch), YAML: u.imageYAML(ref.String()),
	})
	return true
}

// oneArchitecture tells whether the nodes of the pods are all of one architecture; known is false where one
// of them was not read.
func oneArchitecture(p *rule.Pass, pods []build) (same, known bool) {
	arch := ""
	for _, b := range pods {
		o, _ := p.Lookup(snapshot.NodeKind, "", b.pod.Pod().Spec.NodeName)
		if o == nil {
			return false, false
		}
		node, ok := o.Typed.(*corev1.Node)
		if !ok || node.Status.NodeInfo.Architecture == "" {
			return false, false
		}
		if a := node.Status.NodeInfo.Architecture; arch == "" {
			arch = a
		} else if a != arch {
			return false, true
		}
	}
	return true, true
}

// short is a digest as people compare it.
func short(digest string) string {
	const letters = len("sha256:") + 12
	return digest[:min(len(digest), letters)]
}
