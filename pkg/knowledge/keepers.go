package knowledge

import (
	"fmt"
	"strings"
)

// Keeper is where an object has to be changed for the change to last.
type Keeper struct {
	Tool  string // Argo CD, Flux, helm
	Where string // what of the tool holds the object: "application shop", "" where nothing says so
	// Undoes tells whether the tool puts back by itself what is changed in the cluster; otherwise its next
	// release does.
	Undoes bool
}

// KeeperOf reads from an object's labels and annotations which tool keeps it; the zero Keeper where they
// name none.
// Source: Argo CD's resource tracking, the labels of Flux' kustomize and helm controllers, helm's
// ownership annotations; each in its own documentation.
func KeeperOf(labels, annotations map[string]string) Keeper {
	in := func(what, name, namespace string) string {
		if name != "" && namespace != "" {
			return fmt.Sprintf("%s %s in namespace %s", what, name, namespace)
		}
		return strings.TrimSuffix(what+" "+name, " ")
	}
	tracked, _, _ := strings.Cut(annotations["argocd.argoproj.io/tracking-id"], ":")
	if tracked == "" {
		tracked = labels["argocd.argoproj.io/instance"]
	}
	switch {
	case tracked != "":
		namespace, name, both := strings.Cut(tracked, "_") // of applications outside of Argo CD's own namespace
		if !both {
			namespace, name = "", tracked
		}
		return Keeper{"Argo CD", in("application", name, namespace), true}
	case labels["kustomize.toolkit.fluxcd.io/name"] != "":
		return Keeper{"Flux", in("kustomization", labels["kustomize.toolkit.fluxcd.io/name"], labels["kustomize.toolkit.fluxcd.io/namespace"]), true}
	case labels["helm.toolkit.fluxcd.io/name"] != "":
		return Keeper{"Flux", in("helmrelease", labels["helm.toolkit.fluxcd.io/name"], labels["helm.toolkit.fluxcd.io/namespace"]), true}
	case annotations["meta.helm.sh/release-name"] != "":
		return Keeper{"helm", in("release", annotations["meta.helm.sh/release-name"], annotations["meta.helm.sh/release-namespace"]), false}
	case strings.EqualFold(labels["app.kubernetes.io/managed-by"], "helm"):
		return Keeper{"helm", strings.TrimSuffix("release "+labels["app.kubernetes.io/instance"], " "), false}
	}
	return Keeper{}
}
