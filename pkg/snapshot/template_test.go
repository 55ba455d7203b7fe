package snapshot_test

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Every container is named by where it stands, however many there are.
func TestContainerPaths(t *testing.T) {
	spec := corev1.PodSpec{InitContainers: make([]corev1.Container, 1), Containers: make([]corev1.Container, 6)}
	template := corev1.PodTemplateSpec{Spec: spec}
	for at, obj := range map[string]runtime.Object{
		"spec":               &corev1.Pod{Spec: spec},
		"spec.template.spec": &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: template}},
		"template.spec":      &corev1.PodTemplate{Template: template},
		"spec.jobTemplate.spec.template.spec": &batchv1.CronJob{
			Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}}},
		},
	} {
		found := snapshot.TemplatesOf(obj)[0]
		got, want := []string{found.SpecPath().String()}, []string{at, at + ".initContainers[0]"}
		for _, c := range found.Containers() {
			got = append(got, c.Path.String())
		}
		for i := range spec.Containers {
			want = append(want, fmt.Sprintf("%s.containers[%d]", at, i))
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
