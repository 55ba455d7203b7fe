package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// stuck is how long past its grace period a deletion must be for that to mean something.
const stuck = 30 * time.Second

// TerminatingFinalizer finds objects that were deleted and whose finalizer nobody removes.
var TerminatingFinalizer = rule.Cause{
	ID: "terminating-finalizer", Title: "is deleted, and a finalizer keeps it", Doc: rule.ReadDoc(docs, "terminating_finalizer.md"),
	Peers: map[string][]string{"popeye": {"POP-200", "POP-201"}},
	Stage: rule.StageStuckDeletion, On: rule.Everything,
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod == nil {
			objectKept(p)
			return
		}
		names := foreign(pod.Finalizers)
		if pod.DeletionTimestamp == nil || len(names) == 0 || p.Now.Sub(pod.DeletionTimestamp.Time) < stuck || !stopped(p) {
			return
		}
		age := rule.Human(p.Age(pod.DeletionTimestamp.Time))
		path := field.NewPath("metadata", "finalizers")
		index := 0
		for i, name := range pod.Finalizers {
			if name == names[0] {
				index = i
			}
		}
		f := rule.Finding{
			Object: p.Object.Ref, Field: path.Index(index), Value: names[0], Certainty: rule.Certain,
			Message:  fmt.Sprintf("was to be gone %s ago; its containers have stopped, and finalizer %s is still there", age, strings.Join(names, ", ")),
			Label:    "whoever set this removes it when its work is done",
			Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "metadata.deletionTimestamp", Time: pod.DeletionTimestamp.Time, Text: "deletionTimestamp passed, phase " + string(pod.Status.Phase) + ", no container runs"}},
			RuledOut: []string{"a grace period that goes on: it is over", "a node that does not answer: the kubelet has stopped the containers"},
		}
		if c := rule.Disruption(pod); c.Reason == byPodGC { // nobody has seen its containers stop
			f.Message = fmt.Sprintf("was to be gone %s ago; its node does not exist any more, and finalizer %s is still there", age, strings.Join(names, ", "))
			f.Evidence[0].Text = "deletionTimestamp passed, and the pod was marked as failed: " + c.Message
			f.RuledOut = []string{"a grace period that goes on: there is nobody left to wait for"}
		} else if pod.Spec.NodeName == "" {
			f.Message = fmt.Sprintf("was to be gone %s ago; it never had a node, and finalizer %s is still there", age, strings.Join(names, ", "))
			f.RuledOut = []string{"a grace period that goes on: no container was ever started"}
		}
		f.Fix = withoutFinalizer(p, index, names[0])
		p.Report(f)
	},
}

// deletedLong is how long an object that is no pod must have been deleted: what finalizers stand for, such as
// a load balancer that is taken down, takes its time.
const deletedLong = time.Minute

// objectKept looks at what is no pod. Namespaces, claims and volumes have causes of their own.
func objectKept(p *rule.Pass) {
	switch p.Object.GroupKind() {
	case snapshot.NamespaceKind, snapshot.PVCKind, snapshot.PVKind:
		return
	}
	at := p.Object.Meta.GetDeletionTimestamp()
	names := foreign(p.Object.Meta.GetFinalizers())
	if at == nil || len(names) == 0 || p.Age(at.Time) < deletedLong {
		return
	}
	index := slices.Index(p.Object.Meta.GetFinalizers(), names[0])
	p.Report(rule.Finding{
		Object: p.Object.Ref, Field: field.NewPath("metadata", "finalizers").Index(index), Value: names[0], Certainty: rule.Certain,
		Message:  fmt.Sprintf("was deleted %s ago, and finalizer %s keeps it", rule.Human(p.Age(at.Time)), strings.Join(names, ", ")),
		Label:    "whoever set this removes it when its work is done",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "metadata.deletionTimestamp", Time: at.Time, Text: "deletionTimestamp is set, and metadata.finalizers is not empty"}},
		RuledOut: []string{"what it leads to: an object without finalizers goes at once, however its pods are"},
		Fix:      withoutFinalizer(p, index, names[0]),
	})
}

// withoutFinalizer is the way out where nobody removes a finalizer.
func withoutFinalizer(p *rule.Pass, index int, name string) *rule.Fix {
	at := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("metadata", "finalizers")}
	fix := &rule.Fix{
		Title:         fmt.Sprintf("see why %s does not do its work; the command skips that work", keeper(name)),
		Caution:       "what the finalizer is for (a backup, a lease, an entry elsewhere) is then never done: find its controller first",
		Applicability: rule.NeedsThought,
		Patch:         &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: at.Index(index).Pointer(), Value: name}, {Op: "remove", Path: at.Index(index).Pointer()}}},
	}
	fix.Lines = []string{p.Line(p.PatchCommand(p.Object.Ref, fix.Patch)...)}
	return fix
}

// keeper is who is to remove a finalizer.
func keeper(name string) string {
	switch name {
	case "service.kubernetes.io/load-balancer-cleanup":
		return "the cloud's controller, which removes " + name + " once the load balancer is gone,"
	case batchv1.JobTrackingFinalizer:
		return "the Job controller (of kube-controller-manager), which removes " + name + " once it has counted the pod,"
	}
	return "the controller behind " + name
}

// foreign are the finalizers but for those that the garbage collector removes by itself.
func foreign(list []string) []string {
	var names []string
	for _, name := range list {
		if name != metav1.FinalizerDeleteDependents && name != metav1.FinalizerOrphanDependents {
			names = append(names, name)
		}
	}
	return names
}

// stopped tells whether no container of the pod runs, by the kubelet's own word.
func stopped(p *rule.Pass) bool {
	pod := p.Object.Pod()
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed || pod.Spec.NodeName == "" {
		return true
	}
	for _, c := range p.Object.PodContainers() {
		if c.Status == nil || c.Status.State.Running != nil {
			return false
		}
	}
	return nodeOf(p) != nil && rule.NodeReady(nodeOf(p)) != corev1.ConditionUnknown
}
