package knowledge

import (
	"strconv"
	"strings"
)

// HeapShare is how much of a container's memory a heap may take: the rest is for stacks, code, buffers
// and the runtime itself. A judgement, in line with what JVMs recommend for containers.
const HeapShare = 75

// Heap is how large a runtime's heap may grow, as a flag says.
type Heap struct {
	Runtime string // "the JVM", "Node", "Go"
	Flag    string // as written: "-Xmx256m", "GOMEMLIMIT=64MiB"
	Bytes   int64  // 0 where the flag gives a share
	Percent float64
	Smaller func(bytes int64) string // the flag for another size
}

var heapFlags = []struct {
	runtime string
	pattern *Pattern
	smaller func(bytes int64) string
	bytes   func(number, unit string) int64
	percent bool
}{
	{"the JVM", Regexp(`-Xmx(\d{1,18})([kKmMgGtT]?)\b`), func(b int64) string { return "-Xmx" + mebi(b, "m") }, jvmBytes, false},
	{"the JVM", Regexp(`-XX:MaxHeapSize=(\d{1,18})([kKmMgGtT]?)\b`), func(b int64) string { return "-XX:MaxHeapSize=" + mebi(b, "m") }, jvmBytes, false},
	{"the JVM", Regexp(`-XX:MaxRAMPercentage=(\d{1,3}(?:\.\d{1,6})?)()`), func(int64) string { return "-XX:MaxRAMPercentage=" + strconv.Itoa(HeapShare) + ".0" }, nil, true},
	{"Node", Regexp(`--max[-_]old[-_]space[-_]size[= ](\d{1,12})()\b`), func(b int64) string { return "--max-old-space-size=" + mebi(b, "") }, func(n, _ string) int64 { return scaled(n, 1<<20) }, false},
}

// HeapIn finds the flag that limits a heap in an argument or a variable; of several the last one counts, as
// it does for the JVM and Node. An explicit size wins over a share.
func HeapIn(text string) (Heap, bool) {
	var share *Heap
	for _, f := range heapFlags {
		all := f.pattern.FindAllStringSubmatch(text, -1)
		if len(all) == 0 {
			continue
		}
		m := all[len(all)-1]
		h := Heap{Runtime: f.runtime, Flag: m[0], Smaller: f.smaller}
		if f.percent {
			h.Percent, _ = strconv.ParseFloat(m[1], 64)
			share = &h
			continue
		}
		if h.Bytes = f.bytes(m[1], m[2]); h.Bytes > 0 {
			return h, true
		}
	}
	if share != nil && share.Percent > 0 {
		return *share, true
	}
	return Heap{}, false
}

// GoMemoryLimit reads the value of GOMEMLIMIT. Source: Go's runtime package.
func GoMemoryLimit(value string) (Heap, bool) {
	m := goLimit.FindStringSubmatch(value)
	if m == nil {
		return Heap{}, false
	}
	unit := map[string]int64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}[m[2]]
	h := Heap{Runtime: "Go", Flag: "GOMEMLIMIT=" + value, Bytes: scaled(m[1], unit), Smaller: func(b int64) string { return "GOMEMLIMIT=" + mebi(b, "MiB") }}
	return h, h.Bytes > 0
}

var goLimit = Regexp(`^(\d{1,18})((?:[KMGT]i)?B)?$`)

func jvmBytes(number, unit string) int64 {
	return scaled(number, map[string]int64{"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}[strings.ToLower(unit)])
}

// scaled is a number times a unit; 0 where that is no size that a machine has.
func scaled(number string, unit int64) int64 {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > (1<<50)/unit {
		return 0
	}
	return n * unit
}

func mebi(b int64, unit string) string { return strconv.FormatInt(max(1, b>>20), 10) + unit }
