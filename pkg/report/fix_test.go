package report

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func podSpec(memory string) corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)}}}}}
}

// A pod of an older template is made anew, and the newer template is left as it is.
func TestFixOfAnOlderTemplate(t *testing.T) {
	for name, c := range map[string]struct {
		hash, memory string
		want         string
	}{
		"older, and another value":  {"db-1", "256Mi", "kubectl -n shop delete pod/db-0"},
		"older, and the same value": {"db-1", "64Mi", "kubectl -n shop set resources"},
		"the present one":           {"db-2", "64Mi", "kubectl -n shop set resources"},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshot.New(time.Unix(1000, 0))
			add := func(gvk schema.GroupVersionKind, o runtime.Object) {
				if _, err := s.Add(gvk, o, nil); err != nil {
					t.Fatal(err)
				}
			}
			sts := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "db", Namespace: "shop", UID: "1"}}
			sts.Spec.Template.Spec = podSpec(c.memory)
			sts.Status.UpdateRevision = "db-2"
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
				Name: "db-0", Namespace: "shop", Labels: map[string]string{appsv1.ControllerRevisionHashLabelKey: c.hash},
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "db", UID: "1", Controller: ptr.To(true)}},
			}, Spec: podSpec("64Mi")}
			add(appsv1.SchemeGroupVersion.WithKind("StatefulSet"), sts)
			add(corev1.SchemeGroupVersion.WithKind("Pod"), pod)
			ref := snapshot.Ref{APIVersion: "apps/v1", Kind: "StatefulSet", Namespace: "shop", Name: "db"}
			f := &rule.Finding{
				Object: ref, Seen: snapshot.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "db-0", Container: "app"}, Value: "64Mi",
				Field: field.NewPath("spec", "template", "spec", "containers").Index(0).Child("resources", "limits", "memory"),
				Fix:   &rule.Fix{Title: "raise it", Object: ref, Command: []string{"set", "resources", "statefulset/db", "--limits=memory=128Mi"}},
			}
			out := NewBuilder("explain", s, &engine.Engine{}).finding(f)
			if !strings.HasPrefix(out.Fix.Command, c.want) {
				t.Errorf("command %q, want %q", out.Fix.Command, c.want)
			}
			if drawn := out.Picture != nil; drawn == strings.Contains(c.want, "delete") {
				t.Errorf("drawn %v", drawn)
			}
		})
	}
}

// Where runs do not overlap, the one that goes on has to go before a changed template can start.
func TestFixOfARunThatGoesOn(t *testing.T) {
	s := snapshot.New(time.Unix(1000, 0))
	cron := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: "report", Namespace: "shop", UID: "1"}}
	cron.Spec.ConcurrencyPolicy = batchv1.ForbidConcurrent
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "report-1", Namespace: "shop", UID: "2"}}
	for gvk, o := range map[schema.GroupVersionKind]runtime.Object{batchv1.SchemeGroupVersion.WithKind("CronJob"): cron, batchv1.SchemeGroupVersion.WithKind("Job"): job} {
		if _, err := s.Add(gvk, o, nil); err != nil {
			t.Fatal(err)
		}
	}
	ref := snapshot.Ref{APIVersion: "batch/v1", Kind: "CronJob", Namespace: "shop", Name: "report"}
	f := &rule.Finding{
		Object: ref, Seen: snapshot.Ref{APIVersion: "batch/v1", Kind: "Job", Namespace: "shop", Name: "report-1"},
		Field: field.NewPath("spec", "jobTemplate", "spec", "template", "spec", "priorityClassName"),
		Fix:   &rule.Fix{Object: ref, Command: []string{"patch", "cronjob/report"}},
	}
	has := func() bool {
		return strings.Contains(strings.Join(NewBuilder("explain", s, &engine.Engine{}).finding(f).Fix.Notes, "\n"), "then kubectl -n shop delete job/report-1")
	}
	if !has() {
		t.Error("does not say that the run has to go")
	}
	cron.Spec.ConcurrencyPolicy = batchv1.AllowConcurrent
	if has() {
		t.Error("has a run deleted that is in nobody's way")
	}
}
