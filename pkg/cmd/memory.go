package cmd

import (
	"os"
	"runtime/debug"
)

// How much garbage may lie beside what is kept of a cluster, in per cent of it. What is read stays until the
// end, and only judging makes garbage beside all of it: 5,000 pods take a third less memory so than by default,
// and a tenth more time of a CPU.
const (
	whileReading = 50
	whileJudging = 20
)

// What manifests may take: objects and findings are a multiple of their text, and collecting garbage while
// little has been read takes as long as parsing.
const (
	roomAtLeast = 88 << 20 // bytes
	roomPerByte = 24
	roomPercent = 2500 // the most garbage beside what is kept, in per cent of it
)

// room sets how much memory manifests of a size may take before garbage is collected, unless who runs the
// command has said so with GOGC or GOMEMLIMIT.
func room(bytes int64) {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(roomPercent)
		debug.SetMemoryLimit(max(roomAtLeast, roomPerByte*bytes))
	}
}

// spare sets how much garbage may lie about, unless who runs the command has said so with GOGC.
func spare(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
