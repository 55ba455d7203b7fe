package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
)

const generated = "<!-- Written by `make docs`; change the %s instead. -->\n"

// intro is what stands above the table of a page.
type intro struct {
	title, from, text string
	header            []string
	after             string // what follows the rules, in Markdown
}

var checksIntro = intro{
	title: "Checks", from: ".md files beside the checks",
	text: "A check finds a setting that will hurt. `kubectl maturity check` runs them all, but for those that are off\n" +
		"unless [maturity.yaml](config.md) asks for them; `kubectl maturity rules ID` prints what stands here.\n" +
		"Example Before is a manifest in which the check fires, After one in which it is silent; the tests run both.",
	header: []string{"Check", "Severity", "Dimension", "What is wrong"},
}

var causesIntro = intro{
	title: "Causes", from: ".md files beside the causes",
	text: "A cause says what broke an object. `kubectl maturity explain` looks for them in the order of their stages: what strikes\n" +
		"earlier in the life of an object explains what is seen later. `kubectl maturity rules ID` prints what stands here.\n" +
		"At the end: [what has no cause yet](#not-yet), and why.",
	header: []string{"Cause", "Stage", "What happened"},
}

// finished fails where a document still holds what a skeleton asked to be filled in.
func finished(all *report.Rules) error {
	var errs []error
	for _, r := range all.Rules {
		text := strings.Join(append([]string{r.Title, r.Doc.Why, r.Doc.Before, r.Doc.After}, r.Doc.References...), "\n")
		if strings.Contains(text, "TODO") {
			errs = append(errs, fmt.Errorf("%s %s: its document still says TODO", r.Kind, r.ID))
		}
	}
	return errors.Join(errs...)
}

// writer prints and keeps the first error.
type writer struct {
	w   io.Writer
	err error
}

func (p *writer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *writer) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	p.printf("| %s |\n", strings.Join(cells, " | "))
}

func (p *writer) header(names ...string) {
	p.row(names...)
	p.printf("|%s\n", strings.Repeat(" --- |", len(names)))
}

func writeRules(w io.Writer, about intro, rules []report.Rule) error {
	p := &writer{w: w}
	p.printf("# %s\n\n"+generated+"\n%s\n\n", about.title, about.from, about.text)
	p.header(slices.Clone(about.header)...)
	for _, r := range rules {
		link := fmt.Sprintf("[%s](#%s)", r.ID, r.ID)
		if r.Kind == report.KindCheck {
			severity := r.Severity
			if r.Off {
				severity += ", off"
			}
			p.row(link, severity, r.Dimension, prose(r.Title))
		} else {
			p.row(link, r.Stage, prose(r.Title))
		}
	}
	for _, r := range rules {
		p.rule(r)
	}
	if about.after != "" {
		p.printf("\n%s", about.after)
	}
	return p.err
}

func (p *writer) rule(r report.Rule) {
	p.printf("\n## %s\n\n**%s**\n\n", r.ID, prose(r.Title))
	var facts []string
	add := func(name string, values ...string) {
		if text := strings.Join(values, ", "); text != "" {
			facts = append(facts, name+": "+text)
		}
	}
	add("Severity", r.Severity)
	add("Dimension", r.Dimension)
	if r.Off {
		add("Off", "unless [maturity.yaml](config.md) turns it on")
	}
	add("[maturity.yaml](config.md) may set", r.SettingWords()...)
	add("Stage", r.Stage)
	add("Looks at", r.On)
	add("Reads too", r.Needs...)
	var beats []string
	for _, b := range r.Beats {
		beats = append(beats, fmt.Sprintf("[%s](#%s)", b, b))
	}
	add("Goes before", beats...)
	if r.History {
		add("Tells of", "the past; the object works now")
	}
	p.printf("%s\n\n%s\n", strings.Join(facts, " · "), r.Doc.Why)
	for _, example := range []struct{ name, text string }{{"Before", r.Doc.Before}, {"After", r.Doc.After}} {
		if example.text != "" {
			p.printf("\n%s:\n\n```yaml\n%s\n```\n", example.name, strings.TrimRight(example.text, "\n"))
		}
	}
	if len(r.Peers) > 0 {
		p.printf("\nIn other tools:\n\n")
		for _, tool := range slices.Sorted(maps.Keys(r.Peers)) {
			p.printf("- %s: `%s`\n", tool, strings.Join(r.Peers[tool], "`, `"))
		}
	}
	if len(r.Doc.References) > 0 {
		p.printf("\nReferences:\n\n")
		for _, ref := range r.Doc.References {
			p.printf("- %s\n", autolink(ref))
		}
	}
}

// autolink makes a bare address a link in every dialect of Markdown.
func autolink(ref string) string {
	if strings.HasPrefix(ref, "https://") && !strings.ContainsAny(ref, " <>") {
		return "<" + ref + ">"
	}
	return ref
}

// prose keeps what looks like a tag from vanishing.
func prose(text string) string { return strings.ReplaceAll(text, "<", `\<`) }
