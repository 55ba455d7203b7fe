package knowledge

import "strings"

// writers are field managers under the names that people know. Source: the fieldManager that each of
// them sends: kubectl's commands theirs, helm 3 and 4, Argo CD's and Flux' controllers, Terraform's
// provider. kubectl rollout undo sends none, so that the server takes the program's name; restart, pause
// and resume share one.
var writers = map[string]string{
	"before-first-apply":            "whoever wrote it before the first server-side apply",
	"kubectl":                       "kubectl apply --server-side or kubectl rollout undo",
	"kubectl-client-side-apply":     "kubectl apply",
	"kubectl-last-applied":          "kubectl apply",
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
