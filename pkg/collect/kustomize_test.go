package collect

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What kustomize would fetch is known before it does.
func TestRemote(t *testing.T) {
	for path, want := range map[string]bool{
		"https://github.com/org/repo//base?ref=v1": true, "HTTP://example.com/x.yaml": true, "ssh://git@example.com/org/repo": true,
		"github.com/org/repo": true, "GitHub.com:org/repo": true, "git@example.com:org/repo.git": true, "org-1@github.com:a/b": true,
		"git::https://example.com/a/b": true, "file:///srv/repo": true,
		"../base": false, "base": false, "a@b.yaml": false, "overlays/git@2": false, "deploy.yaml": false, "/etc": false, "github.com.yaml": false,
	} {
		if remote(path) != want {
			t.Errorf("remote(%q) is %v", path, !want)
		}
	}
}

// Wherever a kustomization names a host, it is not contacted.
func TestKustomizeFetchesNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("fetched %s", r.URL)
	}))
	defer server.Close()
	t.Chdir(t.TempDir())
	write(t, "base.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	for name, text := range map[string]string{
		"resource":     "resources: ['URL/x.yaml']",
		"base":         "bases: ['URL/org/repo']",
		"component":    "components: ['URL/org/repo']",
		"patch":        "resources: [base.yaml]\npatches: [{path: 'URL/p.yaml'}]",
		"merge":        "resources: [base.yaml]\npatchesStrategicMerge: ['URL/p.yaml']",
		"json":         "resources: [base.yaml]\npatchesJson6902: [{path: 'URL/p.yaml', target: {kind: ConfigMap, version: v1, name: a}}]",
		"files":        "configMapGenerator: [{name: c, files: ['URL/data']}]",
		"keyed":        "secretGenerator: [{name: c, files: ['key=URL/data']}]",
		"envs":         "configMapGenerator: [{name: c, envs: ['URL/data']}]",
		"crds":         "crds: ['URL/crd.json']",
		"config":       "configurations: ['URL/c.yaml']",
		"openapi":      "openapi: {path: 'URL/schema.json'}",
		"replacement":  "resources: [base.yaml]\nreplacements: [{path: 'URL/r.yaml'}]",
		"generator":    "generators: ['URL/g.yaml']",
		"inline":       "generators:\n- |-\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: x}\n  files: ['URL/data']\n",
		"transformers": "resources: [base.yaml]\ntransformers: [t.yaml]",
	} {
		t.Run(name, func(t *testing.T) {
			write(t, "kustomization.yaml", strings.ReplaceAll(text, "URL", server.URL))
			write(t, "t.yaml", "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: x}\npath: "+server.URL+"/p.yaml\n")
			_, _, err := Files(FileOptions{Kustomize: ".", Now: time.Unix(0, 0)})
			if err == nil || !strings.Contains(err.Error(), server.URL) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The wish for origins changes nothing else of a kustomization, and leaves what it cannot read.
func TestAsking(t *testing.T) {
	for text, want := range map[string]string{
		"images: [{name: a, newTag: 1.10}]":    "images: [{name: a, newTag: 1.10}]\nbuildMetadata: [originAnnotations]\n",
		"buildMetadata: [managedByLabel]":      "buildMetadata: [managedByLabel, originAnnotations]\n",
		"buildMetadata: [originAnnotations]":   "buildMetadata: [originAnnotations]",
		"a: [":                                 "a: [",
		"- a":                                  "- a",
		"# only a comment":                     "# only a comment",
		"buildMetadata: none":                  "buildMetadata: none",
		"commonLabels: {version: '010', y: n}": "commonLabels: {version: '010', y: n}\nbuildMetadata: [originAnnotations]\n",
	} {
		if got := string((&kustomizeDisk{}).asking([]byte(text))); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
