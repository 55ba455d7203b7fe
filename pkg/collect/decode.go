package collect

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// sameShape are the older versions of kinds whose fields the newer version has too, so that rules
// see one Go type. Source: the types of k8s.io/api.
var sameShape = map[schema.GroupVersionKind]schema.GroupVersionKind{
	{Group: "extensions", Version: "v1beta1", Kind: "Deployment"}:               {Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "extensions", Version: "v1beta1", Kind: "DaemonSet"}:                {Group: "apps", Version: "v1", Kind: "DaemonSet"},
	{Group: "extensions", Version: "v1beta1", Kind: "ReplicaSet"}:               {Group: "apps", Version: "v1", Kind: "ReplicaSet"},
	{Group: "extensions", Version: "v1beta1", Kind: "NetworkPolicy"}:            {Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
	{Group: "apps", Version: "v1beta1", Kind: "Deployment"}:                     {Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "apps", Version: "v1beta1", Kind: "StatefulSet"}:                    {Group: "apps", Version: "v1", Kind: "StatefulSet"},
	{Group: "apps", Version: "v1beta2", Kind: "Deployment"}:                     {Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "apps", Version: "v1beta2", Kind: "StatefulSet"}:                    {Group: "apps", Version: "v1", Kind: "StatefulSet"},
	{Group: "apps", Version: "v1beta2", Kind: "DaemonSet"}:                      {Group: "apps", Version: "v1", Kind: "DaemonSet"},
	{Group: "apps", Version: "v1beta2", Kind: "ReplicaSet"}:                     {Group: "apps", Version: "v1", Kind: "ReplicaSet"},
	{Group: "batch", Version: "v1beta1", Kind: "CronJob"}:                       {Group: "batch", Version: "v1", Kind: "CronJob"},
	{Group: "policy", Version: "v1beta1", Kind: "PodDisruptionBudget"}:          {Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
	{Group: "autoscaling", Version: "v2beta2", Kind: "HorizontalPodAutoscaler"}: {Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"},
	{Group: "autoscaling", Version: "v2beta1", Kind: "HorizontalPodAutoscaler"}: {Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"},
	{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler"}:      {Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"},
	{Group: "discovery.k8s.io", Version: "v1beta1", Kind: "EndpointSlice"}:      {Group: "discovery.k8s.io", Version: "v1", Kind: "EndpointSlice"},
}

// decoded is content as an object: typed where its kind and version are known.
type decoded struct {
	gvk            schema.GroupVersionKind
	object         runtime.Object
	unknownVersion bool     // of a group that is known
	unknownFields  []string // paths of fields that the kind does not have
	mismatch       error    // content that does not fit the type of its kind
	written        string   // the apiVersion that the content names
	placed         bool     // the content names its namespace
}

func newTyped(gvk schema.GroupVersionKind) runtime.Object {
	if newer, ok := sameShape[gvk]; ok {
		gvk = newer
	}
	obj, err := scheme.Scheme.New(gvk)
	if err != nil {
		return nil
	}
	return obj
}

func metaOf(obj runtime.Object) (metav1.Object, bool) {
	m, err := meta.Accessor(obj)
	return m, err == nil
}

// decodePlain makes an object of a document that holds one whose kind and version are known, and nothing but
// what fits them: most do, and need no detour over maps. ok is false for all others.
func decodePlain(t *source.Tree, types *source.Filler) (d decoded, ok bool) {
	gvk := schema.FromAPIVersionAndKind(t.Text("apiVersion"), t.Text("kind"))
	if gvk.Kind == "" || strings.HasSuffix(gvk.Kind, "List") || !scheme.Scheme.Recognizes(gvk) {
		return decoded{}, false
	}
	if _, older := sameShape[gvk]; older {
		return decoded{}, false
	}
	obj, err := scheme.Scheme.New(gvk)
	if err != nil || !types.Fill(t, obj) {
		return decoded{}, false
	}
	return decoded{gvk: gvk, object: obj, written: gvk.GroupVersion().String()}, true
}

// decode makes an object of JSON-like content.
func decode(content map[string]any, types *source.Filler) (decoded, error) {
	u := &unstructured.Unstructured{Object: content}
	gvk := u.GroupVersionKind()
	switch {
	case u.GetAPIVersion() == "" && u.GetKind() == "":
		return decoded{}, fmt.Errorf("no apiVersion and kind")
	case u.GetKind() == "":
		return decoded{}, fmt.Errorf("no kind")
	case u.GetAPIVersion() == "":
		return decoded{}, fmt.Errorf("%s has no apiVersion", u.GetKind())
	}
	d := decoded{gvk: gvk, object: u, written: u.GetAPIVersion()}
	typed := gvk
	if newer, ok := sameShape[gvk]; ok {
		typed = newer
	}
	obj, err := scheme.Scheme.New(typed)
	if err != nil {
		d.unknownVersion = scheme.Scheme.IsGroupRegistered(gvk.Group) && !scheme.Scheme.Recognizes(gvk)
		return d, nil
	}
	d.unknownFields, err = fill(obj, renewed(gvk, content), types)
	if typed != gvk {
		// An older version has fields that the newer one has not: only its own type can tell which
		// are mistakes. Where that is gone nobody can.
		d.unknownFields = nil
		if own, unknown := scheme.Scheme.New(gvk); unknown == nil {
			d.unknownFields, _ = fill(own, content, types)
		}
	}
	if err != nil {
		d.mismatch = fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "unable to decode: "))
		return d, nil
	}
	// The kind is known by the newest group, so that rules and relations find it under one name.
	d.gvk = schema.GroupVersionKind{Group: typed.Group, Version: typed.Version, Kind: typed.Kind}
	d.object = obj
	return d, nil
}

// renewed is content of an older version with what its newer one has in another place: autoscaling/v1 knows one goal, and
// no list of metrics. Source: pkg/apis/autoscaling/v1 of Kubernetes, its conversion.
func renewed(gvk schema.GroupVersionKind, content map[string]any) map[string]any {
	spec, _ := content["spec"].(map[string]any)
	goal, set := spec["targetCPUUtilizationPercentage"].(int64)
	if !set || gvk != (schema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler"}) {
		return content
	}
	content, spec = maps.Clone(content), maps.Clone(spec)
	spec["metrics"] = []any{map[string]any{"type": "Resource", "resource": map[string]any{
		"name": "cpu", "target": map[string]any{"type": "Utilization", "averageUtilization": goal},
	}}}
	content["spec"] = spec
	return content
}

// fill puts content into a typed object and returns the paths of the fields that it does not have.
func fill(obj runtime.Object, content map[string]any, types *source.Filler) (unknown []string, err error) {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, obj); err != nil {
		return nil, err
	}
	return unknownFields(obj, content, types), nil
}
