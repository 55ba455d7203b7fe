package collect

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Save writes s as a snapshot folder, which Archive reads back. The folder is made; one that holds
// files is refused, since a mixture of two moments would explain neither. Values of Secrets are not
// in s, so they are not in the folder; literal env values and entries of ConfigMaps are, but for what is
// called like a credential or looks like one.
func Save(s *snapshot.Snapshot, dir string) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("the folder %q is not empty: name a new one", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lists := map[string][]any{}
	index := Index{APIVersion: "kubectl-maturity/v1alpha1", Kind: "Snapshot", At: s.Now.UTC(), Context: s.Context}
	for _, o := range s.All() {
		if o.Kind == "APIService" {
			if service, _ := o.At("spec", "service"); service == nil {
				continue // served by the API server itself, so never down alone
			}
		}
		content := runtime.DeepCopyJSON(o.Raw()) // of a foreign kind it is the snapshot's own
		content["apiVersion"], content["kind"] = o.APIVersion, o.Kind
		blank(content)
		recorded(content, o)
		switch o.GroupKind() {
		case snapshot.SecretKind:
			content["data"] = withoutValues(o.Keys)
		case snapshot.ConfigMapKind:
			at := IndexedName{Namespace: o.Namespace, Name: o.Name}
			switch values, _ := content["data"].(map[string]any); {
			case !o.KeysKnown:
				index.NoNames = append(index.NoNames, at)
			case len(values) == 0 && content["binaryData"] == nil && len(o.Keys) > 0:
				content["data"] = withoutValues(o.Keys)
				index.NamesOnly = append(index.NamesOnly, at)
			default:
				blankValues(values)
				if binary, _ := content["binaryData"].(map[string]any); binary != nil {
					for k := range binary {
						binary[k] = ""
					}
				}
			}
		}
		file := resourceOf(o.GroupKind().WithVersion("v1")).Resource
		if g := o.Group(); g != "" && !isKnown(o) {
			file += "." + g
		}
		lists[file] = append(lists[file], content)
	}
	for _, e := range s.AllEvents() {
		e = e.DeepCopy()
		e.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Event"}
		lists["events"] = append(lists["events"], e)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for name, items := range lists {
		if err := writeYAML(filepath.Join(dir, name+".yaml"), map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{}, "items": items}); err != nil {
			return err
		}
	}
	for _, l := range s.Logs() {
		name := l.Container + ".txt"
		if l.Previous {
			name = l.Container + ".previous.txt"
		}
		folder := filepath.Join(dir, "logs", l.Namespace, l.Pod)
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(maskLines(l.Text)), 0o600); err != nil {
			return err
		}
	}
	for _, w := range s.ListsRead() {
		index.Read = append(index.Read, IndexedRead{Group: w.Group, Kind: w.Kind, Namespace: w.Namespace})
	}
	for _, w := range s.ProvenAbsent() {
		index.Absent = append(index.Absent, IndexedRead{Group: w.Group, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name})
	}
	for _, w := range s.BlindSpots() {
		out, _ := s.Outcome(w)
		index.Unread = append(index.Unread, Unread{
			Verb: w.Verb, Group: w.Group, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name,
			Selector: w.Selector, Fields: w.Fields, Container: w.Container, Previous: w.Previous,
			Reason: out.Reason, Message: knowledge.Mask(out.Message),
		})
	}
	return writeYAML(filepath.Join(dir, indexFile), index)
}

// withoutValues are the entries of a Secret or ConfigMap.
func withoutValues(keys []string) map[string]any {
	entries := map[string]any{}
	for _, k := range keys {
		entries[k] = ""
	}
	return entries
}

// recorded puts back who set which fields, as far as that is kept: values are not among it.
func recorded(content map[string]any, o *snapshot.Object) {
	meta, ok := content["metadata"].(map[string]any)
	if !ok || nobodyEdits[o.GroupKind()] || o.GroupKind() == snapshot.SecretKind || o.GroupKind() == snapshot.ConfigMapKind || o.GroupKind() == snapshot.NamespaceKind {
		return
	}
	var list []any
	for _, m := range o.Managers {
		var fields map[string]any
		if json.Unmarshal(m.Fields(), &fields) != nil || len(fields) == 0 {
			continue
		}
		operation := metav1.ManagedFieldsOperationUpdate
		if m.Applied {
			operation = metav1.ManagedFieldsOperationApply
		}
		entry := map[string]any{"manager": m.Name, "operation": string(operation), "apiVersion": cmp.Or(m.APIVersion, o.APIVersion), "fieldsType": "FieldsV1", "fieldsV1": fields}
		if !m.Time.IsZero() {
			entry["time"] = m.Time.UTC().Format(time.RFC3339)
		}
		list = append(list, entry)
	}
	if len(list) > 0 {
		meta["managedFields"] = list
	}
}

// blankValues takes credentials out of the entries of a ConfigMap.
func blankValues(values map[string]any) {
	for name, v := range values {
		text, ok := v.(string)
		switch {
		case !ok || text == "":
		case knowledge.SecretName(name):
			values[name] = blanked
		default:
			values[name] = maskLines(text)
		}
	}
}

// blanked is what stands where a credential stood.
const blanked = "***"

// blank takes credentials out of the containers anywhere in v: values of env variables that are named
// like a secret, and secrets inside of other values and of arguments.
func blank(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			blank(item)
		}
	case map[string]any:
		if env, ok := v["env"].([]any); ok {
			for _, item := range env {
				if e, ok := item.(map[string]any); ok {
					blankEnv(e)
				}
			}
		}
		for _, key := range []string{"command", "args"} {
			words, _ := v[key].([]any)
			for i, w := range words {
				if text, ok := w.(string); ok {
					words[i] = knowledge.Mask(text)
				}
			}
		}
		for _, item := range v {
			blank(item)
		}
	}
}

func blankEnv(e map[string]any) {
	name, _ := e["name"].(string)
	value, ok := e["value"].(string)
	switch {
	case !ok || value == "":
	case knowledge.SecretName(name):
		e["value"] = blanked
	default:
		e["value"] = knowledge.Mask(value)
	}
}

func maskLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = knowledge.Mask(lines[i])
	}
	return strings.Join(lines, "\n")
}

func isKnown(o *snapshot.Object) bool {
	_, ok := versionOf(o.GroupKind())
	return ok
}

func writeYAML(file string, v any) error {
	data, err := yaml.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}
