package efficiency

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RequestsNominal finds requests that are there, and so small that they say nothing.
var RequestsNominal = rule.Check{
	ID: "requests-nominal", Title: "requests that are a formality", Doc: rule.ReadDoc(docs, "requests_nominal.md"),
	Dimension: rule.Efficiency, Severity: rule.Low, Off: true, On: rule.Workloads,
	// The numbers are ours: the smallest things that run, such as the pause container or a program in Go that does nothing
	// but wait, need about a thousandth of a CPU and a few MiB.
	Numbers: map[string]rule.Number{"millicores": {Value: 1, Least: 1, Most: 1000}, "mebibytes": {Value: 4, Least: 1, Most: 1024}},
	Applies: func(p *rule.Pass) bool { return !noReplicas(p.Object) && bothRequested(p) },
	Run: func(p *rule.Pass) {
		little := corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewMilliQuantity(int64(p.Number("millicores")), resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity(int64(p.Number("mebibytes"))<<20, resource.BinarySI),
		}
		budgets(p, func(b budget) {
			cpu, memory := b.podRequest(corev1.ResourceCPU), b.podRequest(corev1.ResourceMemory)
			reportNominal(p, b.t.SpecPath(), "the pod", nominal(little, corev1.ResourceCPU, cpu), nominal(little, corev1.ResourceMemory, memory), nil)
			for _, c := range b.running() {
				var ofCPU, ofMemory *amount
				if !cpu.set() { // else the pod asks for it as a whole
					ofCPU = nominal(little, corev1.ResourceCPU, b.request(c, corev1.ResourceCPU))
				}
				if !memory.set() {
					ofMemory = nominal(little, corev1.ResourceMemory, b.request(c, corev1.ResourceMemory))
				}
				reportNominal(p, c.Path, fmt.Sprintf("container %q", c.Name), ofCPU, ofMemory, &c)
			}
		})
	},
}

// bothRequested tells whether all that runs in the pods of the object asks for CPU and memory.
func bothRequested(p *rule.Pass) bool {
	asked, missing := 0, 0
	budgets(p, func(b budget) {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			if b.podRequest(name).set() {
				asked++
				continue
			}
			for _, c := range b.running() {
				if b.request(c, name).set() {
					asked++
				} else {
					missing++
				}
			}
		}
	})
	return asked > 0 && missing == 0
}

// nominal is an amount that is no more than what counts as little; nil for one that is.
func nominal(little corev1.ResourceList, name corev1.ResourceName, a *amount) *amount {
	if !a.set() || a.Cmp(little[name]) > 0 {
		return nil
	}
	return a
}

func reportNominal(p *rule.Pass, path *field.Path, who string, cpu, memory *amount, c *snapshot.Container) {
	var of *amount
	name := corev1.ResourceCPU
	text := ""
	switch {
	case cpu != nil && memory != nil:
		of, text = cpu, fmt.Sprintf("%s of CPU and %s of memory", cpu, memory)
	case cpu != nil:
		of, text = cpu, fmt.Sprintf("%s of CPU", cpu)
	case memory != nil:
		of, name, text = memory, corev1.ResourceMemory, fmt.Sprintf("%s of memory", memory)
	default:
		return
	}
	f := rule.Finding{Value: of.String(), Label: "counts for nothing"}
	if c != nil {
		f.Seen = p.Object.In(c.Name)
	}
	given := ""
	if f.Field = of.At(); f.Field == nil {
		f.Field, f.Value = resources(path, "requests", name), ""
		f.Label = "not said here"
		given = ", by default of the namespace"
	}
	f.Message = fmt.Sprintf("%s asks for %s%s: the scheduler puts it on a full node, and under load it gets next to nothing", who, text, given)
	title, caution := "ask for what it uses on an ordinary day", "what is asked for must fit on a node; the change rolls all pods"
	if c == nil {
		p.Report(f).WithFix(rule.Fix{Title: title, Caution: caution, Applicability: rule.NeedsThought})
		return
	}
	placeholder := map[corev1.ResourceName]string{corev1.ResourceCPU: "<CPU>", corev1.ResourceMemory: "<MEMORY>"}[name]
	p.Report(f).WithFix(*ask(p, *c, title, caution, "requests", name, placeholder))
}

// noReplicas tells whether a workload is to have no pods.
func noReplicas(o *snapshot.Object) bool {
	none := func(n *int32) bool { return n != nil && *n == 0 }
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		return none(t.Spec.Replicas)
	case *appsv1.StatefulSet:
		return none(t.Spec.Replicas)
	case *appsv1.ReplicaSet:
		return none(t.Spec.Replicas)
	}
	return false
}
