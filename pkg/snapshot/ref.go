// Package snapshot is the world as it was: objects, how they relate, and what could not be read.
// It waits for nothing; pkg/collect fills it.
package snapshot

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Ref names one object, and in Seen one of its containers.
type Ref struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	Container  string `json:"container,omitempty"`
}

// NodeRef is a node.
func NodeRef(name string) Ref { return Ref{APIVersion: "v1", Kind: "Node", Name: name} }

// RefOf builds the Ref of an object of kind gvk.
func RefOf(gvk schema.GroupVersionKind, namespace, name string) Ref {
	return Ref{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Namespace: namespace, Name: name}
}

// GroupKind is the kind without its version.
func (r Ref) GroupKind() schema.GroupKind {
	return schema.GroupKind{Group: r.Group(), Kind: r.Kind}
}

// Group is the API group, empty for the core group.
func (r Ref) Group() string {
	if i := strings.IndexByte(r.APIVersion, '/'); i >= 0 {
		return r.APIVersion[:i]
	}
	return ""
}

// Key is the Ref without version and container: what makes two Refs name the same object.
func (r Ref) Key() Ref {
	return Ref{APIVersion: r.Group(), Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

// Same tells whether both name the same object, whatever the version or container.
func (r Ref) Same(other Ref) bool { return r.Key() == other.Key() }

// In returns the Ref of one container of the object.
func (r Ref) In(container string) Ref {
	r.Container = container
	return r
}

// IsZero tells whether the Ref names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// String is TYPE/NAME as kubectl prints it; kinds outside of Kubernetes' own groups carry their group.
func (r Ref) String() string {
	if r.IsZero() {
		return ""
	}
	if r.GroupKind() == ClusterKind {
		return "the cluster"
	}
	return r.Type() + "/" + r.Name
}

// Type is the word for the kind that kubectl understands.
func (r Ref) Type() string {
	kind := strings.ToLower(r.Kind)
	if g := r.Group(); g != "" && !builtinGroup(g) {
		return kind + "." + g
	}
	return kind
}

// builtinGroup tells the groups of Kubernetes itself, whose kinds need no group on the command line.
func builtinGroup(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && !strings.HasPrefix(group, "x-") &&
		group != "metrics.k8s.io" && group != "gateway.networking.k8s.io" && group != "snapshot.storage.k8s.io"
}

// Kinds that rules ask for by name.
var (
	PodKind                = schema.GroupKind{Kind: "Pod"}
	ServiceKind            = schema.GroupKind{Kind: "Service"}
	ConfigMapKind          = schema.GroupKind{Kind: "ConfigMap"}
	SecretKind             = schema.GroupKind{Kind: "Secret"}
	ServiceAcctKind        = schema.GroupKind{Kind: "ServiceAccount"}
	NodeKind               = schema.GroupKind{Kind: "Node"}
	NamespaceKind          = schema.GroupKind{Kind: "Namespace"}
	EventKind              = schema.GroupKind{Kind: "Event"}
	PVCKind                = schema.GroupKind{Kind: "PersistentVolumeClaim"}
	PVKind                 = schema.GroupKind{Kind: "PersistentVolume"}
	LimitRangeKind         = schema.GroupKind{Kind: "LimitRange"}
	ResourceQuotaKind      = schema.GroupKind{Kind: "ResourceQuota"}
	RCKind                 = schema.GroupKind{Kind: "ReplicationController"}
	DeploymentKind         = schema.GroupKind{Group: "apps", Kind: "Deployment"}
	ControllerRevisionKind = schema.GroupKind{Group: "apps", Kind: "ControllerRevision"}
	ReplicaSetKind         = schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	StatefulSetKind        = schema.GroupKind{Group: "apps", Kind: "StatefulSet"}
	DaemonSetKind          = schema.GroupKind{Group: "apps", Kind: "DaemonSet"}
	JobKind                = schema.GroupKind{Group: "batch", Kind: "Job"}
	CronJobKind            = schema.GroupKind{Group: "batch", Kind: "CronJob"}
	HPAKind                = schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}
	PDBKind                = schema.GroupKind{Group: "policy", Kind: "PodDisruptionBudget"}
	CSIDriverKind          = schema.GroupKind{Group: "storage.k8s.io", Kind: "CSIDriver"}
	CSINodeKind            = schema.GroupKind{Group: "storage.k8s.io", Kind: "CSINode"}
	RuntimeClassKind       = schema.GroupKind{Group: "node.k8s.io", Kind: "RuntimeClass"}
	CRDKind                = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
	StorageClassKind       = schema.GroupKind{Group: "storage.k8s.io", Kind: "StorageClass"}
	EndpointSliceKind      = schema.GroupKind{Group: "discovery.k8s.io", Kind: "EndpointSlice"}
	IngressKind            = schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}
	NetworkPolicyKind      = schema.GroupKind{Group: "networking.k8s.io", Kind: "NetworkPolicy"}
	IngressClassKind       = schema.GroupKind{Group: "networking.k8s.io", Kind: "IngressClass"}
	RoleKind               = schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "Role"}
	RoleBindingKind        = schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}
	ClusterRoleKind        = schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}
	ClusterRoleBindingKind = schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}
	ValidatingWebhookKind  = schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}
	MutatingWebhookKind    = schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"}
	AdmissionPolicyKind    = schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicy"}
	AdmissionBindingKind   = schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicyBinding"}
	PriorityClassKind      = schema.GroupKind{Group: "scheduling.k8s.io", Kind: "PriorityClass"}
	APIServiceKind         = schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}
	APIGroupKind           = schema.GroupKind{Kind: "APIGroup"} // what the discovery of a server lists
	CSRKind                = schema.GroupKind{Group: "certificates.k8s.io", Kind: "CertificateSigningRequest"}
)
