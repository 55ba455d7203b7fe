package knowledge

// SystemNamespace tells the namespaces that Kubernetes itself makes and keeps: what runs there came with the
// cluster. Source: k8s.io/kubernetes pkg/controlplane/controller/systemnamespaces.
func SystemNamespace(name string) bool {
	switch name {
	case "kube-system", "kube-public", "kube-node-lease":
		return true
	}
	return false
}
