package exits

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AppPanic finds programs that an error of their own code ended: a panic, an exception that nobody
// caught.
var AppPanic = rule.Cause{
	ID: "app-panic", Title: "the program's own code crashes", Doc: rule.ReadDoc(docs, "app_panic.md"),
	Peers: map[string][]string{"popeye": {"POP-203"}},
	Stage: rule.StageExit, Beats: []string{"app-exit", "init-failing", "restart-after-long-run"}, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		return logsOfFailed(p, func(snapshot.Container, *rule.Death) bool { return true })
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			d := failed(p, c)
			if d == nil || neverStarted(d) || killed(p, c, d) != nil {
				continue
			}
			text, quote := loopText(p, c, d)
			if k := crashIn(text, d.ExitCode); k != nil {
				reportPanic(p, c, d, k, quote)
			}
		}
	},
}

// crash is the last that a language's runtime wrote before it ended the program.
type crash struct {
	what  string // "panics"
	words string // the error itself
	frame string // where in the program's own code; "" when the runtime did not say
}

// crashIn finds the crash that a log ends with. Each language has its own exit codes: a stack trace
// that a program logged and survived is none.
func crashIn(text string, exit int32) *crash {
	lines := strings.Split(strings.TrimRight(text, " \t\r\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	for _, find := range []func([]string, int32) *crash{goPanic, pythonTraceback, javaException, nodeError, rustPanic, dotnetException} {
		if k := find(lines, exit); k != nil {
			return k
		}
	}
	return nil
}

// lastIndex is the last line that the pattern matches, or -1.
func lastIndex(lines []string, pattern *knowledge.Pattern) int {
	for i := len(lines) - 1; i >= 0; i-- {
		if pattern.MatchString(lines[i]) {
			return i
		}
	}
	return -1
}

var (
	goPanicLine = knowledge.Regexp(`^(?:panic|fatal error): `)
	goroutine   = knowledge.Regexp(`^goroutine \d+ .*\[`)
	goFile      = knowledge.Regexp(`^\t(\S+\.(?:go|s)):(\d+)`)
)

// goPanic reads what Go's runtime writes: exit 2, the panic, and the stack of the goroutine.
func goPanic(lines []string, exit int32) *crash {
	at := lastIndex(lines, goPanicLine)
	if exit != 2 || at < 0 {
		return nil
	}
	k, stack := &crash{what: "panics", words: lines[at]}, false
	for i := at + 1; i < len(lines); i++ {
		stack = stack || goroutine.MatchString(lines[i])
		m := goFile.FindStringSubmatch(lines[i])
		if !stack || m == nil {
			continue
		}
		function := lines[i-1]
		if open := strings.LastIndexByte(function, '('); open > 0 {
			function = function[:open]
		}
		if strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "runtime/") || function == "panic" {
			continue
		}
		k.frame = fmt.Sprintf("%s (%s:%s)", function, m[1], m[2])
		break
	}
	if !stack {
		return nil
	}
	return k
}

var (
	traceback  = knowledge.Regexp(`^Traceback \(most recent call last\):`)
	pythonFile = knowledge.Regexp(`^\s+File "([^"]+)", line (\d+), in (\S+)`)
)

// pythonTraceback reads what Python writes of an exception that nobody caught: exit 1, the stack with
// the innermost call last, and then the exception.
func pythonTraceback(lines []string, exit int32) *crash {
	at := lastIndex(lines, traceback)
	if exit != 1 || at < 0 {
		return nil
	}
	k := &crash{what: "ends in an exception that nobody caught"}
	for i := at + 1; i < len(lines); i++ {
		if m := pythonFile.FindStringSubmatch(lines[i]); m != nil {
			if !strings.Contains(m[1], "-packages/") && !strings.Contains(m[1], "/lib/python") && !strings.HasPrefix(m[1], "<frozen") {
				k.frame = fmt.Sprintf("%s (%s:%s)", m[3], m[1], m[2])
			}
			continue
		}
		if lines[i] != "" && lines[i][0] != ' ' && lines[i][0] != '\t' {
			k.words = lines[i]
			if len(lines)-i > mostAfter { // it was logged, and the program went on
				return nil
			}
			return k
		}
	}
	return nil
}

// mostAfter is how many lines may follow the error of a crash: a runtime's or a supervisor's last words.
const mostAfter = 6

var (
	javaThread = knowledge.Regexp(`^Exception in thread "`)
	javaFrame  = knowledge.Regexp(`^\s+at (?:[\w.@-]+/)?([\w.$<>]+)\(([^)]*)\)`)
	javaOwn    = knowledge.Regexp(`^(?:java|javax|jdk|sun|com\.sun|kotlin|scala)\.`)
)

// javaException reads what the JVM writes when a thread dies of an exception. Other threads may keep
// the program alive, so it counts for the main thread alone.
func javaException(lines []string, exit int32) *crash {
	at := lastIndex(lines, javaThread)
	if exit != 1 || at < 0 || !strings.HasPrefix(lines[at], `Exception in thread "main"`) {
		return nil
	}
	k := &crash{what: "ends in an exception that nobody caught", words: strings.TrimPrefix(lines[at], `Exception in thread "main" `)}
	for _, l := range lines[at+1:] {
		if m := javaFrame.FindStringSubmatch(l); m != nil && !javaOwn.MatchString(m[1]) {
			k.frame = fmt.Sprintf("%s (%s)", m[1], m[2])
			break
		}
	}
	return k
}

var (
	nodeVersion = knowledge.Regexp(`^Node\.js v\d+`)
	nodeFrame   = knowledge.Regexp(`^\s+at (?:(.+) \()?((?:file://)?/[^()]+:\d+:\d+)\)?$`)
	nodeThrown  = knowledge.Regexp(`^(?:Uncaught )?(?:\[?[A-Za-z_$][\w.$]*(?:Error|Exception|Rejection)\b|Error:)`)
)

// nodeError reads what Node writes of an error that nobody caught: it ends with Node's own version.
func nodeError(lines []string, exit int32) *crash {
	end := lastIndex(lines, nodeVersion)
	if exit == 0 || end < 0 || len(lines)-end > mostAfter {
		return nil
	}
	at := lastIndex(lines[:end], nodeThrown)
	if at < 0 {
		return nil
	}
	k := &crash{what: "ends in an error that nobody caught", words: lines[at]}
	for _, l := range lines[at+1 : end] {
		if m := nodeFrame.FindStringSubmatch(l); m != nil && !strings.Contains(m[2], "/node_modules/") {
			k.frame = strings.TrimSpace(m[1] + " (" + m[2] + ")")
			break
		}
	}
	return k
}

var rustThread = knowledge.Regexp(`^thread '[^']*'(?: \(\d+\))? panicked at (.*)`)

// rustPanic reads what Rust writes of a panic: exit 101, and the place before the message.
func rustPanic(lines []string, exit int32) *crash {
	at := lastIndex(lines, rustThread)
	if exit != 101 || at < 0 {
		return nil
	}
	place := rustThread.FindStringSubmatch(lines[at])[1]
	k := &crash{what: "panics", words: lines[at]}
	if strings.HasSuffix(place, ":") && at+1 < len(lines) {
		k.words, k.frame = lines[at+1], strings.TrimSuffix(place, ":")
	}
	return k
}

var (
	dotnetLine  = knowledge.Regexp(`^Unhandled exception[.:] `)
	dotnetFrame = knowledge.Regexp(`^\s+at (.+\(.*\)) in (\S+):line (\d+)`)
)

// dotnetException reads what .NET writes before it aborts: exit 134, or 139 in older versions.
func dotnetException(lines []string, exit int32) *crash {
	at := lastIndex(lines, dotnetLine)
	if exit != 134 && exit != 139 || at < 0 {
		return nil
	}
	k := &crash{what: "ends in an exception that nobody caught", words: dotnetLine.ReplaceAllString(lines[at], "")}
	for _, l := range lines[at+1:] {
		if m := dotnetFrame.FindStringSubmatch(l); m != nil {
			k.frame = fmt.Sprintf("%s (%s:%s)", m[1], m[2], m[3])
			break
		}
	}
	return k
}

func reportPanic(p *rule.Pass, c snapshot.Container, d *rule.Death, k *crash, quote func(string) rule.Evidence) {
	container := p.ContainerSetting(c)
	f := rule.Finding{
		Object:    container.Object,
		Seen:      p.Object.In(c.Name),
		NoField:   "the fault is in the program's code, or in what the code did not expect to be given",
		Message:   k.what + d.Lived() + ": " + rule.Quote(k.words),
		Evidence:  []rule.Evidence{p.DeathEvidence(c, d), quote(k.words)},
		RuledOut:  []string{fmt.Sprintf("a kill from outside: exit %d is the one with which the language's runtime ends such a program", d.ExitCode)},
		Certainty: rule.Likely,
		History:   past(p, d),
		Stage:     stage(c),
		Fix:       readLog(p, c, "mend the code; what changed last, in the image or in its configuration, is the first suspect"),
	}
	if k.frame != "" {
		frame := quote(k.frame)
		frame.Text = "first frame of the program's own: " + rule.Quote(k.frame)
		f.Evidence = append(f.Evidence, frame)
		f.Message += " at " + strings.Trim(rule.Quote(k.frame), `"`)
	}
	p.Report(f)
}
