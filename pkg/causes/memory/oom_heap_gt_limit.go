package memory

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// OOMHeapGtLimit finds containers that were killed at a memory limit which their runtime was told to
// outgrow.
var OOMHeapGtLimit = rule.Cause{
	ID: "oom-heap-gt-limit", Title: "its heap may outgrow its memory limit", Doc: rule.ReadDoc(docs, "oom_heap_gt_limit.md"),
	Stage: rule.StageExit, Beats: []string{"oom-own-limit", "oom-tmpfs", "app-exit", "init-failing", "restart-after-long-run"}, On: rule.Pods,
	Wants: logOfKilled,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			d, ok := oomKilled(p, c)
			if !ok {
				continue
			}
			limit, ok := own(c)
			if !ok || limit.Value() <= 0 {
				continue
			}
			if h := heapOf(p, c); h != nil && h.of(limit) > limit.Value()*knowledge.HeapShare/100 {
				reportHeap(p, c, d, limit, h)
			}
		}
	},
}

// heap is a flag that says how large a runtime's heap may grow, and where it is written.
type heap struct {
	knowledge.Heap
	setting rule.Setting
	text    string // all that stands there
}

// of is the size of the heap under a limit.
func (h *heap) of(limit resource.Quantity) int64 {
	if h.Bytes > 0 {
		return h.Bytes
	}
	return int64(h.Percent * float64(limit.Value()) / 100)
}

// heapOf finds the flag in the container's arguments or, else, in its variables; nil for none. Of values from
// a Secret or ConfigMap nothing is known.
func heapOf(p *rule.Pass, c snapshot.Container) *heap {
	container := p.ContainerSetting(c)
	for _, w := range []struct {
		field string
		words []string
	}{{"args", c.Args}, {"command", c.Command}} {
		for i := len(w.words) - 1; i >= 0; i-- {
			if h, ok := knowledge.HeapIn(w.words[i]); ok {
				return &heap{h, container.Child(w.field).Index(i), w.words[i]}
			}
		}
	}
	for i := len(c.Env) - 1; i >= 0; i-- {
		h, ok := knowledge.HeapIn(c.Env[i].Value)
		if c.Env[i].Name == "GOMEMLIMIT" {
			h, ok = knowledge.GoMemoryLimit(c.Env[i].Value)
		}
		if ok {
			return &heap{h, container.Child("env").Index(i).Child("value"), c.Env[i].Value}
		}
	}
	return nil
}

func reportHeap(p *rule.Pass, c snapshot.Container, d *rule.Death, limit resource.Quantity, h *heap) {
	f := rule.Finding{
		Object: h.setting.Object, Seen: p.Object.In(c.Name), Field: h.setting.Path, Value: h.Flag,
		Message:   fmt.Sprintf("%s lets the heap grow to %s, and the memory limit is %s: %s", h.Flag, size(h.of(limit)), limit.String(), killedText(d)),
		Label:     fmt.Sprintf("%s may take %s for its heap alone", h.Runtime, size(h.of(limit))),
		Evidence:  append([]rule.Evidence{p.DeathEvidence(c, d)}, p.LastLogLines(c, 1)...),
		Certainty: rule.Likely,
		History:   d.Over,
		Stage:     stage(c),
		RuledOut:  append([]string{"a heap that is full: then the runtime says so itself, and the exit code is not 137"}, notNode(p)...),
	}
	setting := p.ContainerSetting(c).Child("resources", "limits", "memory")
	if h.Percent > 0 {
		f.Message = fmt.Sprintf("%s lets the heap grow to %s of its %s memory limit, and leaves %.0f%% of it for all else: %s",
			h.Flag, size(h.of(limit)), limit.String(), max(0, 100-h.Percent), killedText(d))
	}
	if h.setting.Object.Same(setting.Object) && p.Has(setting) {
		f.Marks = []rule.Mark{{Field: setting.Path, Label: "the kernel kills the container here"}}
	}
	f.Fix = heapFix(p, c, limit, h, setting)
	if knowledge.Mask(h.text) != h.text { // the value is not drawn where it holds a password
		f.Field = parentOf(c, h, p).Path
		f.Fix.Patch, f.Fix.Command = nil, nil
	}
	p.Report(f)
}

// parentOf is what holds the text of a heap flag: the variable, or the list of words.
func parentOf(c snapshot.Container, h *heap, p *rule.Pass) rule.Setting {
	container := p.ContainerSetting(c)
	for i := range c.Env {
		if entry := container.Child("env").Index(i); strings.HasPrefix(h.setting.Path.String(), entry.Path.String()+".") {
			return entry
		}
	}
	if slices.Contains(c.Args, h.text) {
		return container.Child("args")
	}
	return container.Child("command")
}

// heapFix makes the two agree: a limit for the heap that is wanted, or where that is a share of the
// limit, a smaller share.
func heapFix(p *rule.Pass, c snapshot.Container, limit resource.Quantity, h *heap, setting rule.Setting) *rule.Fix {
	smaller := h.Smaller(limit.Value() * knowledge.HeapShare / 100)
	if h.Percent > 0 {
		fix := &rule.Fix{
			Title:         fmt.Sprintf("leave the rest of the process a quarter of the limit: %s", smaller),
			Caution:       "a heap that is too small for the program then fills, and says so in its log: raise the limit in that case",
			Applicability: rule.NeedsThought,
			Patch:         p.Change(h.setting, h.text, strings.ReplaceAll(h.text, h.Flag, smaller)),
		}
		fix.Command = p.ChangeCommand(h.setting.Object, fix.Patch)
		return fix
	}
	needs := size(h.Bytes * 100 / knowledge.HeapShare)
	return &rule.Fix{
		Title:         fmt.Sprintf("give the heap of %s a limit of %s, or lower it to %s", size(h.Bytes), needs, smaller),
		Caution:       fmt.Sprintf("%s leaves a quarter for what is not heap: stacks, code, buffers; %s keeps the limit and may be too little for the program", needs, smaller),
		Applicability: rule.NeedsThought,
		Object:        setting.Object,
		Patch:         p.Change(setting, limit.String(), needs),
		Command:       p.SetResources(setting.Object, c.Name, "", "memory="+needs),
	}
}
