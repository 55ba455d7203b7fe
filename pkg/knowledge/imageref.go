package knowledge

import "strings"

// ImageRef is the name of an image, taken apart.
type ImageRef struct {
	Registry   string // "registry.example:5000"; "" where the name leaves it to the node
	Repository string // "team/web"
	Tag        string // "" for none
	Digest     string // "sha256:...", "" for none
}

// The grammar of names of images. Source: github.com/distribution/reference, with which all runtimes read
// them.
var (
	imageHost   = Regexp(`^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?$|^\[[a-fA-F0-9:]+\](?::[0-9]+)?$`)
	imagePath   = Regexp(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	imageTag    = Regexp(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	imageDigest = Regexp(`^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$`)
	imageID     = Regexp(`^[a-f0-9]{64}$`)
)

// longestRepository is how many letters registry and repository may have together.
const longestRepository = 255

// ParseImage takes the name of an image apart; false where it is none, so that nothing can be pulled by it.
func ParseImage(name string) (ImageRef, bool) {
	p := parsedImages.of(name, func(name string) parsedImage {
		ref, ok := parseImage(name)
		return parsedImage{ref, ok}
	})
	return p.ref, p.ok
}

type parsedImage struct {
	ref ImageRef
	ok  bool
}

var parsedImages memo[parsedImage]

func parseImage(name string) (ImageRef, bool) {
	var ref ImageRef
	rest, digest, pinned := strings.Cut(name, "@")
	if pinned && !imageDigest.MatchString(digest) || len(name) == 64 && imageID.MatchString(name) {
		return ref, false
	}
	ref.Digest = digest
	// A colon before the last slash is that of a registry's port.
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		ref.Tag = rest[i+1:]
		rest = rest[:i]
		if !imageTag.MatchString(ref.Tag) {
			return ref, false
		}
	}
	whole := rest
	if first, path, ok := strings.Cut(rest, "/"); ok && (strings.ContainsAny(first, ".:") || first == "localhost" || strings.ToLower(first) != first) {
		if !imageHost.MatchString(first) {
			return ref, false
		}
		ref.Registry, rest = first, path
	}
	ref.Repository = rest
	return ref, len(whole) <= longestRepository && imagePath.MatchString(rest)
}

// Qualified is where the image is to be had: without a registry that is Docker Hub, whose own images lie in
// "library". Source: the normalization of github.com/distribution/reference.
func (r ImageRef) Qualified() ImageRef {
	switch r.Registry {
	case "", "index.docker.io", "registry-1.docker.io":
		r.Registry = "docker.io"
	}
	if r.Registry == "docker.io" && !strings.Contains(r.Repository, "/") {
		r.Repository = "library/" + r.Repository
	}
	return r
}

// Name is registry and repository, without version.
func (r ImageRef) Name() string {
	if r.Registry == "" {
		return r.Repository
	}
	return r.Registry + "/" + r.Repository
}

// String is the name as people write it.
func (r ImageRef) String() string {
	s := r.Name()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}
