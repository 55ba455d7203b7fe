package efficiency

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// From how many times the request a limit is far from it, and from how many it is very far.
const (
	farFactor     = 4
	veryFarFactor = 10
)

// MemoryLimitFarFromRequest finds containers that may take many times the memory that was kept for
// them.
var MemoryLimitFarFromRequest = rule.Check{
	ID: "memory-limit-far-from-request", Title: "memory limit is a multiple of the request", Doc: rule.ReadDoc(docs, "memory_limit_far_from_request.md"),
	Dimension: rule.Efficiency, Severity: rule.Low, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		budgets(p, func(b budget) {
			if request := b.podRequest(corev1.ResourceMemory); request != nil {
				// The pod's own numbers are those that count, whatever its containers say.
				if limit := b.podLimit(corev1.ResourceMemory); limit != nil {
					farApart(p, p.Object.Ref, b.t.SpecPath(), limit, request)
				}
				return
			}
			for _, c := range b.running() {
				farApart(p, p.Object.In(c.Name), c.Path, b.limit(c, corev1.ResourceMemory), b.request(c, corev1.ResourceMemory))
			}
		})
	},
}

// farApart compares the limit and the request of a container, or of the pod as a whole.
func farApart(p *rule.Pass, seen snapshot.Ref, parent *field.Path, limit, request *amount) {
	if !limit.set() || !request.set() || request.Cmp(leastMemory) < 0 { // which memory-unit-slip reports
		return
	}
	factor := limit.AsApproximateFloat64() / request.AsApproximateFloat64()
	if factor < farFactor {
		return
	}
	asked := resources(parent, "requests", corev1.ResourceMemory)
	f := rule.Finding{
		Seen: seen, Field: limit.At(), Value: limit.String(), Label: "what the node has to give in the end",
		Message: fmt.Sprintf("%s may take %s, %s times the %s that it requests: the scheduler counts the request, the node pays the limit",
			who(seen), limit, times(factor), request),
		Marks: []rule.Mark{{Field: asked, Label: "what the scheduler counts"}},
	}
	if limit.At() == nil { // the limit is a LimitRange's: the request is what can be changed here
		f.Field, f.Value, f.Label, f.Marks = asked, request.String(), "what the scheduler counts", nil
		if request.At() == nil {
			f.Value, f.Label = "", ""
			f.Message += "; both are the LimitRange's defaults"
		}
	}
	if factor >= veryFarFactor {
		f.Severity = rule.Medium
	}
	f.Fix = &rule.Fix{
		Title:         "request what it may take, or limit it to less",
		Caution:       fmt.Sprintf("with a request of %s fewer pods fit on a node; where it never comes near the limit, lower the limit instead", limit),
		Applicability: rule.NeedsThought,
		Patch:         p.Put(asked, limit.String()),
		YAML:          rule.Nest(limit.String(), "resources", "requests", "memory"),
	}
	f.Fix.Command = p.Live(f.Fix.Patch)
	p.Report(f)
}

// who is the container that a finding speaks of, or the pod as a whole.
func who(seen snapshot.Ref) string {
	if seen.Container == "" {
		return "the pod"
	}
	return fmt.Sprintf("container %q", seen.Container)
}

// times words a factor: 4.5, 16.
func times(factor float64) string {
	decimals := 1
	if factor >= veryFarFactor || factor == float64(int(factor)) {
		decimals = 0
	}
	return strconv.FormatFloat(factor, 'f', decimals, 64)
}
