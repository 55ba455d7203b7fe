package rule

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LastText is what a container wrote before it ended: its log or, where that could not be read, its
// termination message.
func (p *Pass) LastText(c snapshot.Container, d *Death) (text string, from Source) {
	if text = p.LogText(c); strings.TrimSpace(text) != "" {
		return text, FromLog
	}
	return d.Message, FromStatus
}

// LastWords quotes the end of what a container wrote before it ended; nil when it wrote nothing or
// nothing could be read.
func (p *Pass) LastWords(c snapshot.Container, d *Death, n int) []Evidence {
	text, from := p.LastText(c, d)
	lines := Lines(text)
	var evidence []Evidence
	for _, line := range lines[max(0, len(lines)-n):] {
		evidence = append(evidence, p.wordsEvidence(c, from, line))
	}
	return evidence
}

// WordsEvidence quotes one line of what a container wrote before it ended.
func (p *Pass) WordsEvidence(c snapshot.Container, d *Death, line string) Evidence {
	_, from := p.LastText(c, d)
	return p.wordsEvidence(c, from, line)
}

func (p *Pass) wordsEvidence(c snapshot.Container, from Source, line string) Evidence {
	e := p.LogEvidence(c, line)
	if from == FromStatus {
		e.Source, e.Field, e.Text = FromStatus, "status", "termination message: "+Quote(line)
	}
	return e
}

// Lived tells how long the container ran until it ended and how often it was started again, for the
// end of a message: " 2s after start, 4 restarts". It is empty for what never started.
func (d *Death) Lived() string {
	text := ""
	if d.StartedAt.Unix() > 0 {
		text = fmt.Sprintf(" %s after start", Human(d.Ran()))
	}
	if d.Restarts > 0 {
		text += ", " + Count(int(d.Restarts), "restart")
	}
	return text
}
