package collect

import (
	"bytes"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

func podOfWeb() *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Name, pod.Namespace, pod.Labels = "web-1", "shop", map[string]string{"app": "web"}
	pod.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web", UID: "rs", Controller: ptr.To(true)}}
	pod.Annotations = map[string]string{"a": "b"}
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet", FieldsV1: metav1.NewFieldsV1(`{"f:status":{}}`)}}
	pod.Spec.NodeName = "node-1"
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}},
		{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	pod.Spec.Containers = []corev1.Container{{
		Name: "app", Image: "app:1", Args: []string{"serve"}, Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 80}},
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}}, LivenessProbe: &corev1.Probe{},
	}}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", Ready: true}}
	return pod
}

// Only of a pod that is well, and whose controller was read, anything is left out.
func TestBriefKeepsWhatIsJudged(t *testing.T) {
	b := &brief{read: map[types.UID]bool{"rs": true}, alike: map[types.UID]*corev1.Pod{}}
	for name, c := range map[string]struct {
		change func(*corev1.Pod)
		whole  bool
	}{
		"well":                   {func(*corev1.Pod) {}, false},
		"its controller unread":  {func(p *corev1.Pod) { p.OwnerReferences[0].UID = "other" }, true},
		"nobody's":               {func(p *corev1.Pod) { p.OwnerReferences = nil }, true},
		"restarted":              {func(p *corev1.Pod) { p.Status.ContainerStatuses[0].RestartCount = 1 }, true},
		"not ready":              {func(p *corev1.Pod) { p.Status.Conditions[1].Status = corev1.ConditionFalse }, true},
		"a container not ready":  {func(p *corev1.Pod) { p.Status.ContainerStatuses[0].Ready = false }, true},
		"pending":                {func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }, true},
		"on its way out":         {func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }, true},
		"about to be disrupted":  {func(p *corev1.Pod) { p.Status.Conditions[0].Type = corev1.DisruptionTarget }, true},
		"kept by a finalizer":    {func(p *corev1.Pod) { p.Finalizers = []string{"a/b"} }, true},
		"being given more or so": {func(p *corev1.Pod) { p.Status.Conditions[0].Type = corev1.PodResizePending }, true},
	} {
		pod := podOfWeb()
		c.change(pod)
		b.reduce(pod)
		app := pod.Spec.Containers[0]
		if whole := app.LivenessProbe != nil && app.Args != nil && pod.Annotations != nil && len(pod.Spec.Volumes) == 2; whole != c.whole {
			t.Errorf("%s: kept whole %v, want %v", name, whole, c.whole)
		}
		if len(app.Ports) != 1 || app.Resources.Requests.Cpu().String() != "1" || pod.Spec.NodeName != "node-1" || pod.Spec.Volumes[0].PersistentVolumeClaim == nil || pod.Labels["app"] != "web" {
			t.Errorf("%s: lacks what others ask for: %+v", name, pod)
		}
	}
	whole := podOfWeb()
	(*brief)(nil).reduce(whole)
	if whole.Spec.Containers[0].LivenessProbe == nil {
		t.Error("reduced without being asked to be brief")
	}
}

func TestBriefSharesWhatIsAlike(t *testing.T) {
	b := &brief{read: map[types.UID]bool{"rs": true}, alike: map[types.UID]*corev1.Pod{}}
	first, same, other := podOfWeb(), podOfWeb(), podOfWeb()
	other.Spec.Containers[0].Image = "app:2"
	for _, p := range []*corev1.Pod{first, same, other} {
		b.reduce(p)
	}
	if &same.Spec.Containers[0] != &first.Spec.Containers[0] {
		t.Error("two pods that are alike are kept twice")
	}
	if other.Spec.Containers[0].Image != "app:2" || first.Spec.Containers[0].Image != "app:1" {
		t.Error("a pod that differs took the other's containers")
	}
}

func TestBriefRevision(t *testing.T) {
	b := &brief{}
	rs := &appsv1.ReplicaSet{}
	rs.OwnerReferences = []metav1.OwnerReference{{Kind: "Deployment", Controller: ptr.To(true)}}
	rs.Spec.Replicas = ptr.To[int32](1)
	rs.Spec.Template.Spec.NodeName = "a"
	b.reduce(rs)
	if rs.Spec.Template.Spec.NodeName == "" {
		t.Error("a revision whose pods are not ready is not whole")
	}
	rs.Spec.Replicas = ptr.To[int32](0)
	b.reduce(rs)
	if rs.Spec.Template.Spec.NodeName != "" {
		t.Error("a revision without pods is whole")
	}
}

// What is cut out of the protobuf form is what the decoder would have read, and nothing else.
func TestWithoutManagers(t *testing.T) {
	for _, managed := range []int{0, 1, 3} {
		pod := podOfWeb()
		pod.ManagedFields = nil
		want, err := pod.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		for range managed {
			pod.ManagedFields = append(pod.ManagedFields, metav1.ManagedFieldsEntry{Manager: "m", FieldsV1: metav1.NewFieldsV1(`{"f:metadata":{"f:labels":{"f:app":{},"f:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":{}}}}`)})
		}
		data, err := pod.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got := withoutManagers(data); !bytes.Equal(got, want) {
			t.Errorf("with %d managers: %d bytes, want %d", managed, len(got), len(want))
		}
	}
	for _, broken := range [][]byte{nil, {0x0a}, {0x0a, 0xff}, {0x12, 0x00}, {0x0a, 0x02, 0x8a, 0x01}} {
		if got := withoutManagers(bytes.Clone(broken)); !bytes.Equal(got, broken) {
			t.Errorf("%x became %x", broken, got)
		}
	}
}
