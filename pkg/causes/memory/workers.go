package memory

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// workerCount is how many processes a container was told to start, and where that is written.
type workerCount struct {
	knowledge.Workers
	setting rule.Setting
	text    string
}

// workersOf finds that number in the arguments of a container or, else, in its variables; nil for none.
func workersOf(p *rule.Pass, c snapshot.Container) *workerCount {
	container := p.ContainerSetting(c)
	for _, list := range []struct {
		field string
		words []string
	}{{"args", c.Args}, {"command", c.Command}} {
		if w, ok := knowledge.WorkersIn(list.words, c.Image); ok {
			return &workerCount{w, container.Child(list.field).Index(w.Word), list.words[w.Word]}
		}
	}
	variables, _ := p.Variables(c)
	for i := len(variables) - 1; i >= 0; i-- {
		if w, ok := knowledge.WorkersOf(variables[i].Name, variables[i].Value); ok && variables[i].Known {
			return &workerCount{w, variables[i].Setting, variables[i].Value}
		}
	}
	return nil
}

// shareOut adds to a finding that several processes share one limit: half as many is another way than a larger
// limit, and the only one where that may not grow.
func shareOut(p *rule.Pass, c snapshot.Container, f *rule.Finding, limit resource.Quantity) {
	w := workersOf(p, c)
	if w == nil {
		perCPU(p, c, f)
		return
	}
	const mi = 1 << 20
	each := size(max(1, limit.Value()/int64(w.Count)/mi*mi))
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: w.setting.Path.String(),
		Text: fmt.Sprintf("%s: %d workers share the %s limit, %s for each", w.Flag, w.Count, limit.String(), each)})
	f.Message += fmt.Sprintf("; its %d workers (%s) share that", w.Count, w.Flag)
	half := w.Count / 2
	f.Fix.Caution += fmt.Sprintf(". %d workers hold %d times what one does; %d would take about half, and serve fewer requests at once", w.Count, w.Count, half)
	if shared := w.setting.Shared(); shared != "" {
		f.Fix.Caution += "; " + shared
	}
	if knowledge.Mask(w.text) != w.text || p.Frozen(w.setting) {
		f.Fix.Title = "have fewer workers, or: " + f.Fix.Title
		return
	}
	fewer := p.Change(w.setting, w.text, w.With(half))
	command := p.PatchCommand(w.setting.Object, fewer)
	if len(f.Fix.Command) == 0 {
		f.Fix.Title = fmt.Sprintf("have fewer workers: %d instead of %d; %s", half, w.Count, f.Fix.Title)
		f.Fix.Object, f.Fix.Patch, f.Fix.Command = w.setting.Object, fewer, command
		return
	}
	f.Fix.Title = fmt.Sprintf("%s; or have fewer workers, %d instead of %d", f.Fix.Title, half, w.Count)
	f.Fix.Lines = append(f.Fix.Lines, fmt.Sprintf("or %d workers, and the limit as it is:", half), p.Line(command...))
}

// perCPU adds a hint: one process for each CPU of the node, of which the container may use a few.
func perCPU(p *rule.Pass, c snapshot.Container, f *rule.Finding) {
	if !knowledge.WorkerPerCPU(c.Args) && !knowledge.WorkerPerCPU(c.Command) {
		return
	}
	text := "worker_processes auto: one worker for each CPU of the node, whatever the container's limit"
	if o, _ := p.Lookup(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName); o != nil {
		if n, ok := o.Typed.(*corev1.Node); ok {
			if q, ok := n.Status.Capacity[corev1.ResourceCPU]; ok {
				text += fmt.Sprintf("; node/%s has %s", n.Name, q.String())
			}
		}
	}
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: "args", Text: text})
}
