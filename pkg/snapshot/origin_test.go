package snapshot

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

func parsed(t *testing.T, name, text string) *source.Document {
	t.Helper()
	docs, errs := source.Parse(name, []byte(text))
	if len(docs) != 1 || len(errs) > 0 {
		t.Fatalf("%s: %d documents, %v", name, len(docs), errs)
	}
	return docs[0]
}

// What was rendered stands where people wrote it, as far as it is the same there; items are told by their names.
func TestOriginPlace(t *testing.T) {
	o := &Origin{
		Document: parsed(t, "rendered", `
spec:
  replicas: 5
  paused: true
  containers:
  - {name: side, image: "side:2"}
  - {name: app, image: "app:9", args: [a, b], resources: {limits: {memory: 1Gi}}}
`),
		Written: []*source.Document{
			parsed(t, "base", `
spec:
  replicas: 2
  containers:
  - {name: app, image: "app:1", args: [a, b]}
`),
			parsed(t, "patch", `
spec:
  replicas: 5
  containers:
  - {name: app, resources: {limits: {memory: 1Gi}}}
  - {name: side, image: "side:2"}
`),
		},
	}
	for path, want := range map[string]string{
		"spec.replicas":                             "patch",    // which says what is rendered
		"spec.paused":                               "rendered", // nobody does
		"spec.containers[0].image":                  "patch",
		"spec.containers[1].image":                  "rendered", // an image that was set
		"spec.containers[1].args[1]":                "base",
		"spec.containers[1].resources":              "patch",
		"spec.containers[1].resources.limits.cpu":   "patch", // what is missing there
		"spec.containers[1].livenessProbe":          "base",  // what is missing altogether
		"spec.containers[0].livenessProbe":          "patch",
		"spec":                                      "base",
		"spec.template.spec.terminationGracePeriod": "base",
	} {
		if doc, _ := o.Place(source.ParsePath(path)); doc.Name != want {
			t.Errorf("%s stands in %s, want %s", path, doc.Name, want)
		}
	}
	plain := &Origin{Document: o.Document}
	if doc, at := plain.Place(source.ParsePath("spec.replicas")); doc != o.Document || at.String() != "spec.replicas" {
		t.Errorf("%s in %s", at, doc.Name)
	}
}
