package collect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Save writes s as a snapshot folder, which Archive reads back. The folder is made; one that holds
// files is refused, since a mixture of two moments would explain neither. Values of Secrets are not
// in s, so they are not in the folder; literal env values are, as in any `kubectl get -o yaml`.
func Save(s *snapshot.Snapshot, dir string) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("the folder %q is not empty: name a new one", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lists := map[string][]any{}
	for _, o := range s.All() {
		content := o.Raw()
		content["apiVersion"], content["kind"] = o.APIVersion, o.Kind
		if o.GroupKind() == snapshot.SecretKind || o.GroupKind() == snapshot.ConfigMapKind && len(o.Keys) > 0 && content["data"] == nil {
			names := map[string]any{}
			for _, k := range o.Keys {
				names[k] = ""
			}
			content["data"] = names
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
		if err := os.WriteFile(filepath.Join(folder, name), []byte(l.Text), 0o600); err != nil {
			return err
		}
	}
	index := Index{APIVersion: "kubectl-maturity/v1alpha1", Kind: "Snapshot", At: s.Now.UTC(), Context: s.Context}
	for _, w := range s.ListsRead() {
		index.Read = append(index.Read, IndexedRead{Group: w.Group, Kind: w.Kind, Namespace: w.Namespace})
	}
	return writeYAML(filepath.Join(dir, indexFile), index)
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
