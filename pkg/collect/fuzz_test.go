package collect

import (
	"bytes"
	"testing"
	"time"
)

// FuzzFiles feeds any bytes as manifests: the answer is a snapshot, problems or an error, never a
// crash, and bytes that hold something never vanish without a word.
func FuzzFiles(f *testing.F) {
	for _, seed := range []string{
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: b, image: c}]}\n",
		"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n- 3\n- null\n",
		"apiVersion: apps/v9\nkind: Deployment\nmetadata: {}\nspec: {template: {spec: {containers: [{}]}}}\n---\n: :\n---\n- a\n",
		`{"apiVersion":"example.com/v1","kind":"X","metadata":{"name":1},"spec":{"a":[{"spec":{"containers":[{"image":2}]}}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, problems, err := Files(FileOptions{Paths: []string{"-"}, In: bytes.NewReader(data), Namespace: "default", Now: time.Unix(0, 0)})
		if err == nil && len(problems) == 0 && len(s.All()) == 0 && len(s.AllEvents()) == 0 && len(bytes.TrimSpace(data)) > 0 {
			t.Errorf("%q gave neither objects nor problems", data)
		}
	})
}
