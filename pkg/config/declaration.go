package config

import (
	"time"

	"go.yaml.in/yaml/v3"
)

// Declaration is what somebody says of a gate of the maturity model that no API shows, or that could not be read. It
// counts until its end, and never against what is measured.
type Declaration struct {
	Gate     string `json:"gate"`
	Answer   bool   `json:"answer"` // yes: the gate holds
	By       string `json:"by"`
	On       string `json:"on"`                 // the day on which it was said
	Until    string `json:"until"`              // the last day on which it counts
	Evidence string `json:"evidence,omitempty"` // where to look it up
	Line     int    `json:"-"`
	on       time.Time
	until    time.Time // its end: the day after the last
}

// declarationLasts is how long a declaration counts that does not say: what nobody has looked at for half a year may
// not be so any more.
const declarationLasts = 180 * 24 * time.Hour

// Expired tells whether the declaration is over.
func (d *Declaration) Expired(now time.Time) bool { return !now.Before(d.until) }

// Future tells whether the declaration is of a day to come.
func (d *Declaration) Future(now time.Time) bool { return d.on.After(now) }

// End is the last day on which the declaration counts.
func (d *Declaration) End() string { return d.Until }

func (p *parser) declaration(n *yaml.Node, at string) {
	n = resolved(n)
	d := Declaration{Line: n.Line}
	var on time.Time
	answered := false
	ok := p.fields(n, at, map[string]func(*yaml.Node){
		"gate": func(v *yaml.Node) {
			p.text(at+".gate", &d.Gate)(v)
			if wrong := p.known.gate(d.Gate); wrong != "" {
				p.fail(v, "%s", wrong)
			}
		},
		"by":       p.text(at+".by", &d.By),
		"evidence": p.text(at+".evidence", &d.Evidence),
		"answer": func(v *yaml.Node) {
			if d.Answer, answered = onOff(v); !answered {
				p.fail(v, "%s.answer is %q and must be yes or no", at, v.Value)
				answered = true
			}
		},
		"on": func(v *yaml.Node) {
			t, err := time.Parse(time.DateOnly, v.Value)
			if err != nil {
				p.fail(v, "%s.on is %q and must be a date (YYYY-MM-DD)", at, v.Value)
			}
			d.On, on = v.Value, t
		},
		"until": func(v *yaml.Node) {
			t, good := parseUntil(v.Value)
			if !good || t.IsZero() {
				p.fail(v, "%s.until is %q and must be a date (YYYY-MM-DD): declarations are renewed", at, v.Value)
			}
			d.Until, d.until = v.Value, t
		},
	})
	switch {
	case !ok:
		return
	case d.Gate == "":
		p.fail(n, "%s names no gate", at)
	case !answered:
		p.fail(n, "%s has no answer: yes or no", at)
	case d.By == "":
		p.fail(n, "%s does not say by whom", at)
	case d.On == "":
		p.fail(n, "%s does not say on which day", at)
	}
	for _, other := range p.config.Declarations {
		if d.Gate != "" && other.Gate == d.Gate {
			p.fail(n, "%s: gate %s is declared on line %d already", at, d.Gate, other.Line)
		}
	}
	d.on = on
	if d.until.IsZero() {
		d.until = on.Add(declarationLasts)
		d.Until = d.until.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	p.config.Declarations = append(p.config.Declarations, d)
}
