package efficiency

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ResourcesUnequal finds containers whose requests are not their limits. Few want them to be.
var ResourcesUnequal = rule.Check{
	ID: "resources-unequal", Title: "requests differ from limits", Doc: rule.ReadDoc(docs, "resources_unequal.md"),
	Dimension: rule.Efficiency, Severity: rule.Info, Off: true, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		budgets(p, func(b budget) {
			if b.t.Spec.Resources != nil {
				// The pod's own numbers decide about its class, whatever its containers say.
				unequal(p, p.Object.Ref, b.t.SpecPath(), b.podRequest, b.podLimit)
				return
			}
			for _, c := range b.running() {
				unequal(p, p.Object.In(c.Name), c.Path,
					func(name corev1.ResourceName) *amount { return b.request(c, name) },
					func(name corev1.ResourceName) *amount { return b.limit(c, name) })
			}
		})
	},
	Peers: map[string][]string{"kube-score": {
		"container-resource-requests-equal-limits", "container-cpu-requests-equal-limits", "container-memory-requests-equal-limits",
		"container-ephemeral-storage-request-equals-limit",
	}},
}

// unequal compares requests with limits, where there are both.
func unequal(p *rule.Pass, seen snapshot.Ref, parent *field.Path, request, limit func(corev1.ResourceName) *amount) {
	var words []string
	var values []rule.Value
	var at *amount
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
		r, l := request(name), limit(name)
		if !r.set() || !l.set() || r.Cmp(l.Quantity) == 0 {
			continue
		}
		if at == nil {
			at = r
		}
		words = append(words, fmt.Sprintf("%s %s of %s", name, r, l))
		values = append(values, rule.Value{Path: resources(parent, "requests", name), Value: l.String()})
	}
	if len(words) == 0 {
		return
	}
	f := rule.Finding{
		Seen: seen, Field: at.At(), Label: "less than the limit",
		Message: fmt.Sprintf("%s requests less than its limits: %s", who(seen), strings.Join(words, ", ")),
	}
	if at.At() == nil {
		f.Field = parent.Child("resources")
	} else {
		f.Value = at.String()
	}
	patch := rule.PutAllIn(p.Object, values...)
	f.Fix = &rule.Fix{
		Title: "request what it may take", Caution: "fewer pods fit on a node, and what they do not use lies idle",
		Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
	}
	p.Report(f)
}
