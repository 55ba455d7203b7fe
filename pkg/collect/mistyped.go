package collect

import (
	"fmt"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
)

// configGroups are API groups of files that programs read themselves; no API server takes such an object.
// Source: the packages named config and kubeadm of Kubernetes' own programs, and those of kind, k3d and kustomize.
var configGroups = map[string]string{
	"kustomize.config.k8s.io": "of kustomize; check what it renders: kubectl maturity check -k DIR",
	"kind.x-k8s.io":           "of kind", "k3d.io": "of k3d", "kubeadm.k8s.io": "of kubeadm", "kubelet.config.k8s.io": "of the kubelet",
	"kubeproxy.config.k8s.io": "of kube-proxy", "kubescheduler.config.k8s.io": "of the scheduler", "audit.k8s.io": "of the API server",
	"apiserver.config.k8s.io": "of the API server", "apiserver.k8s.io": "of the API server", "pod-security.admission.config.k8s.io": "of the API server",
	"eventratelimit.admission.k8s.io": "of the API server", "resourcequota.admission.k8s.io": "of the API server",
	"kubecontrollermanager.config.k8s.io": "of the controller manager", "client.authentication.k8s.io": "of kubectl",
}

// configOf says which program a file configures, "" for an object that an API server takes.
func configOf(gvk schema.GroupVersionKind, content map[string]any) string {
	if of, ok := configGroups[gvk.Group]; ok {
		return "configuration " + of
	}
	if _, contexts := content["contexts"]; gvk.Group == "" && gvk.Kind == "Config" && contexts {
		return "a kubeconfig"
	}
	return ""
}

// strange is a kind that nobody can have meant, or that no tool of ours knows.
type strange struct {
	reason  string // "" where it may be somebody's own kind
	message string
	other   bool // it is no object of Kubernetes at all
}

// hasTemplate tells whether content holds containers where workloads of Kubernetes do.
func hasTemplate(content map[string]any) bool {
	for _, path := range [][]string{{"spec"}, {"spec", "template", "spec"}, {"spec", "jobTemplate", "spec", "template", "spec"}, {"template", "spec"}} {
		at := content
		for _, key := range path {
			at, _ = at[key].(map[string]any)
		}
		if _, ok := at["containers"].([]any); ok {
			return true
		}
	}
	return false
}

// strangeKind judges a kind that has no Go type here: somebody's own, mistyped, or newer than this program.
func strangeKind(gvk schema.GroupVersionKind, apiVersion string, templates bool) strange {
	near, found := nearestKind(gvk)
	known := near.GroupVersion().String()
	judged := "it is not judged"
	if templates {
		judged = "only its pod template is judged"
	}
	switch {
	case gvk.Kind == "":
		if strings.Count(apiVersion, "/") > 1 {
			return strange{"unknown version", fmt.Sprintf("apiVersion %s is not GROUP/VERSION", apiVersion), false}
		}
		return strange{other: true}
	case scheme.Scheme.IsVersionRegistered(gvk.GroupVersion()):
		message := fmt.Sprintf("%s has no kind %s", gvk.GroupVersion(), gvk.Kind)
		switch {
		case found && near.GroupVersion() == gvk.GroupVersion():
			message += fmt.Sprintf("; did you mean %s?", near.Kind)
		case found:
			message += fmt.Sprintf("; did you mean %s of %s?", near.Kind, known)
		}
		return strange{"unknown kind", message, false}
	case scheme.Scheme.IsGroupRegistered(gvk.Group):
		message := fmt.Sprintf("%s of %s is not known here", gvk.GroupVersion(), gvk.Kind)
		switch {
		case found && near.Kind == gvk.Kind:
			message += ", " + known + " is"
		case found:
			message += fmt.Sprintf("; did you mean %s of %s?", near.Kind, known)
			return strange{"unknown version", message, false}
		}
		return strange{"unknown version", message + ": " + judged, gvk.Group == "" && !found}
	case found && (!strings.Contains(gvk.Group, ".") || typo(gvk.Group, near.Group)):
		return strange{"unknown group", fmt.Sprintf("there is no %s of %s; did you mean %s?", gvk.GroupVersion(), gvk.Kind, known), false}
	case !strings.Contains(gvk.Group, "."): // groups of custom resources are domains
		return strange{other: true}
	}
	return strange{}
}

// typo tells whether a group was meant to be one of Kubernetes' own.
func typo(group, own string) bool {
	return group == own+".k8s.io" || strings.HasPrefix(own, group+".") || knowledge.Typo(group, own)
}

// nearestKind is the kind of Kubernetes' own that was most likely meant; its own name comes before one that is
// alike, and its own group before another.
func nearestKind(gvk schema.GroupVersionKind) (schema.GroupVersionKind, bool) {
	var same []schema.GroupVersionKind
	names := map[string]schema.GroupVersionKind{}
	var all, inGroup []string
	for _, k := range kinds {
		if strings.EqualFold(k.gvk.Kind, gvk.Kind) {
			same = append(same, k.gvk)
		}
		names[k.gvk.Kind] = k.gvk
		all = append(all, k.gvk.Kind)
		if k.gvk.Group == gvk.Group {
			inGroup = append(inGroup, k.gvk.Kind)
		}
	}
	for _, s := range same {
		if s.Group == gvk.Group || typo(gvk.Group, s.Group) {
			return s, true
		}
	}
	if len(same) > 0 {
		return same[0], true
	}
	for _, list := range [][]string{inGroup, all} {
		sort.Strings(list)
		// A word that only contains another is a kind of its own.
		if kind := knowledge.Nearest(gvk.Kind, list); kind != "" && len(kind) <= len(gvk.Kind)+1 && len(gvk.Kind) <= len(kind)+1 {
			return names[kind], true
		}
	}
	return schema.GroupVersionKind{}, false
}

// mistaken says what is wrong with something that was to be an object and lacks its apiVersion or kind, "" for
// what never was to be one.
func mistaken(content map[string]any) string {
	if _, ok := content["metadata"].(map[string]any); !ok {
		return ""
	}
	apiVersion, _ := content["apiVersion"].(string)
	kind, _ := content["kind"].(string)
	for _, want := range []string{"apiVersion", "kind"} {
		if _, ok := content[want]; ok {
			continue
		}
		for key := range content {
			if strings.EqualFold(key, want) {
				return fmt.Sprintf("the field %s is mistyped; it is %s", key, want)
			}
		}
	}
	gv, err := schema.ParseGroupVersion(apiVersion)
	switch {
	case apiVersion == "" && kind != "":
		if near, ok := nearestKind(schema.GroupVersionKind{Kind: kind}); ok {
			return fmt.Sprintf("%s has no apiVersion; did you mean %s?", kind, near.GroupVersion())
		}
	case kind == "" && apiVersion != "" && err == nil && scheme.Scheme.IsVersionRegistered(gv):
		return apiVersion + " without a kind"
	}
	return ""
}
