package images

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// ImageInvalidName finds containers whose image is no name of an image.
var ImageInvalidName = rule.Cause{
	ID: "image-invalid-name", Title: "the name of the image is not a valid one", Doc: rule.ReadDoc(docs, "image_invalid_name.md"),
	Peers: map[string][]string{"popeye": {"POP-202"}},
	Stage: rule.StageImage, On: rule.Pods,
	Run: func(p *rule.Pass) {
		for _, c := range containers(p) {
			w := waiting(p, c, "InvalidImageName")
			if w == nil {
				continue
			}
			setting := imageSetting(p, c)
			what, better := invalid(c.Image)
			f := rule.Finding{
				Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: c.Image,
				Message:   fmt.Sprintf("%s is not the name of an image: %s", rule.Quote(c.Image), what),
				Label:     what,
				Evidence:  []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: w.Reason + ": " + rule.Quote(w.Message)}},
				RuledOut:  []string{"the registry: nobody could be asked"},
				Certainty: rule.Certain,
			}
			f.Fix = &rule.Fix{Title: "write the name of an image: [HOST[:PORT]/]PATH[:TAG][@DIGEST]", Applicability: rule.Placeholders}
			if better != "" {
				f.Fix.Title, f.Fix.Applicability = "write it as "+better, rule.NeedsThought
				f.Fix.Caution = "that the registry has this image, only you know"
			} else if better = unfilled.ReplaceAllString(c.Image, "<VALUE>"); better == c.Image {
				better = "<IMAGE>"
			}
			f.Fix.Command, f.Fix.Patch = setImage(p, c, better)
			p.Report(f)
		}
	},
}

// Source of the grammar: github.com/distribution/reference, with which all runtimes read names.
var (
	unfilled  = knowledge.Regexp(`\$\{[^}]*\}?|\$\([^)]*\)?|\$[A-Za-z_][A-Za-z0-9_]*|\{\{[^}]*(\}\})?|<[^>]*>|%[A-Z_]+%`)
	scheme    = knowledge.Regexp(`^[a-z][a-z0-9+.-]*://`)
	digest    = knowledge.Regexp(`^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:([0-9a-fA-F]{32,})$`)
	tagForm   = knowledge.Regexp(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	partForm  = knowledge.Regexp(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$`)
	wholeForm = knowledge.Regexp(`^(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`)
	hexName   = knowledge.Regexp(`^[0-9a-f]{64}$`)
)

// sha256Letters is how long a digest is.
const sha256Letters = 64

// invalid says what is wrong with the name of an image and, where only one thing can be meant, what it
// should be.
func invalid(image string) (what, better string) {
	what, better = fault(image)
	if better == image || better != "" && !wholeForm.MatchString(better) {
		better = ""
	}
	return what, better
}

func fault(image string) (what, better string) {
	if m := unfilled.FindString(image); m != "" {
		return fmt.Sprintf("%s was never filled in", m), ""
	}
	if m := scheme.FindString(image); m != "" {
		return fmt.Sprintf("it starts with %s, and a name has no scheme", m), strings.TrimPrefix(image, m)
	}
	if i := strings.IndexFunc(image, unicode.IsSpace); i >= 0 {
		return fmt.Sprintf("a space at letter %d", len([]rune(image[:i]))+1), strings.Join(strings.FieldsFunc(image, unicode.IsSpace), "")
	}
	for i, r := range []rune(image) {
		if r > unicode.MaxASCII || !unicode.IsGraphic(r) || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+:/@[]", r) {
			return fmt.Sprintf("the letter %q at %d", r, i+1), ""
		}
	}
	if hexName.MatchString(image) {
		return "64 hexadecimal digits are the id of an image, and not its name", ""
	}
	rest, sum, has := strings.Cut(image, "@")
	if has {
		if what := wrongDigest(sum); what != "" {
			return what, ""
		}
	}
	return faultOfName(rest)
}

func wrongDigest(sum string) string {
	m := digest.FindStringSubmatch(sum)
	switch hex := strings.TrimPrefix(sum, "sha256:"); {
	case sum == "":
		return "there is no digest behind the @"
	case strings.HasPrefix(sum, "sha256:") && len(hex) != sha256Letters:
		return fmt.Sprintf("the digest has %d letters behind sha256:, and needs %d", len(hex), sha256Letters)
	case m == nil:
		return "what stands behind the @ is no digest: sha256: and 64 hexadecimal digits"
	}
	return ""
}

// hostOf splits the host of a registry off: a first part with a dot or a colon, localhost, or one with a capital,
// which no path may have. Source: github.com/distribution/reference, splitDockerDomain.
func hostOf(repository string) (host, path string) {
	first, rest, ok := strings.Cut(repository, "/")
	if ok && (strings.ContainsAny(first, ".:") || first == "localhost" || strings.ToLower(first) != first) {
		return first, rest
	}
	return "", repository
}

// stencil is a part of a path that looks like the name of a value which was never put in: IMAGE, APP_NAME.
var stencil = knowledge.Regexp(`^[A-Z][A-Z0-9]*(?:[_-][A-Z0-9]+)*$`)

// capitals tells of a path with capitals. It is written in lower case where nothing else can be meant.
func capitals(host, path, tag string) (what, better string) {
	for part := range strings.SplitSeq(path, "/") {
		first := strings.IndexFunc(part, unicode.IsUpper)
		if first < 0 {
			continue
		}
		what = fmt.Sprintf("the capital %q in %q: only the host and the tag may have capitals", part[first:first+1], part)
		if len(part) > 2 && stencil.MatchString(part) {
			return fmt.Sprintf("the part %q is in capitals, as if a value was never put in for it; a path is in lower case", part), ""
		}
		break
	}
	better = strings.ToLower(path)
	switch {
	case strings.EqualFold(host, "localhost"):
		better = "localhost/" + better
	case host != "" && !strings.ContainsAny(host, ".:"): // a host without a dot, or a name at Docker Hub?
		return what + fmt.Sprintf("; and %q, with a capital, is read as the host of a registry", host), ""
	case host != "":
		better = host + "/" + better
	}
	if tag != "" {
		better += ":" + tag
	}
	return what, better
}

// faultOfName judges a name without digest: its tag first, then the parts of its path.
func faultOfName(name string) (what, better string) {
	_, repository, tag := parts(name)
	host, path := hostOf(repository)
	whole := func(path, tag string) string {
		if host != "" {
			path = host + "/" + path
		}
		if tag != "" {
			path += ":" + tag
		}
		return path
	}
	switch {
	case strings.HasSuffix(name, ":"):
		return "there is no tag behind the colon", ""
	case strings.Contains(path, ":"):
		return fmt.Sprintf("a second colon: %s and %s cannot both be the tag", path[strings.IndexByte(path, ':')+1:], tag), ""
	case len(tag) > 128:
		return fmt.Sprintf("the tag has %d letters, and may have 128", len(tag)), ""
	case tag != "" && strings.Contains(tag, "+"):
		return "a + in the tag, which semantic versions have and tags may not", whole(path, strings.ReplaceAll(tag, "+", "_"))
	case tag != "" && !tagForm.MatchString(tag):
		return fmt.Sprintf("the tag %s starts with %q: a letter, a digit or _ must come first", tag, tag[:1]), ""
	case strings.Contains(path, "//") || strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/"):
		return "a / with nothing before or behind it", ""
	}
	if lower := strings.ToLower(path); lower != path {
		return capitals(host, path, tag)
	}
	for part := range strings.SplitSeq(path, "/") {
		if !partForm.MatchString(part) {
			return fmt.Sprintf("the part %q: letters and digits, with one . or _ or some - between them", part), ""
		}
	}
	return "the runtime cannot read it", ""
}
