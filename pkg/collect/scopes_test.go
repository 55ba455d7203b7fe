package collect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
)

// TestScopes holds that custom resources of no namespace get none, as far as manifests, or we, know of them.
func TestScopes(t *testing.T) {
	const text = `
apiVersion: example.com/v1
kind: Planet
metadata: {name: earth}
---
apiVersion: example.com/v1
kind: Moon
metadata: {name: moon}
---
apiVersion: example.com/v1
kind: Comet
metadata: {name: halley}
---
apiVersion: example.com/v1
kind: Comet
metadata: {name: hale, namespace: shop}
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: ca}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sRequiredLabels
metadata: {name: owner}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: db}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: planets.example.com}
spec: {group: example.com, scope: Cluster, names: {kind: Planet, plural: planets}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: moons.example.com}
spec: {group: example.com, scope: Namespaced, names: {kind: Moon, plural: moons}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: web}
`
	s, problems, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(text), Namespace: "here", Now: time.Now()})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	want := map[string]string{
		"earth": "", "moon": "here", "halley": "here", "hale": "shop", "ca": "", "owner": "", "db": "here",
		"planets.example.com": "", "moons.example.com": "",
	}
	seen := 0
	for _, o := range s.All() {
		if ns, ok := want[o.Name]; ok {
			seen++
			if o.Namespace != ns || o.Meta.GetNamespace() != ns {
				t.Errorf("%s is in namespace %q, want %q", o.Ref, o.Namespace, ns)
			}
		} else if ns := map[string]string{"CiliumNetworkPolicy": "here", "ServiceAccount": "here"}[o.Kind]; o.Namespace != ns {
			t.Errorf("%s is in namespace %q, want %q", o.Ref, o.Namespace, ns)
		}
	}
	if seen != len(want) || len(s.All()) != len(want)+3 {
		t.Errorf("%d of %d objects, %d in all", seen, len(want), len(s.All()))
	}
}
