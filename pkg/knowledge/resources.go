package knowledge

import "strings"

// Verbs are the verbs of the API that rights are made of.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#request-verb-resource
func Verbs() []string {
	return []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "bind", "escalate", "impersonate", "use", "approve", "sign"}
}

// resources are the resources that every cluster has, by API group. Source: kubectl api-resources.
var resources = map[string]string{
	"":                             "bindings configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims persistentvolumes pods podtemplates replicationcontrollers resourcequotas secrets serviceaccounts services pods/log pods/exec pods/portforward pods/eviction pods/status nodes/proxy nodes/metrics nodes/stats serviceaccounts/token",
	"apps":                         "controllerrevisions daemonsets deployments replicasets statefulsets deployments/scale statefulsets/scale replicasets/scale deployments/status",
	"batch":                        "cronjobs jobs jobs/status",
	"autoscaling":                  "horizontalpodautoscalers",
	"networking.k8s.io":            "ingressclasses ingresses networkpolicies ingresses/status",
	"policy":                       "poddisruptionbudgets",
	"rbac.authorization.k8s.io":    "clusterrolebindings clusterroles rolebindings roles",
	"storage.k8s.io":               "csidrivers csinodes csistoragecapacities storageclasses volumeattachments",
	"coordination.k8s.io":          "leases",
	"discovery.k8s.io":             "endpointslices",
	"events.k8s.io":                "events",
	"apiextensions.k8s.io":         "customresourcedefinitions",
	"authentication.k8s.io":        "tokenreviews selfsubjectreviews",
	"authorization.k8s.io":         "localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews",
	"admissionregistration.k8s.io": "mutatingwebhookconfigurations validatingwebhookconfigurations",
	"metrics.k8s.io":               "nodes pods",
	"scheduling.k8s.io":            "priorityclasses",
	"certificates.k8s.io":          "certificatesigningrequests",
}

// Resource is a resource that every cluster has as kubectl create role takes it: "pods",
// "deployments.apps/scale"; "" for any other.
func Resource(group, resource string) string {
	for _, r := range strings.Fields(resources[group]) {
		if r != resource {
			continue
		}
		if group == "" {
			return r
		}
		name, sub, ok := strings.Cut(r, "/")
		if ok {
			return name + "." + group + "/" + sub
		}
		return name + "." + group
	}
	return ""
}

// RoleName makes a part of a role's name out of a resource.
func RoleName(resource string) string {
	name, _, _ := strings.Cut(resource, ".")
	name = strings.ReplaceAll(name, "/", "-")
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return "access"
	}
	return name
}
