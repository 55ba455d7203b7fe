package snapshot

import (
	"bytes"
	"fmt"
	"sync"

	yamlv3 "go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// Object is one object of the snapshot. Kinds of Kubernetes itself are in Typed; of every other
// kind the content is in Content.
type Object struct {
	Ref
	Meta      metav1.Object
	Typed     runtime.Object
	Content   map[string]any
	Origin    *Origin
	Templates []Template
	Managers  []FieldManager

	// Written is the apiVersion in which a manifest writes it; "" for what a cluster sent.
	Written string

	// Placed says that the manifest names the namespace; who applies one that does not decides.
	Placed bool

	// UnknownFields are the paths of fields that the kind does not have: typing mistakes, which the
	// API server would drop or refuse.
	UnknownFields []string

	// Unfit objects have a kind that is known, and content or a version that is not: nothing of them
	// but their templates can be judged.
	Unfit bool

	// Keys are the names of the entries of a Secret or ConfigMap; the values of a Secret are never
	// kept. KeysKnown is false where even the names could not be learned.
	Keys      []string
	KeysKnown bool

	docOnce sync.Once
	doc     *source.Document
}

// newObject trims obj and looks for its pod templates.
func newObject(gvk schema.GroupVersionKind, obj runtime.Object, origin *Origin) (*Object, error) {
	m, err := meta.Accessor(obj)
	if err != nil {
		return nil, fmt.Errorf("%s has no metadata: %w", gvk.Kind, err)
	}
	o := &Object{Ref: RefOf(gvk, m.GetNamespace(), m.GetName()), Meta: m, Origin: origin}
	if o.Name == "" {
		o.Name = m.GetGenerateName()
	}
	o.trim(obj)
	if u, ok := obj.(*unstructured.Unstructured); ok {
		o.Content = u.Object
		o.Templates = searchTemplates(u.Object)
	} else {
		o.Typed = obj
		o.Templates = TemplatesOf(obj)
	}
	return o, nil
}

// trim drops what no rule reads and what must not be kept: other writers' bookkeeping, and the
// values of Secrets, which last-applied carries even in metadata-only reads.
func (o *Object) trim(obj runtime.Object) {
	fields := o.Meta.GetManagedFields()
	o.Managers = fieldManagers(fields)
	o.Meta.SetManagedFields(nil)
	annotations := o.Meta.GetAnnotations()
	if _, ok := annotations[corev1.LastAppliedConfigAnnotation]; ok {
		kept := make(map[string]string, len(annotations)-1)
		for k, v := range annotations {
			if k != corev1.LastAppliedConfigAnnotation {
				kept[k] = v
			}
		}
		o.Meta.SetAnnotations(kept)
	}
	switch t := obj.(type) {
	case *corev1.Secret:
		o.KeysKnown = len(t.Data)+len(t.StringData) > 0
		for k := range t.Data {
			o.Keys = append(o.Keys, k)
		}
		for k := range t.StringData {
			if _, twice := t.Data[k]; !twice {
				o.Keys = append(o.Keys, k)
			}
		}
		t.Data, t.StringData = nil, nil
		if !o.KeysKnown {
			o.Keys, o.KeysKnown = dataKeys(fields)
		}
	case *corev1.ConfigMap:
		o.KeysKnown = true
		for k := range t.Data {
			o.Keys = append(o.Keys, k)
		}
		for k := range t.BinaryData {
			o.Keys = append(o.Keys, k)
		}
	}
	sortStrings(o.Keys)
}

// Raw is the content as JSON-like values, for rules that read kinds without Go types.
func (o *Object) Raw() map[string]any {
	if o.Content != nil {
		return o.Content
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o.Typed)
	if err != nil {
		return map[string]any{}
	}
	return content
}

// Document is the text to draw the object from, and the path of the object in it: the user's own
// file, or what `kubectl get -o yaml` would show. A Secret is never drawn from its file, which
// holds its values.
func (o *Object) Document() (*source.Document, source.Path) {
	if o.Origin != nil && o.Origin.Document != nil && o.GroupKind() != SecretKind {
		return o.Origin.Document, o.Origin.Prefix
	}
	o.docOnce.Do(func() { o.doc = o.marshal() })
	return o.doc, nil
}

func (o *Object) marshal() *source.Document {
	content := o.Raw()
	content["apiVersion"], content["kind"] = o.APIVersion, o.Kind
	if m, ok := content["metadata"].(map[string]any); ok {
		delete(m, "creationTimestamp")
	}
	text, err := marshalNameFirst(content)
	if err != nil {
		return nil
	}
	docs, _ := source.Parse("", text)
	if len(docs) == 0 {
		return nil
	}
	return docs[0]
}

// marshalNameFirst writes content as YAML in which list items start with their name, as people
// write them.
func marshalNameFirst(content map[string]any) ([]byte, error) {
	sorted, err := yaml.Marshal(content)
	if err != nil {
		return nil, err
	}
	var node yamlv3.Node
	if err := yamlv3.Unmarshal(sorted, &node); err != nil {
		return nil, err
	}
	nameFirst(&node)
	var b bytes.Buffer
	enc := yamlv3.NewEncoder(&b)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := enc.Encode(&node); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func nameFirst(n *yamlv3.Node) {
	for _, child := range n.Content {
		if n.Kind == yamlv3.SequenceNode && child.Kind == yamlv3.MappingNode {
			for i := 0; i+1 < len(child.Content); i += 2 {
				if child.Content[i].Value == "name" {
					key, value := child.Content[i], child.Content[i+1]
					copy(child.Content[2:i+2], child.Content[:i])
					child.Content[0], child.Content[1] = key, value
				}
			}
		}
		nameFirst(child)
	}
}

// Position is where the object starts in the user's files: "deploy.yaml:12", or "" for an object
// that was read from a cluster.
func (o *Object) Position() string {
	if o.Origin == nil || o.Origin.Document == nil {
		return ""
	}
	span := o.Origin.Document.Locate(o.Origin.Prefix)
	return fmt.Sprintf("%s:%d", o.Origin.Document.Name, span.Line)
}
