package knowledge_test

import (
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
)

func TestParseImage(t *testing.T) {
	sum := "sha256:" + strings.Repeat("a", 64)
	for name, want := range map[string]string{ // where it is to be had; "" for what is no name
		"nginx":                          "docker.io/library/nginx",
		"nginx:1.27":                     "docker.io/library/nginx:1.27",
		"bitnami/nginx:1.27":             "docker.io/bitnami/nginx:1.27",
		"docker.io/nginx":                "docker.io/library/nginx",
		"index.docker.io/library/nginx":  "docker.io/library/nginx",
		"localhost/web:1":                "localhost/web:1",
		"registry.example:5000/team/web": "registry.example:5000/team/web",
		"registry:5000/web:1@" + sum:     "registry:5000/web:1@" + sum,
		"[::1]:5000/web:1":               "[::1]:5000/web:1",
		"Team/web:1":                     "Team/web:1", // a registry, as runtimes read it
		"web@" + sum:                     "docker.io/library/web@" + sum,
		"":                               "",
		" ":                              "",
		"Web:1":                          "",
		"registry.example/Team/web":      "",
		"https://registry.example/web":   "",
		"registry.example/web:1:2":       "",
		"registry.example/web:":          "",
		"registry.example//web":          "",
		"web@sha256:abc":                 "",
		"web@" + strings.ToUpper(sum):    "",
		"registry.example/web:1 ":        "",
		"-registry.example/web:1":        "",
		"registry.example/web:${TAG}":    "",
		strings.Repeat("a", 64):          "",
		"registry.example/web:-1":        "",
		"r.example/" + strings.Repeat("a/", 130) + "a": "",
	} {
		ref, ok := knowledge.ParseImage(name)
		if ok != (want != "") {
			t.Errorf("%q: a name: %v", name, ok)
			continue
		}
		if !ok {
			continue
		}
		if got := ref.Qualified().String(); got != want {
			t.Errorf("%q is to be had at %q, want %q", name, got, want)
		}
		if got := ref.String(); got != name {
			t.Errorf("%q is written %q", name, got)
		}
	}
}
