package exits

import (
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// A reason is what the last lines of a log say of why a program ended.
type reason struct {
	cause string // the ID of the cause that tells of it
	what  string // the variable, program, path, host or flag that the line names; "" where it names none
	port  string // of a host, or the port itself
	ip    string // of a host, where the line has it beside the name
	more  string // what else the line tells, in words of the cause
	line  string
	after string // what was said after it and is not understood, "" for nothing: then it need not be the reason
}

// reading is one way to understand a line of a log: the words that it must hold, and what they mean.
type reading struct {
	words *knowledge.Pattern
	// read judges lines[at], in which the words are; nil where it tells nothing. A stack stands before
	// its error, so that the lines before may count too.
	read func(lines []string, at int, exit int32) *reason
}

// readings are all that is understood, the more specific first: of one line only one is true.
var readings = []reading{
	threadReading, heapReading, inotifyReading, linkReading, envReading, shellReading, readOnlyReading, bindReading, rightsReading, deniedReading, rootReading, rbacReading, diskReading,
	authReading, tlsReading, untrustedReading, refusedReading, dnsReading, unreachableReading, execReading, configReading, flagReading,
}

// beatenByLog are the causes that only pass on what the log says.
var beatenByLog = []string{"app-exit", "app-panic", "init-failing", "restart-after-long-run"}

const (
	// reasonLines is how far from the end of a log the reason of the end may be.
	reasonLines = 100
	// againLines is among how many lines the same must be said again and again.
	againLines = 30
	// reasonLetters is how much of one line is looked at.
	reasonLetters = 2000
	// mostNoise is how many lines that tell nothing may follow the reason: what a program writes to stdout
	// and stderr reaches the log through two pipes, and not always in the order in which it was written.
	mostNoise = 2
	// reasonTimes is how often a program must have said the same for it to be the reason of its end,
	// whatever it said after that.
	reasonTimes = 3
)

var (
	// afterthought are lines that may follow the reason of an end: stacks, hints, farewells.
	afterthought = knowledge.Regexp(`(?i)^\s|^at |^File "|^goroutine |^Caused by|^\.\.\. |^exit status|^[}\])]|^Node\.js v|^npm err|^make: |^note: |^hint:|^usage|^for more |^see |^try |^flags:|^options:|^commands:|^available commands|^global flags|^aliases:|^examples:|^use "|^run '|^-----|^runtime stack:|^created by |^[\w./*()\[\]-]+\(.*\)$|aborted|^error: could not create the java|^error: a fatal exception|refused|caches? to sync|giv(?:e|ing) up|gave up|retries|attempts|unavailable|(?:could|can) ?not connect|can't connect|unable to connect|exiting|exited|shutting down|shutdown|stopp(?:ed|ing)|clos(?:ed|ing)|clean(?:ed|ing) up|flush|terminating|aborting|bye|startup failed|failed to start|context deadline exceeded|context canceled|exit code \d|command failed|returned non-zero|^info visit `)
	// troubles are words of a fault of its own, whatever else a line says in farewell.
	troubles = knowledge.Regexp(`(?i)\bassert(?:ion)?\b|unhandled|\bcorrupt|mismatch|violat|inconsisten|\blocked\b|licen[cs]e|\bquota\b`)
	// ownLevel are lines that their writer does not call an error, and warned those that he calls a
	// warning: whatever they say, the program went on after them.
	ownLevel = knowledge.Regexp(`(?i)\b(?:level|lvl|severity)["']?[=:]\s*["']?(?:info|debug|trace|notice)\b|^\S*\s*\[?(?:INFO|DEBUG|TRACE)\b`)
	warned   = knowledge.Regexp(`(?i)\b(?:level|lvl|severity)["']?[=:]\s*["']?warn|^\S*\s*\[?WARN`)
	// wentOn are lines that say that the program did without; stuck are those that say the opposite in the same words.
	wentOn = knowledge.Regexp(`(?i)going on|continu|fall(?:ing|s)? ?back|using (?:the |an? )?(?:default|in-memory|local|stale|previous|last known|embedded|built-?in)|using [^\n]{0,20}cache|ignor|skipp|starting empty|sending none|proceeding|\bdegraded\b|\bwithout it\b|\bdisabling\b|\b(?:metrics?|statsd|trac(?:es?|ing)|telemetry|cach(?:e|ing)|analytics|profil\w{1,6}|report(?:s|ing)|push\w{0,4}|export(?:s|er|ing)|notifications?|sync|integration|feature)\b[^\n]{0,20}\bdisabled\b`)
	stuck  = knowledge.Regexp(`(?i)(?:can ?not|can't|could not|unable to|not able to|refus\w{1,4} to|impossible to|will not|won't) (?:continue|proceed|fall ?back|ignore|skip)`)
	// stopping are lines about the end itself: what fails while a program ends is not why it ends.
	stopping  = knowledge.Regexp(`(?i)^(?:[\[(]?[\w:.,+/-]{1,40}[\])]?:?\s+){0,3}(?:(?:while|error|failed|failure)[ :]+)?(?:closing|shutting|stopping|draining|disconnecting|terminating|tearing down|cleaning up)\b`)
	becauseOf = knowledge.Regexp(`(?i)\b(?:because|due to|since|after|reason)\b|\b(?:shutting down|stopping|terminating)(?: now)?: `)
	// fatal are lines with which a program ends, in so many words.
	fatal = knowledge.Regexp(`(?i)\b(?:level|lvl|severity)["']?[=:]\s*["']?(?:fatal|panic|emerg)|\b(?:fatal|panic|emerg|unhandled|uncaught|assert(?:ion)?|terminate called|segmentation fault|double free|stack smashing)\b`)
)

// survivable are the causes whose words programs write and go on: what they say after that need not have to do with it.
var survivable = map[string]bool{
	"dependency-auth": true, "dependency-dns": true, "dependency-refused": true, "dependency-unreachable": true, "tls-expired": true, "tls-untrusted": true,
	"bad-flag-or-config": true, "disk-full-volume": true, "rbac-forbidden": true,
}

// looksBad are lines that tell of an error, in the words of log levels and exceptions.
var looksBad = knowledge.Regexp(`(?i)\b(?:level|lvl|severity)["']?[=:]\s*["']?(?:err|fatal|crit|panic|emerg|alert)|\b(?:error|fatal|panic|exception|critical|emerg|severe|failed|failure|terminate called|segmentation fault|assertion|cannot|can't|unable|denied|not found|missing|invalid|refused|required|expired|exceeded|mismatch(?:ed|es)?|corrupt(?:ed|ion)?|violat(?:ed|es|ion)|locked|inconsistent|unhandled|uncaught|illegal|unexpected|unsupported|incompatible|rejected|out of range|must (?:not )?be)\b|(?:Error|Exception)\b`)

func saysListening(line string) bool {
	_, _, ok := knowledge.Listens(line)
	return ok
}

// logLines are the last lines of a log, as the readings look at them: bounded, and without the escapes
// of JSON.
func logLines(text string) []string {
	lines := strings.Split(strings.TrimRight(text, " \t\r\n"), "\n")
	lines = lines[max(0, len(lines)-reasonLines):]
	for i, l := range lines {
		lines[i] = strings.ReplaceAll(strings.TrimRight(l[:min(len(l), reasonLetters)], " \t\r"), `\"`, `"`)
	}
	return lines
}

// gotOver tells whether a line says that the program did without what it speaks of.
func gotOver(line string) bool { return wentOn.MatchString(line) && !stuck.MatchString(line) }

// echoes tells whether a line speaks of what fails while the program is ending already.
func echoes(line string) bool { return stopping.MatchString(line) && !becauseOf.MatchString(line) }

// isAfterthought tells whether a line may follow the reason of an end and says nothing of it.
func isAfterthought(line string) bool {
	return strings.TrimSpace(line) == "" || afterthought.MatchString(line) && !troubles.MatchString(line) && !gotOver(line)
}

// reasonIn finds the reason with which a log ends: nothing follows it but afterthoughts and a little
// that tells nothing, or it was said again and again. What follows and sounds like a reason of its own is
// one that nobody here understands, and it comes last: in fatal words it is the reason, and else both may be.
func reasonIn(text string, exit int32) *reason {
	lines := logLines(text)
	var r *reason
	final, noise, after, troubled, served := true, 0, "", false, false
	for at := len(lines) - 1; at >= 0; at-- {
		if r = readLine(lines, at, exit); r != nil {
			final = final && !warned.MatchString(r.line)
			break
		}
		l := lines[at]
		if isAfterthought(l) {
			continue
		}
		if gotOver(l) {
			return nil // and so it got over all that was before
		}
		noise++
		bad := looksBad.MatchString(l) && !ownLevel.MatchString(l) && !warned.MatchString(l)
		if bad && fatal.MatchString(l) {
			return nil
		}
		if (after == "" || bad && !troubled) && !ownLevel.MatchString(l) {
			after = strings.Join(rule.Lines(l), " ")
		}
		troubled = troubled || bad
		served = served || saysListening(l)
		final = final && noise <= mostNoise && !bad && !served
	}
	if r == nil {
		return nil
	}
	if troubled || survivable[r.cause] && !fatal.MatchString(r.line) {
		r.after = after
	}
	if final || troubled && !served && noise <= mostNoise {
		return r
	}
	if crashSignals[exit] != "" {
		return nil // native code ended it, and that speaks last
	}
	times := 0
	for at := max(0, len(lines)-againLines); at < len(lines); at++ {
		if other := readLine(lines, at, exit); other != nil && other.cause == r.cause && other.what == r.what && other.port == r.port {
			times++
		}
	}
	if times < reasonTimes {
		return nil
	}
	if !troubled {
		r.after = ""
	}
	return r
}

func readLine(lines []string, at int, exit int32) *reason {
	line := lines[at]
	if ownLevel.MatchString(line) || gotOver(line) || echoes(line) {
		return nil
	}
	for _, reading := range readings {
		if !reading.words.MatchString(line) {
			continue
		}
		if r := reading.read(lines, at, exit); r != nil {
			r.line = strings.Join(rule.Lines(line), " ")
			return r
		}
	}
	return nil
}

// ended is how a container ended, and what the end of its log says of that.
type ended struct {
	*rule.Death
	*reason
	evidence rule.Evidence
}

// readKey is the log of an end that was read, for snapshot.Derived.
type readKey struct {
	text string
	code int32
}

// endOf is the end of a container for the reason that the cause tells of; nil without it.
func endOf(p *rule.Pass, c snapshot.Container, cause string) *ended {
	d := failed(p, c)
	if d == nil || neverStarted(d) || killed(p, c, d) != nil {
		return nil
	}
	text, quote := loopText(p, c, d)
	// Thirty causes read the same log.
	r := snapshot.Derived(p.Snapshot, readKey{text, d.ExitCode}, func() *reason { return reasonIn(text, d.ExitCode) })
	if r == nil || r.cause != cause {
		return nil
	}
	return &ended{d, r, quote(r.line)}
}

// logCause fills in what all causes have in common that read the end of a log: which containers, which
// logs, and what they are more specific than. Wants may be nil.
func logCause(id, title, doc string, wants func(*rule.Pass, snapshot.Container, *ended) []snapshot.Want, report func(*rule.Pass, snapshot.Container, *ended)) rule.Cause {
	return logCauseOf(id, id, title, doc, wants, report)
}

// logCauseOf is logCause for one of several causes whose words in a log are the same.
func logCauseOf(id, reads, title, doc string, wants func(*rule.Pass, snapshot.Container, *ended) []snapshot.Want, report func(*rule.Pass, snapshot.Container, *ended)) rule.Cause {
	return rule.Cause{
		ID: id, Title: title, Doc: rule.ReadDoc(docs, doc),
		Stage: rule.StageExit, Beats: beatenByLog, On: rule.Pods,
		Wants: func(p *rule.Pass) []snapshot.Want {
			list := logsOfFailed(p, func(snapshot.Container, *rule.Death) bool { return true })
			for _, c := range p.Object.PodContainers() {
				if wants == nil {
					break
				}
				if e := endOf(p, c, reads); e != nil {
					list = append(list, wants(p, c, e)...)
				}
			}
			return list
		},
		Run: func(p *rule.Pass) {
			for _, c := range p.Object.PodContainers() {
				if e := endOf(p, c, reads); e != nil {
					report(p, c, e)
				}
			}
		},
	}
}

// finding is what all findings of such causes have in common.
func (e *ended) finding(p *rule.Pass, c snapshot.Container) rule.Finding {
	f := rule.Finding{
		Object:    p.ContainerSetting(c).Object,
		Seen:      p.Object.In(c.Name),
		Evidence:  []rule.Evidence{e.evidence, p.DeathEvidence(c, e.Death)},
		Certainty: rule.Likely,
		History:   past(p, e.Death),
		Stage:     stage(c),
	}
	if e.after != "" {
		f.Certainty = rule.Possible
		said := p.WordsEvidence(c, e.Death, e.after)
		said.Text = "said after that, and not understood: " + said.Text
		f.Evidence = append(f.Evidence, said)
	}
	return f
}

// point makes the setting the field of the finding.
func point(f *rule.Finding, s rule.Setting, value, label string) {
	f.Object, f.Field, f.Value, f.Label, f.NoField = s.Object, s.Path, value, label, ""
}

// ends is the end of a message: how the program ended, and after how long.
func (e *ended) ends() string { return "; it ends" + e.exit() }

func (e *ended) exit() string { return " (exit " + itoa(e.ExitCode) + ")" + e.Lived() }
