package collect

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// brief reduces what an overview of a cluster holds thousands of to what others ask of it: pods that are
// well and revisions that have no pods are judged by their controller's template.
type brief struct {
	// read are the controllers that were read. A pod whose controller was not is judged by itself, and
	// kept whole.
	read map[types.UID]bool

	mu     sync.Mutex
	alike  map[types.UID]likeness
	labels map[string]map[string]string       // by their protobuf form
	owners map[string][]metav1.OwnerReference // by their protobuf form
	well   map[types.UID]bool                 // pods of which nobody asks for events
}

// briefly is a brief of what s holds.
func briefly(s *snapshot.Snapshot) *brief {
	b := newBrief()
	for _, gk := range controllers {
		for _, o := range s.List(gk, "") {
			b.read[o.Meta.GetUID()] = true
		}
	}
	return b
}

func newBrief() *brief {
	return &brief{
		read: map[types.UID]bool{}, alike: map[types.UID]likeness{}, labels: map[string]map[string]string{},
		owners: map[string][]metav1.OwnerReference{}, well: map[types.UID]bool{},
	}
}

// reduce takes from obj what nobody will ask it for.
func (b *brief) reduce(obj runtime.Object) {
	switch t := obj.(type) {
	case *appsv1.ReplicaSet:
		if b != nil && metav1.GetControllerOf(t) != nil && t.Spec.Replicas != nil && len(t.Status.Conditions) == 0 &&
			*t.Spec.Replicas == t.Status.Replicas && t.Status.Replicas == t.Status.ReadyReplicas {
			t.Spec.Template.Spec = corev1.PodSpec{}
		}
	case *batchv1.Job:
		if b != nil && metav1.GetControllerOf(t) != nil && slices.ContainsFunc(t.Status.Conditions, func(c batchv1.JobCondition) bool {
			return c.Type == batchv1.JobComplete && c.Status == corev1.ConditionTrue
		}) {
			t.Spec.Template.Spec = corev1.PodSpec{}
		}
	}
}

// nobodyEdits are kinds that controllers and kubelets write, and whose field managers say nothing: those
// are half of a pod's bytes.
var nobodyEdits = map[schema.GroupKind]bool{
	snapshot.PodKind: true, snapshot.ReplicaSetKind: true, snapshot.EndpointSliceKind: true, snapshot.EventKind: true, snapshot.NodeKind: true,
	snapshot.ControllerRevisionKind: true, snapshot.PVKind: true, snapshot.ServiceAcctKind: true,
}

// The field numbers of metadata in every object, and of managedFields in it. Source: generated.proto of
// k8s.io/api and of k8s.io/apimachinery/pkg/apis/meta/v1.
const (
	objectMetadata = 1
	managedFields  = 17
)

// withoutManagers is an object's protobuf form without its managedFields; what cannot be read stays as it
// is, for the decoder to say so. It reuses data.
func withoutManagers(data []byte) []byte {
	number, kind, n := protowire.ConsumeTag(data)
	if n < 0 || number != objectMetadata || kind != protowire.BytesType {
		return data
	}
	meta, m := protowire.ConsumeBytes(data[n:])
	if m < 0 {
		return data
	}
	kept := meta[:0:len(meta)]
	for rest := meta; len(rest) > 0; {
		field, _, l := protowire.ConsumeField(rest)
		if l < 0 {
			return data
		}
		if field != managedFields {
			kept = append(kept, rest[:l]...)
		}
		rest = rest[l:]
	}
	if len(kept) == len(meta) {
		return data
	}
	// The head is shorter than it was, or as long, and what follows moves up to it.
	head := protowire.AppendVarint(protowire.AppendTag(make([]byte, 0, 16), objectMetadata, protowire.BytesType), uint64(len(kept)))
	start := n + m - len(meta) - len(head)
	tail := data[n+m:]
	out := append(data[start:start:len(data)], head...)
	out = append(out, kept...)
	return append(out, tail...)
}
