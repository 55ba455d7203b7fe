package collect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What is saved is read back: objects, events, logs, the clock, and what was read and what was not.
func TestSaveRoundTrip(t *testing.T) {
	s, _, _, err := Archive(os.DirFS("../../test/captures/oomkilled"))
	if err != nil {
		t.Fatal(err)
	}
	s.Context = "prod"
	dir := filepath.Join(t.TempDir(), "saved")
	if err := Save(s, dir); err != nil {
		t.Fatal(err)
	}
	if err := Save(s, dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("saved twice into one folder: %v", err)
	}
	back, _, problems, err := Archive(os.DirFS(dir))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if !back.Now.Equal(s.Now) || back.Context != "prod" {
		t.Errorf("clock %s, context %q", back.Now, back.Context)
	}
	if got, want := len(back.All()), len(s.All()); got != want || want == 0 {
		t.Errorf("%d objects, want %d", got, want)
	}
	if got, want := len(back.AllEvents()), len(s.AllEvents()); got != want || want == 0 {
		t.Errorf("%d events, want %d", got, want)
	}
	if got, want := len(back.Logs()), len(s.Logs()); got != want || want == 0 {
		t.Errorf("%d logs, want %d", got, want)
	}
	if _, out := back.Lookup(snapshot.PodKind, "s-oomkilled", "nope"); out.State != snapshot.Absent {
		t.Errorf("a pod that is not in the list of pods: %+v", out)
	}
	if _, out := back.Lookup(snapshot.SecretKind, "s-oomkilled", "nope"); out.State != snapshot.Blind {
		t.Errorf("a Secret, of which none were read: %+v", out)
	}
}

// What is known of entries and of who set what is known of the folder too, and no more than that: a ConfigMap of
// which not even the names of its entries were read lacks none of them.
func TestSaveKeepsWhatIsKnown(t *testing.T) {
	gvk := corev1.SchemeGroupVersion.WithKind("ConfigMap")
	wrote := []metav1.ManagedFieldsEntry{{Manager: "helm", FieldsV1: metav1.NewFieldsV1(`{"f:data":{"f:mode":{}},"f:binaryData":{"f:logo":{}}}`)}}
	s := snapshot.New(time.Unix(1800000000, 0))
	s.AddMetadata(gvk, &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "names", Namespace: "shop", ManagedFields: wrote}})
	s.AddMetadata(gvk, &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "nothing", Namespace: "shop"}})
	whole := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "whole", Namespace: "shop"},
		Data:       map[string]string{"mode": "fast", "db-password": "hunter2", "env": "URL=postgres://app:hunter2@db/shop"}, BinaryData: map[string][]byte{"logo": []byte("hunter2")},
	}
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", ManagedFields: []metav1.ManagedFieldsEntry{{
		Manager: "kubectl-edit", Operation: metav1.ManagedFieldsOperationUpdate, Time: &metav1.Time{Time: s.Now.Add(-time.Hour)}, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:type":{}}}`),
	}}}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer}}
	for kind, o := range map[string]runtime.Object{"ConfigMap": whole, "Service": svc} {
		if _, err := s.Add(corev1.SchemeGroupVersion.WithKind(kind), o, nil); err != nil {
			t.Fatal(err)
		}
	}
	gone := snapshot.WantGet(snapshot.ServiceKind, "shop", "gone")
	s.SetOutcome(gone, snapshot.Outcome{State: snapshot.Absent, Proven: true})
	dir := filepath.Join(t.TempDir(), "saved")
	if err := Save(s, dir); err != nil {
		t.Fatal(err)
	}
	back, _, problems, err := Archive(os.DirFS(dir))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	for name, want := range map[string]string{"names": "[logo mode] true map[]", "nothing": "[] false map[]", "whole": "[db-password env logo mode] true map[db-password:*** env:URL=postgres://***@db/shop mode:fast]"} {
		o, _ := back.Lookup(snapshot.ConfigMapKind, "shop", name)
		if got := fmt.Sprint(o.Keys, o.KeysKnown, o.Typed.(*corev1.ConfigMap).Data); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	o, _ := back.Lookup(snapshot.ServiceKind, "shop", "web")
	if m := o.ManagerOf("spec.type"); m == nil || m.Name != "kubectl-edit" || !m.Time.Equal(s.Now.Add(-time.Hour)) {
		t.Errorf("spec.type was set by %+v", m)
	}
	if out, _ := back.Outcome(gone); out.State != snapshot.Absent || !out.Proven {
		t.Errorf("what the server said does not exist is %+v", out)
	}
}

// Credentials in env values and arguments do not leave with the folder.
func TestBlank(t *testing.T) {
	content := map[string]any{"spec": map[string]any{"containers": []any{map[string]any{
		"env": []any{
			map[string]any{"name": "DB_PASSWORD", "value": "hunter2"},
			map[string]any{"name": "DB_URL", "value": "postgres://app:hunter2@db:5432/shop"},
			map[string]any{"name": "LOG_LEVEL", "value": "debug"},
		},
		"args": []any{"--token=hunter2", "--listen=:8080"},
	}}}}
	blank(content)
	got := fmt.Sprint(content)
	if strings.Contains(got, "hunter2") {
		t.Errorf("still there: %s", got)
	}
	for _, keep := range []string{"debug", "db:5432/shop", "--listen=:8080"} {
		if !strings.Contains(got, keep) {
			t.Errorf("%q is gone: %s", keep, got)
		}
	}
}
