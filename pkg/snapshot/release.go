package snapshot

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ReleaseKind is a release of Helm, as far as it is kept here. A snapshot of a cluster holds releases only where
// somebody has asked for them, since Helm keeps them in Secrets.
var ReleaseKind = schema.GroupKind{Group: "kubectl-maturity", Kind: "Release"}

// Release is the newest revision of a release of Helm: which chart, in which state, and which objects it made. What it
// was configured with is no part of it.
type Release struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Revision  int              `json:"revision,omitempty"`
	Revisions int              `json:"revisions,omitempty"` // how many are kept
	Status    string           `json:"status,omitempty"`    // deployed | failed | pending-upgrade ...
	Updated   metav1.Time      `json:"updated,omitzero"`    // when that status began, at the latest
	Chart     ReleaseChart     `json:"chart,omitzero"`
	Manifest  []ManifestObject `json:"manifest,omitempty"`
	Unparsed  int              `json:"unparsed,omitempty"` // documents of the manifest that could not be read
	Unread    string           `json:"unread,omitempty"`   // why chart and manifest are not known; "" where they are
}

// ReleaseChart is what a chart says of itself.
type ReleaseChart struct {
	Name        string `json:"name,omitempty"`
	Version     string `json:"version,omitempty"`
	AppVersion  string `json:"appVersion,omitempty"`
	KubeVersion string `json:"kubeVersion,omitempty"` // a constraint: >=1.25.0-0
	Deprecated  bool   `json:"deprecated,omitempty"`
}

// ManifestObject names an object of a manifest, in the version in which the manifest has it.
type ManifestObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`
}

// The states of a release that rules ask for. Source: pkg/release of helm.sh/helm.
const (
	ReleaseDeployed        = "deployed"
	ReleaseFailed          = "failed"
	ReleaseUninstalled     = "uninstalled" // and its history was kept
	ReleaseUninstalling    = "uninstalling"
	ReleasePendingInstall  = "pending-install"
	ReleasePendingUpgrade  = "pending-upgrade"
	ReleasePendingRollback = "pending-rollback"
)

// NewRelease makes a release of which nothing but the name is known.
func NewRelease(namespace, name string) *Release {
	r := &Release{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	r.SetGroupVersionKind(ReleaseKind.WithVersion("v1alpha1"))
	return r
}

// DeepCopyObject implements runtime.Object.
func (r *Release) DeepCopyObject() runtime.Object {
	out := *r
	r.DeepCopyInto(&out.ObjectMeta)
	out.Updated = *r.Updated.DeepCopy()
	out.Manifest = slices.Clone(r.Manifest)
	return &out
}

// typed is obj with its Go type, where it is of a kind of our own: those are in no scheme.
func typed(gk schema.GroupKind, obj runtime.Object) (runtime.Object, error) {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return obj, nil
	}
	var own runtime.Object
	switch gk {
	case ClusterKind:
		own = NewCluster()
	case ReleaseKind:
		own = NewRelease("", "")
	default:
		return obj, nil
	}
	return own, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, own)
}
