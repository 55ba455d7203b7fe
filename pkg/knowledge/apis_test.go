package knowledge_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
)

type deprecated interface{ APILifecycleDeprecated() (int, int) }

type removed interface{ APILifecycleRemoved() (int, int) }

type replaced interface {
	APILifecycleReplacement() schema.GroupVersionKind
}

// written tells the kinds that people write into files.
func written(kind string) bool {
	for _, end := range []string{"List", "Review", "Options"} {
		if strings.HasSuffix(kind, end) {
			return false
		}
	}
	switch kind {
	case "Scale", "DeploymentRollback", "Eviction", "Event", "LeaseCandidate", "ComponentStatus":
		return false
	}
	return true
}

// TestAPIVersions holds that the table says of every type of Kubernetes what the type says of itself.
func TestAPIVersions(t *testing.T) {
	compared := 0
	for gvk := range scheme.Scheme.AllKnownTypes() {
		obj, err := scheme.Scheme.New(gvk)
		if err != nil || !written(gvk.Kind) {
			continue
		}
		since, until := lifecycle(obj)
		version, kind := gvk.ToAPIVersionAndKind()
		got := knowledge.APIVersionOf(version, kind)
		if since == 0 || since > knowledge.KubernetesMinor {
			if got != nil && version != "rbac.authorization.k8s.io/v1alpha1" { // whose types say it in a comment alone
				t.Errorf("%s %s is not deprecated", version, kind)
			}
			continue
		}
		compared++
		if got == nil {
			t.Errorf("%s %s: deprecated since 1.%d, removed with 1.%d, and not in the table", version, kind, since, until)
			continue
		}
		if got.Deprecated != since || got.Removed != until {
			t.Errorf("%s %s: %d and %d, the type says %d and %d", version, kind, got.Deprecated, got.Removed, since, until)
		}
		if !scheme.Scheme.Recognizes(schema.FromAPIVersionAndKind(got.Instead, or(got.Kind, kind))) {
			t.Errorf("%s %s: %s has no such kind", version, kind, got.Instead)
		}
		if r, ok := obj.(replaced); ok {
			if want := r.APILifecycleReplacement(); want.GroupKind() != schema.FromAPIVersionAndKind(got.Instead, or(got.Kind, kind)).GroupKind() && !strings.HasSuffix(want.Kind, "List") {
				t.Errorf("%s %s: replaced by %s, the type says %s", version, kind, got.Instead, want)
			}
		}
	}
	if compared < 50 {
		t.Errorf("only %d types were compared", compared)
	}
}

func lifecycle(obj runtime.Object) (since, until int) {
	if d, ok := obj.(deprecated); ok {
		_, since = d.APILifecycleDeprecated()
	}
	if r, ok := obj.(removed); ok {
		_, until = r.APILifecycleRemoved()
	}
	return since, until
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func TestAPIVersionsOfOthers(t *testing.T) {
	for _, tt := range []struct{ version, kind, instead string }{
		{"policy/v1beta1", "PodSecurityPolicy", ""},
		{"autoscaling/v2beta1", "HorizontalPodAutoscaler", "autoscaling/v2"},
		{"apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "apiextensions.k8s.io/v1"},
		{"cert-manager.io/v1alpha2", "Certificate", "cert-manager.io/v1"},
	} {
		if got := knowledge.APIVersionOf(tt.version, tt.kind); got == nil || got.Instead != tt.instead {
			t.Errorf("%s %s: %+v", tt.version, tt.kind, got)
		}
	}
	for _, tt := range [][2]string{{"apps/v1", "Deployment"}, {"autoscaling/v1", "HorizontalPodAutoscaler"}, {"example.com/v1beta1", "Ingress"}, {"", ""}} {
		if got := knowledge.APIVersionOf(tt[0], tt[1]); got != nil {
			t.Errorf("%v: %+v", tt, got)
		}
	}
}
