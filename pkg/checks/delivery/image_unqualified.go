package delivery

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImageUnqualified finds images whose registry the node chooses, and names by which nothing can be pulled.
var ImageUnqualified = rule.Check{
	ID: "image-unqualified", Title: "image name without its registry", Doc: rule.ReadDoc(docs, "image_unqualified.md"),
	Dimension: rule.Delivery, Severity: rule.Info, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		short := rule.Finding{}
		var values []rule.Value
		var names []string
		for _, t := range p.Object.Templates {
			for _, u := range images(p.Object, t) {
				ref, ok := knowledge.ParseImage(u.image)
				switch {
				case !ok && !refused(p, u):
					malformed(p, u)
				case !ok:
				case ref.Registry == "":
					if short.Field == nil {
						short.Field, short.Value = u.path(), u.image
					} else {
						short.Marks = append(short.Marks, rule.Mark{Field: u.path()})
					}
					if !slices.Contains(names, u.image) {
						names = append(names, u.image)
					}
					values = append(values, rule.Value{Path: u.path(), Value: ref.Qualified().String()})
				}
			}
		}
		if len(values) == 0 {
			return
		}
		short.Message = fmt.Sprintf("%s has no registry: most nodes ask docker.io, and some another", names[0])
		if len(names) > 1 {
			short.Message = rule.Few(names, spelledOut) + " have no registry: most nodes ask docker.io, and some another"
		}
		patch := rule.PutAllIn(p.Object, values...)
		p.Report(short).WithFix(rule.Fix{
			Title: "write it in full: " + fmt.Sprint(values[0].Value), Applicability: rule.NeedsThought,
			Caution: "where nodes are set up to take short names from another registry, that one is meant; a mirror is found by the full name as well",
			Patch:   patch, Command: p.Live(patch),
		})
	},
	Peers: map[string][]string{
		"clusterlint": {"fully-qualified-image"},
	},
}

// spelledOut is how many images one message names.
const spelledOut = 3

// refused tells whether a kubelet has refused the name already: that is said as what is broken now.
func refused(p *rule.Pass, u used) bool {
	if p.Files {
		return false
	}
	return slices.ContainsFunc(p.PodsOf(p.Object), func(o *snapshot.Object) bool {
		return slices.ContainsFunc(o.PodContainers(), func(c snapshot.Container) bool {
			if c.Status == nil || c.Status.State.Waiting == nil {
				return false
			}
			w := c.Status.State.Waiting
			return c.Name == u.container && w.Reason == "InvalidImageName" || u.ofVolume && strings.Contains(w.Message, u.image)
		})
	})
}

func malformed(p *rule.Pass, u used) {
	f := rule.Finding{Seen: p.Object.In(u.container), Field: u.path(), Value: u.image, Severity: rule.Medium, Label: "nothing can be pulled by this"}
	f.Message = fmt.Sprintf("%s has %q for an image, which is no name of one (%s): nothing can be pulled", u.who(), u.image, fault(u.image))
	p.Report(f).WithFix(rule.Fix{
		Title: "write the name of an image: [HOST[:PORT]/]PATH[:TAG][@DIGEST]", Applicability: rule.Placeholders, YAML: u.imageYAML("<IMAGE>"),
	})
}

// fault says what keeps text from being the name of an image.
func fault(text string) string {
	name, digest, pinned := strings.Cut(text, "@")
	slash := strings.LastIndexByte(name, '/')
	path, tag, tagged := name, "", false
	if i := strings.LastIndexByte(name, ':'); i > slash {
		path, tag, tagged = name[:i], name[i+1:], true
	}
	switch {
	case strings.Contains(text, "://"):
		return "names have no scheme"
	case strings.IndexFunc(text, unicode.IsSpace) >= 0:
		return "there is a space in it"
	case tagged && tag == "":
		return "the tag is missing after the colon"
	case strings.Contains(path[slash+1:], ":"):
		return "there are two colons after the last slash"
	case pinned && !strings.Contains(digest, ":"):
		return "a digest looks like sha256:..."
	case pinned && strings.ToLower(path) == path:
		return "the digest is not complete: sha256: and 64 hexadecimal digits"
	case strings.ToLower(path) != path:
		return "the path has capital letters"
	case strings.Contains(path, "//"):
		return "there are two slashes in a row"
	}
	return "a letter that names do not have, or one where it must not be"
}
