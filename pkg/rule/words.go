package rule

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Count counts things in words: "1 restart", "3 restarts".
func Count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// Distinct drops repetitions and keeps the order.
func Distinct(list []string) []string {
	var out []string
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// Few lists some of many: "a, b and 3 more".
func Few(list []string, most int) string {
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}

// DeathLog is the want for the log of the life that ended last.
func (p *Pass) DeathLog(c snapshot.Container) snapshot.Want {
	previous := c.Status != nil && c.Status.State.Terminated == nil
	return snapshot.WantLog(p.Object.Namespace, p.Object.Name, c.Name, previous)
}

// DeathLogs are the wants for those logs of the containers that keep picks.
func (p *Pass) DeathLogs(keep func(snapshot.Container) bool) []snapshot.Want {
	var wants []snapshot.Want
	for _, c := range p.Object.PodContainers() {
		if keep(c) {
			wants = append(wants, p.DeathLog(c))
		}
	}
	return wants
}

// LogLines are the lines of the log of the life that ended last; where the kubelet threw that one
// away, none.
func (p *Pass) LogLines(c snapshot.Container) []string { return Lines(p.LogText(c)) }

// LogText is the log of the life that ended last, as it was written. A container that waits to be
// started again has no other life: its present log is the same one.
func (p *Pass) LogText(c snapshot.Container) string {
	w := p.DeathLog(c)
	text, ok := p.LogOf(w.Namespace, w.Name, w.Container, w.Previous)
	if !ok && c.Status != nil && c.Status.State.Running == nil {
		text, _ = p.LogOf(w.Namespace, w.Name, w.Container, !w.Previous)
	}
	return text
}

// CurrentLogLines are the lines of the log of the life that goes on now.
func (p *Pass) CurrentLogLines(c snapshot.Container) []string {
	text, _ := p.LogOf(p.Object.Namespace, p.Object.Name, c.Name, false)
	return Lines(text)
}

// timeStamp is what many programs start their lines with; the evidence has its own time.
var timeStamp = knowledge.Regexp(`^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?\s+`)

// Lines are the lines of a log that hold more than white space, without their time stamps.
func Lines(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if line = strings.TrimPrefix(line, timeStamp.FindString(line)); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// LastLogLines quotes the end of the log of the life that ended last.
func (p *Pass) LastLogLines(c snapshot.Container, n int) []Evidence {
	lines := p.LogLines(c)
	if len(lines) == 0 {
		return nil
	}
	var evidence []Evidence
	for _, line := range lines[max(0, len(lines)-n):] {
		evidence = append(evidence, p.LogEvidence(c, line))
	}
	return evidence
}

// LogEvidence quotes one line of a container's log.
func (p *Pass) LogEvidence(c snapshot.Container, line string) Evidence {
	return Evidence{Source: FromLog, Object: p.Object.In(c.Name), Text: Quote(line)}
}

// quoteLetters is how much of a line from outside is quoted.
const quoteLetters = 160

// Quote puts text from outside into quotes, shortened.
func Quote(text string) string {
	text = knowledge.Mask(strings.Join(strings.Fields(text), " "))
	if r := []rune(text); len(r) > quoteLetters {
		text = string(r[:quoteLetters]) + "..."
	}
	return `"` + text + `"`
}

// DeathEvidence words how a container's last life ended.
func (p *Pass) DeathEvidence(c snapshot.Container, d *Death) Evidence {
	field := "lastState"
	if c.Status != nil && c.Status.State.Terminated != nil {
		field = "state"
	}
	text := fmt.Sprintf("%s: %s, exit %d", field, d.Reason, d.ExitCode)
	if d.Signal != 0 {
		text += fmt.Sprintf(" (signal %d)", d.Signal)
	}
	if !d.StartedAt.IsZero() && d.StartedAt.Unix() > 0 {
		text += ", ran " + Human(d.Ran())
	}
	if wait, ok := backOff(c); ok {
		if left := d.FinishedAt.Add(wait).Sub(p.Now); left > 0 {
			text += fmt.Sprintf("; its next start comes in %s, after a back-off of %s", Human(left), Human(wait))
		}
	}
	return Evidence{Source: FromStatus, Object: p.Object.In(c.Name), Field: "status", Time: d.FinishedAt.Time, Text: text}
}

// backOff is how long the kubelet waits between the end of a container's last life and its next start: ten
// seconds, and twice as long each time, up to five minutes.
// Source: the message of the waiting state in k8s.io/kubernetes, pkg/kubelet/kuberuntime.
func backOff(c snapshot.Container) (time.Duration, bool) {
	if c.Status == nil || c.Status.State.Waiting == nil {
		return 0, false
	}
	m := backOffWords.FindStringSubmatch(c.Status.State.Waiting.Message)
	if m == nil {
		return 0, false
	}
	wait, err := time.ParseDuration(m[1])
	return wait, err == nil && wait > 0
}

var backOffWords = knowledge.Regexp(`^back-off (\d[0-9a-z.]{0,15}) restarting failed container`)

// EventEvidence quotes an event.
func EventEvidence(e *corev1.Event) Evidence {
	text := e.Reason + ": " + strings.Join(strings.Fields(e.Message), " ")
	if n := snapshot.EventCount(e); n > 1 {
		text += fmt.Sprintf(" (%d times)", n)
	}
	return Evidence{
		Source: FromEvent, Time: snapshot.EventTime(e), Text: text,
		Object: snapshot.Ref{APIVersion: e.InvolvedObject.APIVersion, Kind: e.InvolvedObject.Kind, Namespace: e.InvolvedObject.Namespace, Name: e.InvolvedObject.Name},
	}
}

// Event is the newest event of o with the reason and with a message that holds every one of words.
func (p *Pass) Event(o *snapshot.Object, reason string, words ...string) *corev1.Event {
	return p.newestEvent(o, "", reason, words)
}

// ContainerEvent is the newest event of one container of this Pass' Pod.
func (p *Pass) ContainerEvent(container, reason string, words ...string) *corev1.Event {
	return p.newestEvent(p.Object, container, reason, words)
}

func (p *Pass) newestEvent(o *snapshot.Object, container, reason string, words []string) *corev1.Event {
	events := p.EventsOf(o)
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		if e.Reason != reason || container != "" && ContainerOf(e) != "" && ContainerOf(e) != container {
			continue
		}
		all := true
		for _, w := range words {
			all = all && strings.Contains(e.Message, w)
		}
		if all {
			return e
		}
	}
	return nil
}

// ContainerOf is the container that an event of a pod speaks of, or "".
func ContainerOf(e *corev1.Event) string {
	_, rest, ok := strings.Cut(e.InvolvedObject.FieldPath, "{")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "}")
	return name
}

// SetResources are the words of `kubectl set resources`; requests and limits are as the flags take
// them, "" for none.
func (p *Pass) SetResources(o snapshot.Ref, container, requests, limits string) []string {
	words := []string{"set", "resources", o.String(), "-c", container}
	if requests != "" {
		words = append(words, "--requests="+requests)
	}
	if limits != "" {
		words = append(words, "--limits="+limits)
	}
	return words
}

// Seconds words a duration in whole seconds as a probe's fields have it: "8s", "2m30s".
func Seconds(d time.Duration) string { return d.Round(time.Second).String() }

// PatchCommand are the words of `kubectl patch` with the patch.
func (p *Pass) PatchCommand(o snapshot.Ref, patch *Patch) []string {
	var body strings.Builder
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // placeholders are written <VALUE>
	if enc.Encode(patch.Content()) != nil {
		return nil
	}
	return []string{"patch", o.String(), "--type=" + patch.Type, "-p", strings.TrimSpace(body.String())}
}
