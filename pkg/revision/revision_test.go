package revision

import (
	"os"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func template() *corev1.PodTemplateSpec {
	t := &corev1.PodTemplateSpec{}
	t.Annotations = map[string]string{restartedAt: "2026-01-01T00:00:00Z"}
	t.Spec.Containers = []corev1.Container{
		{Name: "proxy", Image: "proxy:1"},
		{
			Name: "app", Image: "app:1", Args: []string{"--port=8080"},
			Env:       []corev1.EnvVar{{Name: "LEVEL", Value: "info"}, {Name: "DB_PASSWORD", Value: "one"}, {Name: "URL", Value: "http://db"}},
			Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}},
			Ports:     []corev1.ContainerPort{{ContainerPort: 8080, Protocol: corev1.ProtocolTCP}},
		},
	}
	return t
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*corev1.PodTemplateSpec)
		want   []string
	}{
		{"nothing", func(*corev1.PodTemplateSpec) {}, nil},
		{"a restart", func(t *corev1.PodTemplateSpec) { t.Annotations[restartedAt] = "2026-02-01T00:00:00Z" }, nil},
		{"an image", func(t *corev1.PodTemplateSpec) { t.Spec.Containers[1].Image = "app:2" }, []string{"spec.template.spec.containers[app].image: app:1 -> app:2"}},
		{
			"an image, with the containers in another order",
			func(t *corev1.PodTemplateSpec) {
				t.Spec.Containers[1].Image = "app:2"
				slices.Reverse(t.Spec.Containers)
			},
			[]string{"spec.template.spec.containers[app].image: app:1 -> app:2"},
		},
		{
			"a probe is one change", func(t *corev1.PodTemplateSpec) {
				t.Spec.Containers[1].LivenessProbe = &corev1.Probe{PeriodSeconds: 3, ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}}
			},
			[]string{`spec.template.spec.containers[app].livenessProbe:  -> {"periodSeconds":3,"tcpSocket":{"port":8080}}`},
		},
		{
			"a variable is gone", func(t *corev1.PodTemplateSpec) { t.Spec.Containers[1].Env = t.Spec.Containers[1].Env[1:] },
			[]string{`spec.template.spec.containers[app].env[LEVEL]: {"name":"LEVEL","value":"info"} -> `},
		},
		{
			"a password", func(t *corev1.PodTemplateSpec) { t.Spec.Containers[1].Env[1].Value = "two" },
			[]string{"spec.template.spec.containers[app].env[DB_PASSWORD].value: *** -> ***"},
		},
		{
			"a password in a URL", func(t *corev1.PodTemplateSpec) { t.Spec.Containers[1].Env[2].Value = "http://me:two@db" },
			[]string{"spec.template.spec.containers[app].env[URL].value: http://db -> http://***@db"},
		},
		{
			"a limit", func(t *corev1.PodTemplateSpec) {
				t.Spec.Containers[1].Resources.Limits[corev1.ResourceMemory] = resource.MustParse("32Mi")
			},
			[]string{"spec.template.spec.containers[app].resources.limits.memory: 64Mi -> 32Mi"},
		},
		{
			"a port", func(t *corev1.PodTemplateSpec) { t.Spec.Containers[1].Ports[0].ContainerPort = 9090 },
			[]string{
				`spec.template.spec.containers[app].ports[0]: {"containerPort":8080,"protocol":"TCP"} -> `,
				`spec.template.spec.containers[app].ports[0]:  -> {"containerPort":9090,"protocol":"TCP"}`,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := template()
			c.change(to)
			changes, ok := compare(template(), to)
			if !ok {
				t.Fatal("does not fit the schema")
			}
			var got []string
			for _, ch := range changes {
				got = append(got, ch.Named+": "+ch.Before+" -> "+ch.After)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// The order of containers in the workload is that of the path, which a patch may use.
func TestComparePathHasTheNewIndex(t *testing.T) {
	to := template()
	to.Spec.Containers[1].Image = "app:2"
	slices.Reverse(to.Spec.Containers)
	changes, _ := compare(template(), to)
	if len(changes) != 1 || changes[0].Path.String() != "spec.template.spec.containers[0].image" {
		t.Errorf("got %+v", changes)
	}
}

func TestLast(t *testing.T) {
	s, _, _, err := collect.Archive(os.DirFS("../../test/captures/rollout-stuck"))
	if err != nil {
		t.Fatal(err)
	}
	web, _ := s.Lookup(snapshot.DeploymentKind, "s-rollout-stuck", "web")
	if web == nil {
		t.Fatal("no deployment/web")
	}
	d := Last(s, web)
	if d == nil || d.From.Number != 1 || d.From.Ready != 2 || d.To.Number != 2 || d.To.Ready != 0 {
		t.Fatalf("got %+v", d)
	}
	if len(d.Changes) != 1 || d.Changes[0].Named != "spec.template.spec.containers[app].image" || d.Changes[0].Before != "localhost/misbehave:v1" {
		t.Errorf("changes %+v", d.Changes)
	}
	if got := d.Sides(); got != "revision 2 has 0 of 1 pod ready; revision 1 still serves with 2 of 2" {
		t.Error(got)
	}
}

func TestSides(t *testing.T) {
	for want, d := range map[string]Diff{
		"revision 3 has 1 of 4 pods ready; revision 2 has none of 2 pods ready either": {From: Revision{Number: 2, Wanted: 2, Pods: 2}, To: Revision{Number: 3, Wanted: 4, Pods: 4, Ready: 1}},
		"revision 3 has 0 of 1 pod ready; of revision 2 none is left":                  {From: Revision{Number: 2}, To: Revision{Number: 3, Wanted: 1, Pods: 1}},
	} {
		if got := d.Sides(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
