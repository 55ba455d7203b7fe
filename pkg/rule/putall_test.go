package rule

import (
	"encoding/json"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Parents that are missing are made once: a second "add" would throw away the first.
func TestPutAllIn(t *testing.T) {
	d := &appsv1.Deployment{}
	d.Name = "web"
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", WorkingDir: "/srv"}, {Name: "proxy"}}
	o, err := snapshot.New(time.Time{}).Add(appsv1.SchemeGroupVersion.WithKind("Deployment"), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	app, proxy := FieldPath("spec.template.spec.containers[0]"), FieldPath("spec.template.spec.containers[1]")
	patch := PutAllIn(o,
		Value{app.Child("securityContext", "allowPrivilegeEscalation"), false},
		Value{app.Child("securityContext", "capabilities", "drop"), []any{"ALL"}},
		Value{app.Child("workingDir"), "/"},
		Value{proxy.Child("securityContext", "allowPrivilegeEscalation"), false},
	)
	got, err := json.Marshal(patch.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"op":"test","path":"/spec/template/spec/containers/0/name","value":"app"},` +
		`{"op":"add","path":"/spec/template/spec/containers/0/securityContext","value":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}},` +
		`{"op":"test","path":"/spec/template/spec/containers/0/workingDir","value":"/srv"},{"op":"replace","path":"/spec/template/spec/containers/0/workingDir","value":"/"},` +
		`{"op":"test","path":"/spec/template/spec/containers/1/name","value":"proxy"},` +
		`{"op":"add","path":"/spec/template/spec/containers/1/securityContext","value":{"allowPrivilegeEscalation":false}}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
