package efficiency

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// HeapOverLimit finds runtimes that are told to let their heap grow as far as the memory limit, or beyond.
var HeapOverLimit = rule.Check{
	ID: "heap-over-limit", Title: "its heap may grow beyond its memory limit", Doc: rule.ReadDoc(docs, "heap_over_limit.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		budgets(p, func(b budget) {
			for _, c := range b.running() {
				limit := b.limit(c, corev1.ResourceMemory)
				if whole := b.podLimit(corev1.ResourceMemory); whole.set() && (!limit.set() || whole.Cmp(limit.Quantity) < 0) {
					limit = whole
				}
				if !limit.set() {
					continue
				}
				if h := p.HeapFlag(c); h != nil && h.Of(limit.Value()) >= limit.Value() {
					reportHeap(p, c.Name, limit, h)
				}
			}
		})
	},
}

func reportHeap(p *rule.Pass, container string, limit *amount, h *rule.HeapFlag) {
	f := rule.Finding{
		Object: h.Setting.Object, Seen: p.Object.In(container), Field: h.Setting.Path, Value: h.Flag,
		Label: fmt.Sprintf("%s may take %s for its heap alone", h.Runtime, mebibytes(h.Of(limit.Value()))),
		Message: fmt.Sprintf("container %q: %s lets the heap grow to %s, and its memory limit is %s: the kernel kills it before the runtime would say that the heap is full",
			container, h.Flag, mebibytes(h.Of(limit.Value())), limit),
	}
	if h.Runtime == "Go" { // a goal for the garbage collector, and no size that is set aside
		f.Severity = rule.Medium
		f.Message = fmt.Sprintf("container %q: %s lets the garbage collector wait until %s are in use, and its memory limit is %s: the kernel kills it first", container, h.Flag, mebibytes(h.Of(limit.Value())), limit)
	}
	if limit.At() != nil && h.Setting.Object.Same(p.Object.Ref) {
		f.Marks = []rule.Mark{{Field: limit.At(), Label: "the kernel kills it here"}}
	}
	smaller := h.Smaller(limit.Value() * knowledge.HeapShare / 100)
	fix := &rule.Fix{
		Title:         fmt.Sprintf("leave the rest of the process a quarter of the limit: %s", smaller),
		Caution:       "a heap that is too small for the program fills, and the runtime says so: raise the memory limit in that case",
		Applicability: rule.NeedsThought, Object: h.Setting.Object,
	}
	if shared := h.Setting.Shared(); shared != "" {
		fix.Caution += "; " + shared
	}
	switch {
	case h.Masked(): // what holds a password is neither drawn nor put into a command
		f.Object, f.Field = h.Parent.Object, h.Parent.Path
	case !p.Frozen(h.Setting):
		fix.Patch = p.Change(h.Setting, h.Text, h.With(smaller))
		if !p.Files {
			fix.Command = p.ChangeCommand(h.Setting.Object, fix.Patch)
		}
	}
	f.Fix = fix
	p.Report(f)
}

// mebibytes words a size as people write one.
func mebibytes(bytes int64) string {
	const mebi = 1 << 20
	if bytes%(mebi<<10) == 0 {
		return fmt.Sprintf("%dGi", bytes/(mebi<<10))
	}
	return fmt.Sprintf("%dMi", bytes/mebi)
}
