package collect

import (
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// kindInfo is what must be known of a kind without asking a server. Source: `kubectl api-resources`
// of Kubernetes v1.37.
type kindInfo struct {
	gvk     schema.GroupVersionKind
	short   string
	cluster bool // has no namespace
}

func core(kind, short string, cluster bool) kindInfo { return in("", "v1", kind, short, cluster) }

func in(group, version, kind, short string, cluster bool) kindInfo {
	return kindInfo{schema.GroupVersionKind{Group: group, Version: version, Kind: kind}, short, cluster}
}

var kinds = []kindInfo{
	core("Pod", "po", false), core("Service", "svc", false), core("ConfigMap", "cm", false), core("Secret", "", false),
	core("ServiceAccount", "sa", false), core("Node", "no", true), core("Namespace", "ns", true), core("Event", "ev", false),
	core("PersistentVolumeClaim", "pvc", false), core("PersistentVolume", "pv", true), core("LimitRange", "limits", false),
	core("ResourceQuota", "quota", false), core("ReplicationController", "rc", false), core("Endpoints", "ep", false),
	core("PodTemplate", "", false), core("ComponentStatus", "cs", true),
	in("apps", "v1", "Deployment", "deploy", false), in("apps", "v1", "ReplicaSet", "rs", false), in("apps", "v1", "StatefulSet", "sts", false),
	in("apps", "v1", "DaemonSet", "ds", false), in("apps", "v1", "ControllerRevision", "", false),
	in("batch", "v1", "Job", "", false), in("batch", "v1", "CronJob", "cj", false),
	in("autoscaling", "v2", "HorizontalPodAutoscaler", "hpa", false), in("policy", "v1", "PodDisruptionBudget", "pdb", false),
	in("networking.k8s.io", "v1", "Ingress", "ing", false), in("networking.k8s.io", "v1", "NetworkPolicy", "netpol", false), in("networking.k8s.io", "v1", "IngressClass", "", true),
	in("discovery.k8s.io", "v1", "EndpointSlice", "", false),
	in("storage.k8s.io", "v1", "StorageClass", "sc", true), in("storage.k8s.io", "v1", "CSIDriver", "", true), in("storage.k8s.io", "v1", "CSINode", "", true), in("storage.k8s.io", "v1", "VolumeAttachment", "", true),
	in("rbac.authorization.k8s.io", "v1", "Role", "", false), in("rbac.authorization.k8s.io", "v1", "RoleBinding", "", false),
	in("rbac.authorization.k8s.io", "v1", "ClusterRole", "", true), in("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "", true),
	in("scheduling.k8s.io", "v1", "PriorityClass", "pc", true), in("node.k8s.io", "v1", "RuntimeClass", "", true),
	in("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "", true), in("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "", true),
	in("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", "", true), in("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding", "", true),
	in("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "crd", true), in("apiregistration.k8s.io", "v1", "APIService", "", true),
	in("certificates.k8s.io", "v1", "CertificateSigningRequest", "csr", true), in("coordination.k8s.io", "v1", "Lease", "", false),
	in("flowcontrol.apiserver.k8s.io", "v1", "FlowSchema", "", true), in("flowcontrol.apiserver.k8s.io", "v1", "PriorityLevelConfiguration", "", true),
}

func clusterScoped(gk schema.GroupKind) bool {
	for _, k := range kinds {
		if k.gvk.GroupKind() == gk {
			return k.cluster
		}
	}
	return gk == snapshot.ClusterKind
}

// ofCluster tells whether a kind is one of our own that a snapshot of a cluster holds: configurations and baselines
// are of the same group, and are not.
func ofCluster(gk schema.GroupKind) bool {
	return gk == snapshot.ClusterKind || gk == snapshot.ReleaseKind
}

// versionOf is the version in which a kind is read; ok is false for kinds that are not Kubernetes' own.
func versionOf(gk schema.GroupKind) (schema.GroupVersionKind, bool) {
	for _, k := range kinds {
		if k.gvk.GroupKind() == gk {
			return k.gvk, true
		}
	}
	return schema.GroupVersionKind{}, false
}

// resourceOf is the plural under which the API serves a kind of Kubernetes' own.
func resourceOf(gvk schema.GroupVersionKind) schema.GroupVersionResource {
	switch gvk.Kind { // whose plural is not what the rule below says
	case "Endpoints":
		return gvk.GroupVersion().WithResource("endpoints")
	case "Gateway":
		return gvk.GroupVersion().WithResource("gateways")
	}
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	return plural
}

// kindOfFile is the kind that a file of a snapshot folder is named after: pods.yaml.
func kindOfFile(name string) (schema.GroupKind, bool) {
	base := strings.TrimSuffix(path.Base(name), path.Ext(name))
	plural, _, _ := strings.Cut(base, ".")
	for _, k := range kinds {
		if resourceOf(k.gvk).Resource == plural {
			return k.gvk.GroupKind(), true
		}
	}
	return schema.GroupKind{}, false
}

// kindOfWord is the kind that a word on the command line means: pod, pods, po, deployments.apps.
func kindOfWord(word string, s *snapshot.Snapshot) (schema.GroupKind, bool) {
	word = strings.ToLower(word)
	name, group, qualified := strings.Cut(word, ".")
	matches := func(gvk schema.GroupVersionKind, short string) bool {
		if qualified && group != gvk.Group && group != gvk.Version+"."+gvk.Group {
			return false
		}
		return name == strings.ToLower(gvk.Kind) || name == resourceOf(gvk).Resource || short != "" && name == short
	}
	for _, k := range kinds {
		if matches(k.gvk, k.short) {
			return k.gvk.GroupKind(), true
		}
	}
	for _, o := range s.All() { // kinds of others, as far as the snapshot has them
		gk := o.GroupKind()
		if matches(gk.WithVersion("v1"), "") {
			return gk, true
		}
	}
	return schema.GroupKind{}, false
}

// TypeWords are the types of Kubernetes' own that can be explained, as completion offers them.
func TypeWords() []string {
	words := make([]string, 0, len(kinds))
	for _, k := range kinds {
		if k.gvk.Kind != "Event" && k.gvk.Kind != "Secret" && k.gvk.Kind != "ConfigMap" {
			words = append(words, strings.ToLower(k.gvk.Kind))
		}
	}
	return words
}

// TypeOf is the word that kubectl prints for a type of Kubernetes' own: deployment for deploy, deployments. Any
// other word comes back as it is.
func TypeOf(word string) string {
	for _, k := range kinds {
		if kind := strings.ToLower(k.gvk.Kind); word == kind || word == resourceOf(k.gvk).Resource || k.short != "" && word == k.short {
			return kind
		}
	}
	return word
}
