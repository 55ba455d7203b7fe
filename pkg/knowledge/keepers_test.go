package knowledge

import "testing"

func TestKeeperOf(t *testing.T) {
	for name, c := range map[string]struct {
		labels, annotations map[string]string
		want                Keeper
	}{
		"nobody":                       {nil, nil, Keeper{}},
		"Argo CD's annotation":         {nil, map[string]string{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:prod/web"}, Keeper{"Argo CD", "application shop", true}},
		"an application of a team":     {nil, map[string]string{"argocd.argoproj.io/tracking-id": "team-a_shop:apps/Deployment:prod/web"}, Keeper{"Argo CD", "application shop in namespace team-a", true}},
		"Argo CD's label":              {map[string]string{"argocd.argoproj.io/instance": "shop"}, nil, Keeper{"Argo CD", "application shop", true}},
		"Flux, from a kustomization":   {map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}, nil, Keeper{"Flux", "kustomization apps in namespace flux-system", true}},
		"Flux, though helm made it":    {map[string]string{"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "prod"}, map[string]string{"meta.helm.sh/release-name": "shop"}, Keeper{"Flux", "helmrelease shop in namespace prod", true}},
		"helm":                         {nil, map[string]string{"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "prod"}, Keeper{"helm", "release shop in namespace prod", false}},
		"helm, as a chart's own label": {map[string]string{"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "shop"}, nil, Keeper{"helm", "release shop", false}},
	} {
		if got := KeeperOf(c.labels, c.annotations); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
