package exits

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HeapExhaustedInside finds programs whose own runtime ran out of memory, below the container's limit.
var HeapExhaustedInside = logCause("heap-exhausted-inside", "its runtime's own heap is full", "heap_exhausted_inside.md",
	func(p *rule.Pass, c snapshot.Container, e *ended) []snapshot.Want {
		if e.what != "Java" && e.what != "Node" {
			return nil
		}
		wants := p.WantVariables(c)
		if p.HeapFlag(c) == nil {
			for _, s := range sources(p, c) { // of a Secret the names alone: does one hold the options?
				wants = append(wants, s.want)
			}
		}
		return wants
	}, reportHeap)

var (
	javaHeap = knowledge.Regexp(`java\.lang\.OutOfMemoryError: (Java heap space|GC overhead limit exceeded|Metaspace|Compressed class space|(?:Cannot reserve \d+ bytes of direct|Direct) buffer memory|Requested array size exceeds VM limit)`)
	nodeHeap = knowledge.Regexp(`FATAL ERROR: .*(?:heap out of memory|heap limit|Allocation failed)`)
	phpHeap  = knowledge.Regexp(`Allowed memory size of (\d+) bytes exhausted`)
	goHeap   = knowledge.Regexp(`^fatal error: (?:runtime: )?(?:out of memory|cannot allocate memory)`)
	netHeap  = knowledge.Regexp(`System\.OutOfMemoryException`)
	pyHeap   = knowledge.Regexp(`^(?:numpy\.\S*)?(?:_Array)?MemoryError\b`)
)

var heapReading = reading{
	words: knowledge.Regexp(`OutOfMemory|out of memory|heap limit|Allocation failed|MemoryError|Allowed memory size|cannot allocate memory`),
	read: func(lines []string, at int, exit int32) *reason {
		line := lines[at]
		r := &reason{cause: "heap-exhausted-inside"}
		switch m := javaHeap.FindStringSubmatch(line); {
		case exit == 137: // the kernel killed it, for its own reason
			return nil
		case m != nil:
			r.what, r.more = "Java", m[1]
		case nodeHeap.MatchString(line):
			r.what = "Node"
		case phpHeap.MatchString(line):
			r.what, r.more = "PHP", phpHeap.FindStringSubmatch(line)[1]
		case goHeap.MatchString(line):
			r.what = "Go"
		case netHeap.MatchString(line):
			r.what = ".NET"
		case pyHeap.MatchString(line):
			r.what = "Python"
		default:
			return nil
		}
		return r
	},
}

// javaDefault is which part of the container's memory a JVM takes as its largest heap where nothing says
// otherwise, in percent. Source: OpenJDK, MaxRAMPercentage.
const javaDefault = 25

func reportHeap(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	f.Message = fmt.Sprintf("its %s heap is full%s", e.what, e.ends())
	f.NoField = "the spec says nothing of the heap's size: the program or its image does"
	f.RuledOut = []string{fmt.Sprintf("a kill by the kernel at the memory limit: that would be exit 137, and it is %d", e.ExitCode)}
	f.Fix = &rule.Fix{Title: "let the heap be larger, or have the program need less", Applicability: rule.NeedsThought}
	limit := int64(0)
	if q, ok := c.Resources.Limits[corev1.ResourceMemory]; ok {
		limit = q.Value()
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: "resources.limits.memory", Text: "memory limit: " + q.String()})
	}
	switch e.what {
	case "Java":
		heapOfJava(p, c, e, limit, &f)
	case "Node":
		heapOfNode(p, c, e, limit, &f)
	case "PHP":
		f.Message = fmt.Sprintf("PHP stops it at its memory_limit of %s bytes%s", e.more, e.ends())
		f.NoField = "memory_limit stands in php.ini, in the image or in a volume"
		f.Fix.Title = "raise memory_limit in php.ini, or have the program need less"
	default:
		f.Message = fmt.Sprintf("its %s runtime could get no more memory%s", e.what, e.ends())
		f.NoField = "the container's memory limit does not refuse memory, it kills: something else does (ulimit, a request for very much at once)"
		f.Fix.Title = "see what it asked for: very much at once, or more than a ulimit allows"
	}
	p.Report(f)
}

const mebi = 1 << 20

func heapOfJava(p *rule.Pass, c snapshot.Container, e *ended, limit int64, f *rule.Finding) {
	f.Message = fmt.Sprintf("its JVM ran out of memory (%s)%s", e.more, e.ends())
	if e.more == "Metaspace" || e.more == "Compressed class space" || strings.Contains(e.more, "buffer") {
		f.NoField = "it is not the heap that -Xmx bounds"
		f.Fix.Title = "raise -XX:MaxMetaspaceSize or -XX:MaxDirectMemorySize, whichever it is, or see what leaks classes or buffers"
		return
	}
	if h := p.HeapFlag(c, "the JVM"); h != nil {
		f.Message = fmt.Sprintf("fills its heap, which %s bounds (%s)%s", h.Flag, e.more, e.ends())
		bounded(p, c, h, limit, f)
		return
	}
	if v := hidden(p, c, "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS", "_JAVA_OPTIONS"); v != nil {
		elsewhere(v, fmt.Sprintf("-Xmx, or -XX:MaxRAMPercentage=%d,", knowledge.HeapShare), f)
		return
	}
	if limit == 0 {
		f.NoField = fmt.Sprintf("without a memory limit and -Xmx the heap is %d%% of the node's memory", javaDefault)
		f.Fix.Title = "give it a memory limit and -XX:MaxRAMPercentage, or -Xmx"
		return
	}
	memory := p.ContainerSetting(c).Child("resources", "limits", "memory")
	point(f, memory, c.Resources.Limits.Memory().String(), fmt.Sprintf("a JVM takes %d%% of this for its heap, unless it is told otherwise", javaDefault))
	f.Message = fmt.Sprintf("fills its heap, by default %d%% of the %s limit (%s)%s", javaDefault, c.Resources.Limits.Memory(), e.more, e.ends())
	f.Fix.Title = fmt.Sprintf("let the heap be %d%% of the limit, or raise the limit", knowledge.HeapShare)
	f.Fix.Caution = heapCaution
	addOption(p, c, "JAVA_TOOL_OPTIONS", fmt.Sprintf("-XX:MaxRAMPercentage=%d", knowledge.HeapShare), f)
}

// heapCaution is what to think of before a heap may grow.
const heapCaution = "the rest is for threads, code and buffers; a leak fills the larger heap too, later"

// bounded tells of a heap that a flag bounds, and raises it to the part of the memory limit that a heap may
// take; where it has that already, the limit must grow first.
func bounded(p *rule.Pass, c snapshot.Container, h *rule.HeapFlag, limit int64, f *rule.Finding) {
	label := "the heap may be no larger than this"
	if h.Percent > 0 {
		label = "the heap may be no larger than this part of the container's memory"
	}
	point(f, h.Setting, h.Flag, label)
	if h.Masked() {
		point(f, h.Parent, h.Flag, label)
	}
	if v := h.Variable; v != nil && v.From.Name != "" {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: "env", Text: fmt.Sprintf("the variable %s comes from key %s of %s", v.Name, v.Key, v.From.String())})
	}
	room := limit * knowledge.HeapShare / 100 / mebi
	switch {
	case h.Percent >= knowledge.HeapShare:
		f.Fix.Title = "raise the memory limit, of which the heap is a part, or have the program need less"
	case h.Percent > 0:
		f.Fix.Title = fmt.Sprintf("let the heap be %d%% of the memory limit, or raise the limit", knowledge.HeapShare)
		f.Fix.Caution = heapCaution
		changeOption(p, h.Setting, h.Text, h.With(h.Smaller(0)), f)
	case limit > 0 && room*mebi > h.Bytes:
		f.Fix.Title = fmt.Sprintf("let the heap be %d MiB, %d%% of the memory limit", room, knowledge.HeapShare)
		f.Fix.Caution = heapCaution
		changeOption(p, h.Setting, h.Text, h.With(h.Smaller(room*mebi)), f)
	case limit > 0:
		f.Fix.Title = "raise the memory limit and then this; or have the program need less"
		f.Fix.Caution = fmt.Sprintf("it has %d%% of the memory limit or more already: the kernel would kill it if the heap alone grew", knowledge.HeapShare)
	default:
		const filler = 123456789
		f.Fix.Title = "let the heap be larger, and give the container a memory limit above it"
		f.Fix.Applicability = rule.Placeholders
		changeOption(p, h.Setting, h.Text, h.With(strings.Replace(h.Smaller(filler*mebi), strconv.Itoa(filler), "<MIB>", 1)), f)
	}
}

// changeOption makes the fix change the text of options where it is written: in the workload, or in the
// ConfigMap that a variable is taken from, which a variable of the workload would hide.
func changeOption(p *rule.Pass, s rule.Setting, seen, to string, f *rule.Finding) {
	f.Fix.Object = s.Object
	if shared := s.Shared(); shared != "" {
		f.Fix.Caution += "; " + shared
	}
	switch {
	case knowledge.Mask(seen) != seen:
		f.Fix.Caution += "; its value looks like it holds a password, so no command is printed"
	case p.Frozen(s):
		f.Fix.Caution += fmt.Sprintf("; %s is immutable: make a new one and name that", s.Object.String())
	default:
		f.Fix.Patch = s.ReplaceValue(seen, to)
		f.Fix.Command = p.PatchCommand(s.Object, f.Fix.Patch)
	}
}

// hidden is a variable with options of the runtime whose value was not read: a Secret has it, or a ConfigMap
// that could not be read; nil where there is none.
func hidden(p *rule.Pass, c snapshot.Container, names ...string) *rule.Variable {
	list, _ := p.Variables(c)
	for i := range list {
		if slices.Contains(names, list[i].Name) && !list[i].Known {
			return &list[i]
		}
	}
	return nil
}

// elsewhere tells of options that nobody but their owner can read.
func elsewhere(v *rule.Variable, option string, f *rule.Finding) {
	from := "a field of the pod"
	if v.From.Name != "" {
		from = fmt.Sprintf("key %s of %s", v.Key, v.From.String())
	}
	f.NoField = fmt.Sprintf("%s comes from %s, whose value was not read: it may bound the heap", v.Name, from)
	f.Fix.Title = fmt.Sprintf("see what %s says in %s, and set %s there", v.Name, from, option)
	f.Fix.Caution = fmt.Sprintf("a variable %s in the workload would hide all that it says; %s", v.Name, heapCaution)
}

// addOption makes the fix give a runtime one more option, in the variable that it takes options from. What
// that variable says already is kept, wherever it comes from.
func addOption(p *rule.Pass, c snapshot.Container, variable, option string, f *rule.Finding) {
	list, unread := p.Variables(c)
	for _, v := range list {
		if v.Name == variable && v.Known && strings.TrimSpace(v.Value) != "" {
			f.Fix.Title += fmt.Sprintf(": %s beside what %s has", option, variable)
			changeOption(p, v.Setting, v.Value, v.Value+" "+option, f)
			return
		}
	}
	for _, ref := range unread {
		f.Fix.Caution += fmt.Sprintf("; if %s, which envFrom takes whole and which was not read, has %s, this hides it", ref.String(), variable)
	}
	object := p.ContainerSetting(c).Object
	f.Fix.Object = object
	f.Fix.Command = []string{"set", "env", object.String(), "-c", c.Name, variable + "=" + option}
}

func heapOfNode(p *rule.Pass, c snapshot.Container, e *ended, limit int64, f *rule.Finding) {
	if h := p.HeapFlag(c, "Node"); h != nil {
		f.Message = fmt.Sprintf("fills its Node heap, which %s bounds%s", h.Flag, e.ends())
		bounded(p, c, h, limit, f)
		return
	}
	if v := hidden(p, c, "NODE_OPTIONS"); v != nil {
		elsewhere(v, fmt.Sprintf("--max-old-space-size, at most %d%% of the memory limit in MiB,", knowledge.HeapShare), f)
		return
	}
	size := "<MIB>"
	f.Fix = &rule.Fix{Title: "tell Node how large the heap may be", Caution: heapCaution, Applicability: rule.Placeholders}
	if limit > 0 {
		size = strconv.FormatInt(limit*knowledge.HeapShare/100/mebi, 10)
		f.Fix.Title = fmt.Sprintf("let the heap be %s MiB, %d%% of the memory limit", size, knowledge.HeapShare)
		f.Fix.Applicability = rule.NeedsThought
		point(f, p.ContainerSetting(c).Child("resources", "limits", "memory"), c.Resources.Limits.Memory().String(), "Node chose its heap by itself, below this")
	}
	addOption(p, c, "NODE_OPTIONS", "--max-old-space-size="+size, f)
}
