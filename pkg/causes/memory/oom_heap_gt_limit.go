package memory

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
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
	Wants: wantsOfHeaps,
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
			if h := p.HeapFlag(c); h != nil && h.Of(limit.Value()) > limit.Value()*knowledge.HeapShare/100 {
				reportHeap(p, c, d, limit, h)
			}
		}
	},
}

// wantsOfHeaps asks for what the other causes of this group ask for too; a heap may call for a limit that is
// more than twice the present one.
func wantsOfHeaps(p *rule.Pass) []snapshot.Want {
	wants := wantsOfKilled(p)
	for _, c := range p.Object.PodContainers() {
		limit, has := own(c)
		if _, ok := oomKilled(p, c); !ok || !has || limit.Value() <= 0 {
			continue
		}
		if h := p.HeapFlag(c); h != nil && h.Bytes > limit.Value()*knowledge.HeapShare/100 {
			wants = append(wants, p.WantCeilings(corev1.ResourceMemory, limitFor(h))...)
		}
	}
	return wants
}

// limitFor is the limit that leaves a heap of a fixed size a quarter for the rest of the process.
func limitFor(h *rule.HeapFlag) resource.Quantity {
	return resource.MustParse(size(h.Bytes * 100 / knowledge.HeapShare))
}

func reportHeap(p *rule.Pass, c snapshot.Container, d *rule.Death, limit resource.Quantity, h *rule.HeapFlag) {
	f := rule.Finding{
		Object: h.Setting.Object, Seen: p.Object.In(c.Name), Field: h.Setting.Path, Value: h.Flag,
		Message:   fmt.Sprintf("%s lets the heap grow to %s, and the memory limit is %s: %s", h.Flag, size(h.Of(limit.Value())), limit.String(), killedText(d)),
		Label:     fmt.Sprintf("%s may take %s for its heap alone", h.Runtime, size(h.Of(limit.Value()))),
		Evidence:  append([]rule.Evidence{p.DeathEvidence(c, d)}, p.LastLogLines(c, 1)...),
		Certainty: rule.Likely,
		History:   d.Over,
		Stage:     stage(c),
		RuledOut:  append([]string{"a heap that is full: then the runtime says so itself, and the exit code is not 137"}, notNode(p)...),
	}
	setting := p.ContainerSetting(c).Child("resources", "limits", "memory")
	if h.Percent > 0 {
		f.Message = fmt.Sprintf("%s lets the heap grow to %s of its %s memory limit, and leaves %.0f%% of it for all else: %s",
			h.Flag, size(h.Of(limit.Value())), limit.String(), max(0, 100-h.Percent), killedText(d))
	}
	if v := h.Variable; v != nil && v.From.Name != "" {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: "env", Text: fmt.Sprintf("the variable %s comes from key %s of %s", v.Name, v.Key, v.From.String())})
	}
	if h.Setting.Object.Same(setting.Object) && p.Has(setting) {
		f.Marks = []rule.Mark{{Field: setting.Path, Label: "the kernel kills the container here"}}
	}
	f.Fix = heapFix(p, c, &f, limit, h, setting)
	if h.Masked() { // the value is not drawn where it holds a password
		f.Object, f.Field = h.Parent.Object, h.Parent.Path
		if f.Fix.Object.Same(h.Setting.Object) {
			f.Fix.Patch, f.Fix.Command = nil, nil
		}
	}
	p.Report(f)
}

// heapFix makes the two agree: a limit for the heap that is wanted, or where that is a share of the
// limit, a smaller share.
func heapFix(p *rule.Pass, c snapshot.Container, f *rule.Finding, limit resource.Quantity, h *rule.HeapFlag, setting rule.Setting) *rule.Fix {
	smaller := h.Smaller(limit.Value() * knowledge.HeapShare / 100)
	if h.Percent > 0 {
		fix := &rule.Fix{
			Title:         fmt.Sprintf("leave the rest of the process a quarter of the limit: %s", smaller),
			Caution:       "a heap that is too small for the program then fills, and says so in its log: raise the limit in that case",
			Applicability: rule.NeedsThought,
		}
		return changeHeap(p, fix, h, smaller)
	}
	grown := limitFor(h)
	needs := grown.String()
	if ceiling := p.Ceiling(rule.Growth{Container: c, Resource: corev1.ResourceMemory, From: limit, To: grown}); ceiling != nil {
		f.Evidence = append(f.Evidence, ceiling.Evidence)
		fix := &rule.Fix{
			Title:         fmt.Sprintf("lower the heap to %s, which fits the limit; a limit of %s must wait for %s", smaller, needs, ceiling.Owner),
			Caution:       ceiling.Words + "; a heap that is too small for the program then fills, and says so in its log",
			Applicability: rule.NeedsThought,
		}
		return changeHeap(p, fix, h, smaller)
	}
	return &rule.Fix{
		Title:         fmt.Sprintf("give the heap of %s a limit of %s, or lower it to %s", size(h.Bytes), needs, smaller),
		Caution:       fmt.Sprintf("%s leaves a quarter for what is not heap: stacks, code, buffers; %s keeps the limit and may be too little for the program", needs, smaller),
		Applicability: rule.NeedsThought,
		Object:        setting.Object,
		Patch:         p.Change(setting, limit.String(), needs),
		Command:       p.SetResources(setting.Object, c.Name, "", "memory="+needs),
	}
}

// changeHeap makes a fix change the flag where it is written.
func changeHeap(p *rule.Pass, fix *rule.Fix, h *rule.HeapFlag, flag string) *rule.Fix {
	fix.Object = h.Setting.Object
	if shared := h.Setting.Shared(); shared != "" {
		fix.Caution += "; " + shared
	}
	if p.Frozen(h.Setting) {
		fix.Caution += fmt.Sprintf("; %s is immutable: make a new one and name that", h.Setting.Object.String())
		return fix
	}
	fix.Patch = p.Change(h.Setting, h.Text, h.With(flag))
	fix.Command = p.ChangeCommand(h.Setting.Object, fix.Patch)
	return fix
}
