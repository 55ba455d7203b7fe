package ruletest

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// fixed applies the fixes of all findings to what the fixture holds, and compares the objects with
// those of NAME.fixed.yaml, in which the check must find nothing any more. Comments are not compared.
func (r *runner) fixed(file string, s *snapshot.Snapshot, findings []*rule.Finding) {
	r.Helper()
	mended := strings.TrimSuffix(file, ".yaml") + ".fixed.yaml"
	data, err := os.ReadFile(mended)
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		r.Errorf("%v", err)
		return
	}
	objects := contents(s)
	for _, f := range findings {
		if f.Fix == nil || f.Fix.Patch == nil {
			r.Errorf("%s: no patch for %q", file, f.Message)
			continue
		}
		key := f.Fix.Object.Key()
		patched, err := apply(objects[key], f.Fix.Patch)
		if err != nil {
			r.Errorf("%s: the patch for %q: %v", file, f.Message, err)
			continue
		}
		objects[key] = patched
	}
	after, res := r.run(mended, string(data))
	if res == nil {
		return
	}
	for _, f := range res.Findings {
		line, _ := locate(after, f)
		r.Errorf("%s:%d: still found: %q", mended, line, f.Message)
	}
	want := contents(after)
	for key, content := range want {
		if got := filled(objects[key], content); !reflect.DeepEqual(got, content) {
			r.Errorf("%s: %s differs:\ngot\n%swant\n%s", mended, key, text(got), text(content))
		}
	}
	for key := range objects {
		if _, ok := want[key]; !ok {
			r.Errorf("%s: %s is missing", mended, key)
		}
	}
}

// filled is got with what want has in the place of each <PLACEHOLDER>, as a person would fill it in.
func filled(got, want any) any {
	switch g := got.(type) {
	case string:
		if placeholder.MatchString(g) && want != nil {
			return want
		}
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok {
			return got
		}
		out := make(map[string]any, len(g))
		for k, v := range g {
			out[k] = filled(v, w[k])
		}
		return out
	case []any:
		w, ok := want.([]any)
		if !ok || len(w) != len(g) {
			return got
		}
		out := make([]any, len(g))
		for i, v := range g {
			out[i] = filled(v, w[i])
		}
		return out
	}
	return got
}

var placeholder = regexp.MustCompile(`^<[A-Z_]+>$`)

// contents are the objects as the files have them, without defaults.
func contents(s *snapshot.Snapshot) map[snapshot.Ref]any {
	out := map[snapshot.Ref]any{}
	for _, o := range s.All() {
		value, err := o.Origin.Document.Decode()
		if err != nil {
			continue
		}
		for _, step := range o.Origin.Prefix {
			switch v := value.(type) {
			case map[string]any:
				value = v[step.Key]
			case []any:
				i := step.Index
				if n, err := strconv.Atoi(step.Key); err == nil {
					i = n
				}
				value = v[i]
			}
		}
		out[o.Key()] = plain(value)
	}
	return out
}

// plain is v with the types that JSON decodes to.
func plain(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out any
	if json.Unmarshal(data, &out) != nil {
		return nil
	}
	return out
}

func text(v any) string {
	data, err := yaml.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func apply(object any, p *rule.Patch) (any, error) {
	if object == nil {
		return nil, fmt.Errorf("its object is not in the fixture")
	}
	before, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(p.Content())
	if err != nil {
		return nil, err
	}
	var after []byte
	switch p.Type {
	case "json":
		patch, err := jsonpatch.DecodePatch(body)
		if err != nil {
			return nil, err
		}
		if after, err = patch.Apply(before); err != nil {
			return nil, err
		}
	case "merge":
		if after, err = jsonpatch.MergePatch(before, body); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("patches of type %q cannot be tried here", p.Type)
	}
	var out any
	if err := json.Unmarshal(after, &out); err != nil {
		return nil, err
	}
	return out, nil
}
