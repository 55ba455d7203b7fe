package knowledge

import "strings"

// writers are field managers under the names that people know. Source: the fieldManager that each of
// them sends: kubectl's commands theirs, helm 3 and 4, Argo CD's and Flux' controllers, Terraform's
// provider.
var writers = map[string]string{
	"kubectl":                       "kubectl apply --server-side",
	"kubectl-client-side-apply":     "kubectl apply",
	"kubectl-last-applied":          "kubectl apply",
	"kubectl-rollout":               "kubectl rollout restart",
	"argocd-controller":             "Argo CD",
	"argocd-application-controller": "Argo CD",
	"kustomize-controller":          "Flux",
	"helm-controller":               "Flux",
	"helm":                          "helm",
	"Terraform":                     "Terraform",
	"HashiCorp":                     "Terraform",
	"pulumi-kubernetes":             "Pulumi",
}

// Writer words the name of a field manager: kubectl-edit is `kubectl edit`.
func Writer(manager string) string {
	if name, ok := writers[manager]; ok {
		return name
	}
	if verb, ok := strings.CutPrefix(manager, "kubectl-"); ok {
		return "kubectl " + verb
	}
	return manager
}
