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
	texts  map[string]string                  // what thousands of objects have in common, once

	buffers [3][]byte // used again, since there are thousands of objects
}

func newBrief() *brief {
	return &brief{
		read: map[types.UID]bool{}, alike: map[types.UID]likeness{}, labels: map[string]map[string]string{},
		owners: map[string][]metav1.OwnerReference{}, well: map[types.UID]bool{}, texts: map[string]string{},
	}
}

// know tells which controllers were read.
func (b *brief) know(s *snapshot.Snapshot) {
	for _, gk := range controllers {
		for _, o := range s.List(gk, "") {
			b.read[o.Meta.GetUID()] = true
		}
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
	objectMetadata  = 1
	metaGenerate    = 2
	metaSelfLink    = 4
	metaVersion     = 6
	metaLabels      = 11
	metaAnnotations = 12
	metaOwners      = 13
	managedFields   = 17
)

// The field numbers of what an event is about. Source: generated.proto of k8s.io/api/core/v1.
const (
	eventInvolvedObject = 2
	referenceUID        = 4
)

// message is an object that has a protobuf form.
type message interface{ Unmarshal([]byte) error }

// decode decodes an object. Labels and owners that many objects have are in memory once, and who set which
// field is left out: rules change nothing, and check names nobody.
func (b *brief) decode(data []byte, obj message) error {
	if b == nil {
		return obj.Unmarshal(data)
	}
	if pod, ok := obj.(*corev1.Pod); ok {
		return b.pod(data, pod)
	}
	accessor, ok := obj.(metav1.ObjectMetaAccessor)
	if !ok {
		return obj.Unmarshal(data)
	}
	own, ok := accessor.GetObjectMeta().(*metav1.ObjectMeta)
	number, kind, n := protowire.ConsumeTag(data)
	if !ok || n < 0 || number != objectMetadata || kind != protowire.BytesType {
		return obj.Unmarshal(data)
	}
	meta, m := protowire.ConsumeBytes(data[n:])
	if m < 0 || !b.metadata(meta, own, true) {
		*own = metav1.ObjectMeta{}
		return obj.Unmarshal(data)
	}
	return obj.Unmarshal(data[n+m:]) // adds to what is there
}

// metadata decodes an object's metadata; false where it cannot be read.
func (b *brief) metadata(data []byte, meta *metav1.ObjectMeta, annotations bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	own, labels, owners := b.buffers[0][:0], b.buffers[1][:0], b.buffers[2][:0]
	defer func() { b.buffers = [3][]byte{own, labels, owners} }()
	if !eachField(data, func(number protowire.Number, field, _ []byte) {
		switch {
		case number == metaLabels:
			labels = append(labels, field...)
		case number == metaOwners:
			owners = append(owners, field...)
		case number == managedFields || number == metaAnnotations && !annotations:
		case number == metaSelfLink || number == metaVersion || number == metaGenerate && !annotations: // nobody looks
		default:
			own = append(own, field...)
		}
	}) || meta.Unmarshal(own) != nil {
		return false
	}
	var ok bool
	if meta.OwnerReferences, ok = interned(b.owners, owners, func(m *metav1.ObjectMeta) []metav1.OwnerReference { return m.OwnerReferences }); ok {
		meta.Labels, ok = interned(b.labels, labels, func(m *metav1.ObjectMeta) map[string]string { return b.common(m.Labels) })
	}
	meta.Namespace = b.text(meta.Namespace)
	return ok
}

// text is the same string for all that is alike.
func (b *brief) text(s string) string {
	if known, ok := b.texts[s]; ok {
		return known
	}
	b.texts[s] = s
	return s
}

// common are labels whose names and values are in memory once.
func (b *brief) common(labels map[string]string) map[string]string {
	for k, v := range labels {
		delete(labels, k)
		labels[b.text(k)] = b.text(v)
	}
	return labels
}

// interned is what the protobuf form of some fields of an object's metadata says: the same value for the
// same form.
func interned[T any](known map[string]T, form []byte, of func(*metav1.ObjectMeta) T) (T, bool) {
	if v, ok := known[string(form)]; ok {
		return v, true
	}
	var meta metav1.ObjectMeta
	if err := meta.Unmarshal(form); err != nil {
		return of(&meta), false
	}
	v := of(&meta)
	known[string(form)] = v
	return v, true
}

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
