package knowledge

import "testing"

func TestWriter(t *testing.T) {
	for manager, want := range map[string]string{
		"kubectl-client-side-apply": "kubectl apply",
		"kubectl":                   "kubectl apply --server-side or kubectl rollout undo",
		"kubectl-rollout":           "kubectl rollout",
		"kubectl-set":               "kubectl set",
		"kubectl-edit":              "kubectl edit",
		"argocd-controller":         "Argo CD",
		"kube-controller-manager":   "kube-controller-manager",
	} {
		if got := Writer(manager); got != want {
			t.Errorf("%s: %q, want %q", manager, got, want)
		}
	}
}
