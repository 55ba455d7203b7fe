package collect

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// TargetsIn resolves the arguments of a command within a snapshot: TYPE, TYPE NAME..., TYPE/NAME...;
// none means every object that carries workloads or traffic. An empty namespace means all. Names
// and types that are not there are errors, one each; the targets that are come with them.
func TargetsIn(s *snapshot.Snapshot, namespace string, selector labels.Selector, args []string) ([]snapshot.Ref, error) {
	if len(args) == 0 {
		return tops(s, namespace, selector), nil
	}
	var refs []snapshot.Ref
	var errs []error
	add := func(word, name string) {
		found, err := named(s, namespace, selector, word, name)
		if err != nil {
			errs = append(errs, err)
		}
		refs = append(refs, found...)
	}
	if strings.Contains(args[0], "/") {
		for _, a := range args {
			word, name, ok := strings.Cut(a, "/")
			if !ok || word == "" || name == "" {
				errs = append(errs, fmt.Errorf("there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl maturity explain resource/<resource_name>' instead of 'kubectl maturity explain resource resource/<resource_name>'"))
				break
			}
			add(word, name)
		}
		return refs, utilerrors.NewAggregate(errs)
	}
	for word := range strings.SplitSeq(args[0], ",") {
		if len(args) == 1 {
			add(word, "")
		}
		for _, name := range args[1:] {
			add(word, name)
		}
	}
	return refs, utilerrors.NewAggregate(errs)
}

// named finds one object by type and name, or with an empty name all of the type.
func named(s *snapshot.Snapshot, namespace string, selector labels.Selector, word, name string) ([]snapshot.Ref, error) {
	gk, ok := kindOfWord(word, s)
	if !ok {
		return nil, UnknownType(word, s.Types())
	}
	if clusterScoped(gk) {
		namespace = ""
	}
	var refs []snapshot.Ref
	for _, o := range s.List(gk, namespace) {
		if (name == "" || o.Name == name) && (selector == nil || selector.Matches(labels.Set(o.Meta.GetLabels()))) {
			refs = append(refs, o.Ref)
		}
	}
	if len(refs) > 0 {
		return refs, nil
	}
	plural := qualified(gk)
	if name != "" {
		return nil, NotFound(plural, name, s.Names(gk, namespace))
	}
	if !s.ListRead(gk, namespace) && namespace != "" || len(s.List(gk, "")) == 0 {
		return nil, fmt.Errorf("the snapshot has no %s", plural)
	}
	return nil, nil
}

func qualified(gk schema.GroupKind) string {
	resource := resourceOf(gk.WithVersion("v1")).Resource
	if gk.Group != "" {
		resource += "." + gk.Group
	}
	return resource
}

// UnknownType words, as kubectl does, that a type does not exist, with the nearest that does.
func UnknownType(word string, have []string) error {
	names := append([]string(nil), have...)
	for _, k := range kinds {
		names = append(names, strings.ToLower(k.gvk.Kind), resourceOf(k.gvk).Resource)
	}
	hint := "name an object as TYPE/NAME, such as pod/web"
	// A short word is part of many types: whoever writes "web" means an object, not a webhook.
	near := knowledge.Nearest(strings.ToLower(word), names)
	switch ext := filepath.Ext(word); {
	case ext == ".yaml" || ext == ".yml" || ext == ".json" || strings.HasPrefix(word, "."):
		hint = "a file or a folder is given with -f"
	case near != "" && len(near) <= 2*len(word):
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return &unknownTypeError{word, hint}
}

// unknownTypeError says that a type does not exist.
type unknownTypeError struct{ word, hint string }

func (e *unknownTypeError) Error() string {
	return fmt.Sprintf("the server doesn't have a resource type %q; %s", e.word, e.hint)
}

// NotFound words, as the API does, that a name does not exist, with the nearest that does.
func NotFound(resource, name string, have []string) error {
	text := fmt.Sprintf("Error from server (NotFound): %s %q not found", resource, name)
	if near := knowledge.Nearest(name, have); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	} else if len(have) > 0 && len(have) <= 5 {
		text += "; there are: " + strings.Join(have, ", ")
	}
	return notFoundError{worded(text)}
}

// notFoundError says that a name does not exist.
type notFoundError struct{ worded }

// IsNotFound tells whether an error says that some name does not exist, as NotFound words it.
func IsNotFound(err error) bool {
	return slices.ContainsFunc(flatten(err), func(e error) bool {
		var absent notFoundError
		return errors.As(e, &absent)
	})
}

// worded is an error whose text is already as it must be printed.
type worded string

func (w worded) Error() string { return string(w) }

// Worded tells printers to add no "error: " in front.
func (w worded) Worded() bool { return true }

// tops are the objects that people mean when they name none: workloads that no other template makes,
// Services and claims, and what stands before or beside them: routes, autoscalers, budgets, policies. A
// namespace is one of them while it is being deleted.
func tops(s *snapshot.Snapshot, namespace string, selector labels.Selector) []snapshot.Ref {
	var refs []snapshot.Ref
	keep := func(o *snapshot.Object) {
		found := selector == nil || selector.Matches(labels.Set(o.Meta.GetLabels()))
		for _, t := range o.Templates { // whose pods kubectl get pods -l would find
			found = found || selector.Matches(labels.Set(t.Labels))
		}
		if found {
			refs = append(refs, o.Ref)
		}
	}
	for _, o := range s.List(snapshot.NamespaceKind, "") {
		if o.Meta.GetDeletionTimestamp() != nil && (o.Name == namespace || namespace == "" && slices.Contains(s.Namespaces(), o.Name)) {
			keep(o)
		}
	}
	for _, o := range s.All() {
		if len(o.Templates) == 0 || namespace != "" && o.Namespace != namespace || o.GroupKind() == (schema.GroupKind{Kind: "PodTemplate"}) {
			continue
		}
		// Above a StatefulSet may stand an object of an operator, of which nobody reads the pods.
		if owner := s.Owner(o); owner == nil || len(owner.Templates) == 0 && owner.GroupKind() != snapshot.NodeKind {
			keep(o)
		}
	}
	beside := []schema.GroupKind{
		snapshot.ServiceKind, snapshot.PVCKind, snapshot.IngressKind, snapshot.HPAKind, snapshot.PDBKind, snapshot.NetworkPolicyKind,
	}
	for _, gk := range append(beside, routeKinds...) {
		for _, o := range s.List(gk, namespace) {
			keep(o)
		}
	}
	return refs
}
