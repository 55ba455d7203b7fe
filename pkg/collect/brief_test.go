package collect

import (
	"bytes"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
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
	b := newBrief()
	b.read["rs"] = true
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
		pod.UID = types.UID(name)
		whole := pod
		pod = taken(t, b, pod)
		whole.ManagedFields = nil
		if c.whole != equality.Semantic.DeepEqual(pod, whole) {
			t.Errorf("%s: kept whole %v, want %v", name, !c.whole, c.whole)
		}
		event := &corev1.Event{InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: "shop", Name: "web", UID: pod.UID}, Reason: "Pulled"}
		if nothing := b.asksNothing(form(t, event)); nothing == c.whole {
			t.Errorf("%s: its events are dropped: %v", name, nothing)
		}
		app := pod.Spec.Containers[0]
		if whole := app.LivenessProbe != nil && app.Args != nil && pod.Annotations != nil && len(pod.Spec.Volumes) == 2; whole != c.whole {
			t.Errorf("%s: kept whole %v, want %v", name, whole, c.whole)
		}
		if len(app.Ports) != 1 || app.Resources.Requests.Cpu().String() != "1" || pod.Spec.NodeName != "node-1" || pod.Spec.Volumes[0].PersistentVolumeClaim == nil || pod.Labels["app"] != "web" {
			t.Errorf("%s: lacks what others ask for: %+v", name, pod)
		}
	}
	whole := podOfWeb()
	if got := taken(t, nil, whole); !equality.Semantic.DeepEqual(got, whole) {
		t.Error("reduced without being asked to be brief")
	}
}

// taken is what is kept of a pod that a server sends.
func taken(t *testing.T, b *brief, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	data, err := pod.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got := &corev1.Pod{}
	if err := b.decode(data, got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestBriefSharesWhatIsAlike(t *testing.T) {
	b := newBrief()
	b.read["rs"] = true
	pods := []*corev1.Pod{podOfWeb(), podOfWeb(), podOfWeb()}
	pods[1].Spec.NodeName, pods[1].Name = "node-2", "web-2"
	pods[2].Spec.Containers[0].Image, pods[2].Labels["app"] = "app:2", "web2"
	for i, p := range pods {
		pods[i] = taken(t, b, p)
	}
	first, same, other := pods[0], pods[1], pods[2]
	if &same.Spec.Containers[0] != &first.Spec.Containers[0] || &same.OwnerReferences[0] != &first.OwnerReferences[0] {
		t.Error("two pods that are alike are kept twice")
	}
	if len(b.labels) != 2 {
		t.Errorf("%d sets of labels, want 2", len(b.labels))
	}
	if same.Spec.NodeName != "node-2" || first.Spec.NodeName != "node-1" || same.Name != "web-2" {
		t.Error("what differs between two pods was shared")
	}
	if other.Spec.Containers[0].Image != "app:2" || first.Spec.Containers[0].Image != "app:1" || other.Labels["app"] != "web2" || first.Labels["app"] != "web" {
		t.Error("a pod that differs took what the other has")
	}
}

// What is kept by the number of its field is what the type calls so.
func TestBriefFields(t *testing.T) {
	b := newBrief()
	b.read["rs"] = true
	whole := podOfWeb()
	spec := &whole.Spec
	spec.InitContainers = []corev1.Container{{Name: "proxy", Image: "proxy:1", RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways), Command: []string{"x"}}}
	spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug"}}}
	spec.RestartPolicy, spec.ServiceAccountName, spec.HostNetwork, spec.Hostname, spec.Subdomain = corev1.RestartPolicyAlways, "web", true, "web-1", "web"
	spec.Affinity, spec.SchedulerName, spec.PriorityClassName, spec.Priority = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}}, "other", "high", ptr.To[int32](3)
	spec.RuntimeClassName, spec.Overhead = ptr.To("gvisor"), corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1m")}
	spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{TopologyKey: "zone"}}
	spec.ResourceClaims, spec.Resources = []corev1.PodResourceClaim{{Name: "gpu"}}, &corev1.ResourceRequirements{}
	spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "a/b"}}
	spec.NodeSelector, spec.Tolerations = map[string]string{"a": "b"}, []corev1.Toleration{{Key: "a"}}
	spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "scratch", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}})

	want := spec.DeepCopy()
	want.Volumes = []corev1.Volume{spec.Volumes[0], spec.Volumes[2]}
	want.Containers[0].Args, want.Containers[0].LivenessProbe, want.InitContainers[0].Command = nil, nil, nil

	spec.DNSPolicy = corev1.DNSDefault
	spec.SecurityContext, spec.ImagePullSecrets = &corev1.PodSecurityContext{}, []corev1.LocalObjectReference{{Name: "r"}}
	if got := taken(t, b, whole).Spec; !equality.Semantic.DeepEqual(&got, want) {
		t.Errorf("kept %+v\nwant %+v", got, *want)
	}
}

// What cannot be decoded is refused as the decoder does it, and ends nothing.
func TestBriefBroken(t *testing.T) {
	b := newBrief()
	b.read["rs"] = true
	data, err := podOfWeb().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for _, broken := range [][]byte{data[:i], append(append(bytes.Clone(data[:i]), data[i]^0xff), data[i+1:]...)} {
			plain := (&corev1.Pod{}).Unmarshal(bytes.Clone(broken))
			if got := b.pod(bytes.Clone(broken), &corev1.Pod{}); plain == nil && got != nil {
				t.Errorf("at %d: %v, and the decoder takes it", i, got)
			}
		}
	}
}

func TestBriefRevision(t *testing.T) {
	b := newBrief()
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

func form(t *testing.T, m interface{ Marshal() ([]byte, error) }) []byte {
	t.Helper()
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}
