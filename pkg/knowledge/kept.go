package knowledge

import "strings"

// keeperMarks are labels and annotations by which tools mark what they keep, beyond those of KeeperOf. Sources: the
// documentation of Config Sync, Fleet (whose agent is built on wrangler's object sets), kapp, and Sveltos.
var keeperMarks = []struct{ key, value, tool string }{
	{"configmanagement.gke.io/managed", "enabled", "Config Sync"},
	{"configsync.gke.io/resource-id", "", "Config Sync"},
	{"fleet.cattle.io/bundle-id", "", "Fleet"},
	{"fleet.cattle.io/bundle-name", "", "Fleet"},
	{"kapp.k14s.io/app", "", "kapp"},
	{"projectsveltos.io/reference-name", "", "Sveltos"},
}

// addonMarks are those of whoever provides the cluster. Sources: the add-on manager of kube-up, GKE and AKS; k3s and
// RKE2; kOps; OpenShift's cluster version operator; AKS.
var addonMarks = []struct{ key, value, by string }{
	{"addonmanager.kubernetes.io/mode", "Reconcile", "the cluster's add-on manager"},
	{"addonmanager.kubernetes.io/mode", "EnsureExists", "the cluster's add-on manager"},
	{"kubernetes.azure.com/managedby", "aks", "AKS"},
	{"addon.kops.k8s.io/name", "", "kOps"},
	{"objectset.rio.cattle.io/owner-gvk", "k3s.cattle.io/v1, Kind=Addon", "k3s"},
	{"include.release.openshift.io/self-managed-high-availability", "true", "OpenShift"},
}

// keeperWriters are field managers of tools that keep objects. Names of programs that carry a version are prefixes.
// Sources: the fieldManager in the code of each; what sends none is called after its program.
var keeperWriters = []struct{ manager, tool string }{
	{"argocd-controller", "Argo CD"}, {"argocd-application-controller", "Argo CD"},
	{"kustomize-controller", "Flux"}, {"helm-controller", "Flux"}, {"flux", "Flux"},
	{"helm", "helm"}, {"Helm", "helm"}, {"terraform-provider-helm*", "helm"},
	{"Terraform", "Terraform"}, {"HashiCorp", "Terraform"}, {"terraform-provider-kube*", "Terraform"},
	{"pulumi-kubernetes*", "Pulumi"}, {"pulumi-resource-kubernetes", "Pulumi"},
	{"configsync", "Config Sync"}, {"configsync.gke.io*", "Config Sync"},
	{"fleetagent", "Fleet"}, {"fleet-agent", "Fleet"}, {"kapp", "kapp"}, {"kapp-server-side-apply", "kapp"}, {"kapp-controller", "kapp"},
	{"timoni", "Timoni"}, {"werf", "werf"},
}

// addonWriters are field managers of those who provide clusters and keep what runs in them.
// Sources: kubeadm's and EKS' managed fields, OpenShift's cluster version operator, k3s.
var addonWriters = map[string]string{
	"kubeadm": "kubeadm", "eks": "EKS", "cluster-version-operator": "OpenShift", "deploy@": "k3s", "kube-addon-manager": "the cluster's add-on manager",
	"addon-manager": "the cluster's add-on manager",
}

// ToolOfWriter is the tool that a field manager belongs to, "" for none that keeps objects.
func ToolOfWriter(manager string) string {
	for _, w := range keeperWriters {
		if prefix, many := strings.CutSuffix(w.manager, "*"); manager == w.manager || many && strings.HasPrefix(manager, prefix) {
			return w.tool
		}
	}
	return ""
}

// KeptBy reads which tool keeps an object: from its marks, else from who wrote it. The zero Keeper where neither tells.
// That a chart labels its objects as Helm's does not count: whoever renders it and applies that has such labels and
// no release.
func KeptBy(labels, annotations map[string]string, managers []string) Keeper {
	if k := KeeperOf(labels, annotations); k.Tool != "" && (k.Tool != "helm" || annotations["meta.helm.sh/release-name"] != "") {
		return k
	}
	for _, m := range keeperMarks {
		if marked(labels, annotations, m.key, m.value) {
			return Keeper{Tool: m.tool, Undoes: m.tool != "kapp"}
		}
	}
	for _, m := range managers {
		if tool := ToolOfWriter(m); tool != "" {
			return Keeper{Tool: tool, Undoes: tool == "Argo CD" || tool == "Flux" || tool == "Config Sync" || tool == "Fleet"}
		}
	}
	return Keeper{}
}

// AddonOf is who provides the cluster and keeps this object in it, "" where nothing says so.
func AddonOf(labels, annotations map[string]string, managers []string) string {
	for _, m := range addonMarks {
		if marked(labels, annotations, m.key, m.value) {
			return m.by
		}
	}
	for _, m := range managers {
		if by := addonWriters[m]; by != "" {
			return by
		}
		if strings.HasPrefix(m, "deploy@") { // and the name of the server
			return addonWriters["deploy@"]
		}
	}
	return ""
}

// marked tells whether a label or annotation has a value; "" for any but the empty one.
func marked(labels, annotations map[string]string, key, value string) bool {
	for _, set := range []map[string]string{labels, annotations} {
		if v, ok := set[key]; ok && (v == value || value == "" && v != "") {
			return true
		}
	}
	return false
}
