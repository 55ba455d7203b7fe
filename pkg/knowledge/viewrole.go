package knowledge

import "slices"

// viewResources are what the built-in role view may read, by group; what installed kinds add to it is not known here.
// Source: system:aggregate-to-view of Kubernetes v1.37, k8s.io/kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy.
var viewResources = map[string][]string{
	"": {
		"configmaps", "endpoints", "persistentvolumeclaims", "pods", "pods/log", "replicationcontrollers", "serviceaccounts", "services",
		"limitranges", "resourcequotas", "namespaces", "events",
	},
	"discovery.k8s.io":  {"endpointslices"},
	"apps":              {"controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"},
	"autoscaling":       {"horizontalpodautoscalers"},
	"batch":             {"cronjobs", "jobs"},
	"policy":            {"poddisruptionbudgets"},
	"networking.k8s.io": {"ingresses", "networkpolicies"},
	"resource.k8s.io":   {"resourceclaims", "resourceclaimtemplates"},
}

// InView tells whether the built-in role view lets one get, list and watch a resource.
func InView(group, resource string) bool { return slices.Contains(viewResources[group], resource) }
