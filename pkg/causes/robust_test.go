package causes_test

import (
	"encoding/json"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// removals is how many fields are taken out of each capture, one at a time.
const removals = 8

// No rule trusts a field to be present: every capture is judged again and again with one field
// missing somewhere, and no rule may fail.
func TestNoFieldIsTrusted(t *testing.T) {
	eng, err := engine.New(checks.All(), causes.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range folders(t) {
		files := map[string]map[string]any{}
		names, _ := filepath.Glob(filepath.Join(dir, "*.yaml"))
		folder := fstest.MapFS{}
		var lists []string
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			base := filepath.Base(name)
			folder[base] = &fstest.MapFile{Data: data}
			var content map[string]any
			if base != "applied.yaml" && yaml.Unmarshal(data, &content) == nil {
				if items, ok := content["items"].([]any); ok && len(items) > 0 {
					files[base] = content
					lists = append(lists, base)
				}
			}
		}
		random := rand.New(rand.NewPCG(1, uint64(crc32.ChecksumIEEE([]byte(dir))))) //nolint:gosec // the same fields every time
		for range removals {
			if len(lists) == 0 {
				break
			}
			name := lists[random.IntN(len(lists))]
			content := runtime.DeepCopyJSON(files[name])
			items, _ := content["items"].([]any)
			item, _ := items[random.IntN(len(items))].(map[string]any)
			path := removeOne(random, item)
			changed, err := json.Marshal(content) // is YAML too, and quicker to write and to read
			if err != nil {
				t.Fatal(err)
			}
			with := fstest.MapFS{}
			for k, v := range folder {
				with[k] = v
			}
			with[name] = &fstest.MapFile{Data: changed}
			judgeAll(t, eng, with, filepath.Base(dir)+"/"+name+" without "+path)
		}
	}
}

// removeOne takes a random field out of v and says which; apiVersion, kind and name stay, since
// without them it is no object.
func removeOne(random *rand.Rand, v map[string]any) string {
	path := ""
	for depth := range 9 {
		var keys []string
		for k := range v {
			if depth > 0 || k != "apiVersion" && k != "kind" {
				if path != ".metadata" || k != "name" {
					keys = append(keys, k)
				}
			}
		}
		if len(keys) == 0 {
			return path
		}
		slices.Sort(keys) // maps give them in any order
		key := keys[random.IntN(len(keys))]
		next, deeper := v[key].(map[string]any)
		if list, ok := v[key].([]any); ok && len(list) > 0 {
			next, deeper = list[random.IntN(len(list))].(map[string]any)
		}
		path += "." + key
		if !deeper || len(next) == 0 || path != ".metadata" && path != ".spec" && path != ".status" && random.IntN(4) == 0 {
			delete(v, key)
			return path
		}
		v = next
	}
	return path
}

func judgeAll(t *testing.T, eng *engine.Engine, folder fstest.MapFS, what string) {
	t.Helper()
	s, fetcher, _, err := collect.Archive(folder)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	targets, err := collect.TargetsIn(s, "", nil, nil)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if err := collect.Loop(t.Context(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	_, failed := eng.Explain(s, targets)
	_, broken := eng.Broken(s, nil)
	failed = append(append(failed, broken...), eng.Check(s, nil).NotEvaluated...)
	for _, f := range failed {
		if f.Reason == snapshot.ReasonFailed {
			t.Errorf("%s: %s of %s: %s", what, f.Rule, f.Object, f.Detail)
		}
	}
}
