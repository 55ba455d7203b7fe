package probes

import (
	"strconv"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// timeOut are the kubelet's words of a command that did not end in time.
var timeOut = knowledge.Regexp(`timed out|deadline exceeded`)

// output is what the command of an exec probe wrote before it failed; ok is false where the probe is none, or
// its command was not there or did not end: such a command has not said anything.
func (a *asked) output() (text string, ok bool) {
	if a.probe.Exec == nil || a.says() == "" {
		return "", false
	}
	_, text, found := strings.Cut(a.says(), " probe failed: ")
	if program, _ := a.noProgram(); !found || program != "" || timeOut.MatchString(text) && !strings.Contains(text, "\n") {
		return "", false
	}
	return strings.TrimSpace(text), true
}

// saysNo tells whether the probe that ended the last life was told no from the first moment on: by a server
// that listens and answers that it is not well, or by a command that ran and failed. That is no start that
// has not come so far yet: a command that finds nobody listening in its own pod still may be one.
func (a *asked) saysNo(p *rule.Pass, c snapshot.Container) bool {
	if a.kill == nil || a.kill.unsure || a.kind == "Readiness" {
		return false
	}
	if a.kind == "Liveness" && !a.kill.unproven(c) {
		return false
	}
	if m := statusCode.FindStringSubmatch(a.says()); unwell.MatchString(a.says()) || m != nil && busyCodes[m[1]] {
		return true
	}
	text, ok := a.output()
	return ok && !nobodyYet(p, c, text)
}

// killedNo tells whether the probe of the kind ended the last life, told no from the first moment on.
func killedNo(p *rule.Pass, c snapshot.Container, kind string) bool {
	for _, a := range askedOf(p, c) {
		if a.kind == kind && a.saysNo(p, c) {
			return true
		}
	}
	return false
}

// nobodyYet tells whether a command was refused by its own pod, and the log does not say either that the program
// listens somewhere else.
func nobodyYet(p *rule.Pass, c snapshot.Container, text string) bool {
	d, at := knowledge.DownIn(strings.Split(text, "\n"))
	if at < 0 || !knowledge.Loopback(d.Host) {
		return false
	}
	elsewhere := false
	for _, l := range tail(p.LogLines(c)) {
		if _, port, ok := knowledge.Listens(l); ok {
			if strconv.Itoa(port) == d.Port {
				return true
			}
			elsewhere = true
		}
	}
	return !elsewhere
}

// no words what the probe was told, for a message.
func (a *asked) no() string {
	if answer := a.kill.answer(); answer != "" {
		return "answers its " + a.name() + " with " + answer
	}
	text, _ := a.output()
	if text == "" {
		return "fails the command of its " + a.name()
	}
	return "fails the command of its " + a.name() + " (" + rule.Quote(lastLine(text)) + ")"
}

func lastLine(text string) string {
	return text[strings.LastIndexByte(text, '\n')+1:]
}

var (
	badLine  = knowledge.Regexp(`(?i)\b(?:error|fatal|panic|exception|critical|severe|fail(?:ed|ure|s)?|cannot|can't|could not|unable|denied|missing|invalid|refused|unreachable)\b|(?:Error|Exception)\b`)
	farewell = knowledge.Regexp(`(?i)terminat|sigterm|signal|shut(?:ting)?[ -]?down|stopp(?:ed|ing)|exiting|graceful|bye|goodbye|draining`)
)

// telling is the line of the log of the life that ended which tells most of why it was not well: the last that
// looks like an error or, without one, the last that is no farewell. It is empty where nothing was written.
func telling(p *rule.Pass, c snapshot.Container) []rule.Evidence {
	lines := tail(p.LogLines(c))
	for _, fits := range []func(string) bool{badLine.MatchString, func(l string) bool { return !farewell.MatchString(l) }, func(string) bool { return true }} {
		for i := len(lines) - 1; i >= 0; i-- {
			if fits(lines[i]) {
				return []rule.Evidence{p.LogEvidence(c, lines[i])}
			}
		}
	}
	return nil
}
