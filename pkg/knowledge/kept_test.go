package knowledge

import "testing"

func TestKeptBy(t *testing.T) {
	type set = map[string]string
	for name, c := range map[string]struct {
		labels, annotations set
		managers            []string
		want                string
	}{
		"nobody":                           {nil, nil, []string{"kubectl-client-side-apply", "kube-controller-manager"}, ""},
		"a mark before a writer":           {nil, set{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/web"}, []string{"helm"}, "Argo CD"},
		"a writer alone":                   {nil, nil, []string{"kubectl-edit", "kustomize-controller"}, "Flux"},
		"a release":                        {nil, set{"meta.helm.sh/release-name": "shop"}, nil, "helm"},
		"a chart that was rendered":        {set{"app.kubernetes.io/managed-by": "Helm"}, nil, []string{"kubectl-client-side-apply"}, ""},
		"Config Sync":                      {nil, set{"configmanagement.gke.io/managed": "enabled"}, nil, "Config Sync"},
		"what Config Sync was told to let": {nil, set{"configmanagement.gke.io/managed": "disabled"}, nil, ""},
		"Pulumi, with its random end":      {nil, nil, []string{"pulumi-kubernetes-31df3088"}, "Pulumi"},
		"Terraform's way to helm":          {nil, nil, []string{"terraform-provider-helm_v2.9.0_x5"}, "helm"},
		"a name that starts alike":         {nil, nil, []string{"helm-dashboard", "fluxcapacitor"}, ""},
	} {
		if got := KeptBy(c.labels, c.annotations, c.managers).Tool; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAddonOf(t *testing.T) {
	for name, c := range map[string]struct {
		labels, annotations map[string]string
		managers            []string
		want                string
	}{
		"nobody":         {nil, nil, []string{"kubectl"}, ""},
		"an add-on":      {map[string]string{"addonmanager.kubernetes.io/mode": "Reconcile"}, nil, nil, "the cluster's add-on manager"},
		"an odd mode":    {map[string]string{"addonmanager.kubernetes.io/mode": "Ignore"}, nil, nil, ""},
		"k3s":            {nil, map[string]string{"objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon"}, nil, "k3s"},
		"k3s, by writer": {nil, nil, []string{"deploy@server-1"}, "k3s"},
		"kubeadm":        {nil, nil, []string{"kube-controller-manager", "kubeadm"}, "kubeadm"},
	} {
		if got := AddonOf(c.labels, c.annotations, c.managers); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestByHand(t *testing.T) {
	for _, tt := range []struct {
		manager string
		applied bool
		want    bool
	}{
		{"kubectl-edit", false, true}, {"Mozilla", false, true}, {"kubectl", false, true}, {"k9s", false, true},
		{"kubectl", true, false}, {"kubectl-client-side-apply", false, false}, {"helm", false, false}, {"argocd-controller", true, false}, {"", false, false},
	} {
		if got := ByHand(tt.manager, tt.applied); got != tt.want {
			t.Errorf("%s, applied %t: %t", tt.manager, tt.applied, got)
		}
	}
	for manager, want := range map[string]string{"kubectl-edit": "kubectl edit", "node-fetch": "Lens, or another program on node-fetch,", "kubectl": "kubectl", "kubectl-set": "kubectl set"} {
		if got := Hand(manager); got != want {
			t.Errorf("%s: %q, want %q", manager, got, want)
		}
	}
}
