package policy

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// QuotaOverCapacity finds quotas that nobody can reach.
var QuotaOverCapacity = rule.Check{
	ID: "quota-over-capacity", Title: "quota that is larger than the cluster", Doc: rule.ReadDoc(docs, "quota_over_capacity.md"),
	Dimension: rule.Policy, Severity: rule.Low, Off: true, On: rule.Kinds(snapshot.ResourceQuotaKind), Needs: []schema.GroupKind{snapshot.NodeKind},
	Applies: func(p *rule.Pass) bool {
		t, ok := p.Object.Typed.(*corev1.ResourceQuota)
		if !ok || len(promised(t)) == 0 || p.Files && !p.Closed {
			return false
		}
		return !p.ListRead(snapshot.NodeKind, "") || capacityOf(p.Snapshot).nodes > 0
	},
	Run: func(p *rule.Pass) {
		t, ok := p.Object.Typed.(*corev1.ResourceQuota)
		if !ok {
			return
		}
		c := capacityOf(p.Snapshot)
		for _, name := range promised(t) {
			hard, all := t.Spec.Hard[name], c.of(name)
			if hard.Cmp(all) <= 0 {
				continue
			}
			at := field.NewPath("spec", "hard").Key(string(name))
			p.Report(rule.Finding{
				Field: at, Value: hard.String(), Certainty: rule.Likely, Label: "more than there is", // nodes may be added as needed
				Message: fmt.Sprintf("%s %s is more than all nodes have together, %s on %s: it bounds nothing", name, hard.String(), rounded(name, all), rule.Count(c.nodes, "node")),
			}).WithFix(rule.Fix{
				Title: "set what the namespace may really take, somewhat above what it requests now", Applicability: rule.Placeholders,
				Patch: p.Put(at, placeholder(name)), YAML: "spec:\n  hard:\n    " + string(name) + ": " + placeholder(name) + "\n", Caution: "what is more than that is refused from then on, also while a rollout has old and new pods",
			})
		}
	},
}

// promised are the entries of a quota that bound what its pods request of CPU and memory, the plain names being short
// for the requests. Limits may be more than there is: few reach theirs at once.
func promised(t *corev1.ResourceQuota) []corev1.ResourceName {
	var names []corev1.ResourceName
	for _, name := range []corev1.ResourceName{corev1.ResourceRequestsCPU, corev1.ResourceCPU, corev1.ResourceRequestsMemory, corev1.ResourceMemory} {
		if _, ok := t.Spec.Hard[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

func placeholder(name corev1.ResourceName) string {
	if isCPU(name) {
		return "<CPU>"
	}
	return "<MEMORY>"
}

func isCPU(name corev1.ResourceName) bool {
	return name == corev1.ResourceRequestsCPU || name == corev1.ResourceCPU
}

// rounded is a sum as people say it.
func rounded(name corev1.ResourceName, q resource.Quantity) string {
	if isCPU(name) {
		return q.String() + " CPU"
	}
	const gi = 1 << 30
	if n := q.Value(); n >= 10*gi {
		return fmt.Sprintf("%dGi", n/gi)
	}
	return q.String()
}

// capacity is what the nodes of a cluster have for pods, together.
type capacity struct {
	nodes       int
	cpu, memory resource.Quantity
}

func (c capacity) of(name corev1.ResourceName) resource.Quantity {
	if isCPU(name) {
		return c.cpu
	}
	return c.memory
}

type capacityKey struct{}

func capacityOf(s *snapshot.Snapshot) capacity {
	return snapshot.Derived(s, capacityKey{}, func() capacity {
		var c capacity
		for _, o := range s.List(snapshot.NodeKind, "") {
			t, ok := o.Typed.(*corev1.Node)
			if !ok || t.DeletionTimestamp != nil || len(t.Status.Allocatable) == 0 {
				continue
			}
			c.nodes++
			c.cpu.Add(*t.Status.Allocatable.Cpu())
			c.memory.Add(*t.Status.Allocatable.Memory())
		}
		return c
	})
}
