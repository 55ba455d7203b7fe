package exits

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HeapExhaustedInside finds programs whose own runtime ran out of memory, below the container's limit.
var HeapExhaustedInside = logCause("heap-exhausted-inside", "its runtime's own heap is full", "heap_exhausted_inside.md", nil, reportHeap)

var (
	javaHeap = regexp.MustCompile(`java\.lang\.OutOfMemoryError: (Java heap space|GC overhead limit exceeded|Metaspace|Compressed class space|(?:Cannot reserve \d+ bytes of direct|Direct) buffer memory|Requested array size exceeds VM limit)`)
	nodeHeap = regexp.MustCompile(`FATAL ERROR: .*(?:heap out of memory|heap limit|Allocation failed)`)
	phpHeap  = regexp.MustCompile(`Allowed memory size of (\d+) bytes exhausted`)
	goHeap   = regexp.MustCompile(`^fatal error: (?:runtime: )?(?:out of memory|cannot allocate memory)`)
	netHeap  = regexp.MustCompile(`System\.OutOfMemoryException`)
	pyHeap   = regexp.MustCompile(`^(?:numpy\.\S*)?(?:_Array)?MemoryError\b`)
)

var heapReading = reading{
	words: regexp.MustCompile(`OutOfMemory|out of memory|heap limit|Allocation failed|MemoryError|Allowed memory size|cannot allocate memory`),
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

// heapPart is how much of the container's memory a runtime may take for its heap and leave enough for
// its threads, code and buffers, in percent. A rule of thumb, not a measurement.
const heapPart = 75

// javaDefault is which part of the container's memory a JVM takes as its largest heap where nothing says
// otherwise, in percent. Source: OpenJDK, MaxRAMPercentage.
const javaDefault = 25

var (
	xmx      = regexp.MustCompile(`-Xmx(\d+)([kKmMgG]?)\b`)
	oldSpace = regexp.MustCompile(`--max[-_]old[-_]space[-_]size=(\d+)`)
)

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

// optionSetting is where the spec has an option of a runtime, and the option's whole text.
func optionSetting(p *rule.Pass, c snapshot.Container, option *regexp.Regexp) (s rule.Setting, value string, m []string) {
	container := p.ContainerSetting(c)
	for i, e := range c.Env {
		if m := option.FindStringSubmatch(e.Value); m != nil {
			return envSetting(p, c, i).Child("value"), e.Value, m
		}
	}
	for _, list := range []struct {
		name  string
		words []string
	}{{"args", c.Args}, {"command", c.Command}} {
		for i, w := range list.words {
			if m := option.FindStringSubmatch(w); m != nil {
				return container.Child(list.name).Index(i), w, m
			}
		}
	}
	return rule.Setting{}, "", nil
}

// hasEnv tells whether env names the variable.
func hasEnv(c snapshot.Container, name string) bool {
	for _, e := range c.Env {
		if e.Name == name {
			return true
		}
	}
	return false
}

const mebi = 1 << 20

func heapOfJava(p *rule.Pass, c snapshot.Container, e *ended, limit int64, f *rule.Finding) {
	f.Message = fmt.Sprintf("its JVM ran out of memory (%s)%s", e.more, e.ends())
	if e.more == "Metaspace" || e.more == "Compressed class space" || strings.Contains(e.more, "buffer") {
		f.NoField = "it is not the heap that -Xmx bounds"
		f.Fix.Title = "raise -XX:MaxMetaspaceSize or -XX:MaxDirectMemorySize, whichever it is, or see what leaks classes or buffers"
		return
	}
	s, value, m := optionSetting(p, c, xmx)
	if m != nil {
		size := heapBytes(m)
		point(f, s, m[0], "the heap may be no larger than this")
		f.Message = fmt.Sprintf("fills its heap, which %s bounds (%s)%s", m[0], e.more, e.ends())
		larger(p, s, value, m[0], "-Xmx%dm", size, limit, f)
		return
	}
	if _, value, m := optionSetting(p, c, regexp.MustCompile(`-XX:MaxRAMPercentage=(\d+)`)); m != nil {
		f.Message = fmt.Sprintf("fills its heap, which %s bounds (%s)%s", m[0], e.more, e.ends())
		if s, _, _ := optionSetting(p, c, regexp.MustCompile(regexp.QuoteMeta(m[0]))); value != "" {
			point(f, s, m[0], "the heap may be no larger than this part of the container's memory")
		}
		f.Fix.Title = "raise the memory limit, of which the heap is a part, or have the program need less"
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
	if hasEnv(c, "JAVA_TOOL_OPTIONS") {
		f.Fix.Title = fmt.Sprintf("add -XX:MaxRAMPercentage=%d to JAVA_TOOL_OPTIONS, or raise the memory limit", heapPart)
		return
	}
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("let the heap be %d%% of the limit, or raise the limit", heapPart),
		Caution:       "the rest is for threads, code and buffers; a leak fills the larger heap too, later",
		Applicability: rule.NeedsThought,
		Command:       []string{"set", "env", memory.Object.String(), "-c", c.Name, fmt.Sprintf("JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=%d", heapPart)},
	}
}

func heapBytes(m []string) int64 {
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0
	}
	unit := int64(1)
	if len(m) > 2 {
		unit = map[string]int64{"k": 1 << 10, "m": mebi, "g": 1 << 30}[strings.ToLower(m[2])]
	}
	return n * max(1, unit)
}

// larger raises an option to the part of the memory limit that a heap may take; where it has that
// already, the limit must grow first.
func larger(p *rule.Pass, s rule.Setting, value, option, format string, size, limit int64, f *rule.Finding) {
	room := limit * heapPart / 100 / mebi
	switch {
	case knowledge.Mask(value) != value:
		return
	case limit > 0 && room*mebi > size:
		f.Fix.Title = fmt.Sprintf("let the heap be %d MiB, %d%% of the memory limit", room, heapPart)
		f.Fix.Caution = "the rest is for threads, code and buffers; a leak fills the larger heap too, later"
		f.Fix.Patch = s.ReplaceValue(value, strings.Replace(value, option, fmt.Sprintf(format, room), 1))
	case limit > 0:
		f.Fix.Title = "raise the memory limit and then this; or have the program need less"
		f.Fix.Caution = fmt.Sprintf("it has %d%% of the memory limit or more already: the kernel would kill it if the heap alone grew", heapPart)
		return
	default:
		f.Fix.Title = "let the heap be larger, and give the container a memory limit above it"
		f.Fix.Applicability = rule.Placeholders
		f.Fix.Patch = s.ReplaceValue(value, strings.Replace(value, option, strings.Replace(format, "%d", "<MIB>", 1), 1))
	}
	f.Fix.Command = p.PatchCommand(s.Object, f.Fix.Patch)
}

func heapOfNode(p *rule.Pass, c snapshot.Container, e *ended, limit int64, f *rule.Finding) {
	if s, value, m := optionSetting(p, c, oldSpace); m != nil {
		size, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return
		}
		point(f, s, m[0], "the heap may be no larger than this, in MiB")
		f.Message = fmt.Sprintf("fills its Node heap, which %s bounds%s", m[0], e.ends())
		larger(p, s, value, m[0], "--max-old-space-size=%d", size*mebi, limit, f)
		return
	}
	if hasEnv(c, "NODE_OPTIONS") {
		f.Fix.Title = fmt.Sprintf("add --max-old-space-size to NODE_OPTIONS, at most %d%% of the memory limit in MiB", heapPart)
		return
	}
	object := p.ContainerSetting(c).Object
	size := "<MIB>"
	f.Fix = &rule.Fix{
		Title:         "tell Node how large the heap may be",
		Caution:       "the rest is for code and buffers; a leak fills the larger heap too, later",
		Applicability: rule.Placeholders,
	}
	if limit > 0 {
		size = strconv.FormatInt(limit*heapPart/100/mebi, 10)
		f.Fix.Title = fmt.Sprintf("let the heap be %s MiB, %d%% of the memory limit", size, heapPart)
		f.Fix.Applicability = rule.NeedsThought
		point(f, p.ContainerSetting(c).Child("resources", "limits", "memory"), c.Resources.Limits.Memory().String(), "Node chose its heap by itself, below this")
	}
	f.Fix.Command = []string{"set", "env", object.String(), "-c", c.Name, "NODE_OPTIONS=--max-old-space-size=" + size}
}
