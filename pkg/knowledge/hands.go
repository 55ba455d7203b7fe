package knowledge

import "strings"

// handVerbs are the commands of kubectl by which somebody changes a single object: each sends its own name as the
// field manager. Source: the fieldManager flags in k8s.io/kubectl pkg/cmd. kubectl apply is none of them: a pipeline
// calls it as well as a person.
var handVerbs = map[string]bool{
	"kubectl-edit": true, "kubectl-patch": true, "kubectl-set": true, "kubectl-replace": true, "kubectl-label": true,
	"kubectl-annotate": true, "kubectl-create": true, "kubectl-run": true, "kubectl-expose": true, "kubectl-autoscale": true,
	"kubectl-taint": true, "kubectl-rollout": true,
}

// screens are programs with a screen in which people change objects, by the name that the API server keeps: the one
// they send, or the first part of their User-Agent. Source: managedFields in the issues of each of them. Lens and its
// successors are "node-fetch", as other programs in JavaScript are; what runs in a browser is "Mozilla".
var screens = map[string]string{
	"Mozilla": "a browser", "node-fetch": "Lens, or another program on node-fetch,", "Lens": "Lens", "OpenLens": "OpenLens", "Freelens": "Freelens", "k9s": "k9s",
	"rancher": "Rancher", "dashboard": "the dashboard", "dashboard-api": "the dashboard", "headlamp-server": "Headlamp", "octant": "Octant",
}

// ByHand tells whether a field manager is one by which people write: kubectl's commands for single objects and the
// programs with a screen. What is applied on the server's side is none. A script that calls kubectl patch looks just like
// a person.
func ByHand(manager string, applied bool) bool {
	if applied {
		return false
	}
	// kubectl sends no name for what has none of its own, rollout undo among it, and the server takes the program's.
	return handVerbs[manager] || screens[manager] != "" || manager == "kubectl"
}

// Hand words by what somebody wrote: kubectl edit, Lens.
func Hand(manager string) string {
	switch {
	case screens[manager] != "":
		return screens[manager]
	case manager == "kubectl":
		return "kubectl"
	}
	return Writer(manager)
}

// RestartOnly tells the annotations that a restart of a workload leaves behind in its pod template. Source: kubectl
// rollout restart, and Rancher's button for it.
func RestartOnly(annotation string) bool {
	return annotation == "kubectl.kubernetes.io/restartedAt" || annotation == "cattle.io/timestamp"
}

// NoteOfProgram tells annotations that programs with a screen write by themselves, without anybody having changed
// anything. Source: Rancher's field.cattle.io/publicEndpoints, and kubectl's own bookkeeping.
func NoteOfProgram(annotation string) bool {
	domain, _, _ := strings.Cut(annotation, "/")
	return domain == "cattle.io" || strings.HasSuffix(domain, ".cattle.io") || annotation == "kubectl.kubernetes.io/last-applied-configuration" ||
		annotation == "kubernetes.io/change-cause" || annotation == "deployment.kubernetes.io/revision"
}
