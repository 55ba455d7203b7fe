package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
)

const modelIntro = `
%s.

A **gate** asks for something that anybody can verify: of the objects that its checks apply to, so many per cent must
pass. Who has passed all gates of a phase, and of those before it, has reached it. There is no average and no mark, and
what was reached once can be lost again.

- What could not be read is **unknown**: neither passed nor failed. A dimension then has a span, from the phase that is
  proven to the one that is possible, and the output names the fact that is the cheapest to find out.
- What a gate asks of nothing that exists **does not apply**: who has no volumes has no place in ` + "`state`" + `. A phase in which
  nothing applies is gone through, and not reached for that alone.
- What is **waived** - with a reason and an end, see [Living with it](config.md) - counts as passed, and is listed.
- What no API shows is **declared** in maturity.yaml, with a name and a day; half a year later it must be said again. What
  is measured counts, whatever is declared.
- **Effective, not nominal**: a budget that selects nothing, a policy without a binding, an autoscaler that is not active, a
  backup schedule whose last backup failed and a monitor that matches nothing move no gate.
- Namespaces of the system itself are counted apart: no team is marked down for what it may not change.
- Something **critical** caps the phase that is shown at ` + "`%s`" + `.
- The whole has reached a phase when the dimensions that the phase requires have.

Dispute a gate by its id, or bring your own: ` + "`kubectl maturity level --model FILE`" + ` takes a file like
[model.yaml](../pkg/model/model.yaml). This is version %s.
`

// writeModel prints the maturity model: every gate, with what it counts and where it comes from.
func writeModel(w io.Writer, m *model.Model) error {
	p := &writer{w: w}
	p.printf("# The maturity model\n\n"+generated, "pkg/model/model.yaml")
	p.printf(modelIntro, strings.TrimSuffix(m.About, "."), model.CapPhase, m.Version)
	p.printf("\n## Phases\n\n| Phase | Of seven | What it is | Requires |\n| --- | --- | --- | --- |\n")
	for _, ph := range m.Phases {
		p.printf("| `%s` %s | %d | %s | %s |\n", ph.ID, ph.Title, ph.Number, ph.About, strings.Join(ph.Requires, ", "))
	}
	p.printf("\n## Sources\n\nThe gates say in words of our own what these ask for.\n\n")
	for _, s := range m.Sources {
		p.printf("- **%s**: [%s](%s)\n", s.ID, s.Title, s.URL)
	}
	for _, d := range m.Dimensions {
		p.printf("\n## %s\n\n%s\n", d.ID, sentence(d.About))
		for _, ph := range m.Phases {
			for i := range m.Gates {
				if g := &m.Gates[i]; g.Dimension == d.ID && g.Phase == ph.ID {
					p.gate(g)
				}
			}
		}
	}
	p.printf("\n## Lists\n\nWorth knowing, and nothing that holds back.\n\n")
	for _, l := range m.Lists {
		p.printf("- `%s`, %s: [%s](checks.md#%s). %s\n", l.ID, l.Title, l.Check, l.Check, sentence(l.About))
	}
	return p.err
}

func (p *writer) gate(g *model.Gate) {
	p.printf("\n### %s\n\n`%s`%s: %s.\n\n", g.ID, g.Phase, exit(g), g.Asks)
	p.printf("- counts: %s\n- why: %s (%s)\n- closes it: %s\n", counts(g), g.Why, strings.Join(g.Sources, ", "), g.Step)
	if g.Note != "" {
		p.printf("- cannot know: %s\n", g.Note)
	}
}

func exit(g *model.Gate) string {
	if g.Exit {
		return ", one of the gates that tell the phases apart first"
	}
	return ""
}

// counts says what a gate counts, and how many must pass.
func counts(g *model.Gate) string {
	if g.Declared {
		return "nothing, since no API shows it: somebody declares it in maturity.yaml"
	}
	links := make([]string, 0, len(g.Checks))
	for _, id := range g.Checks {
		switch id {
		case "unhealthy", "unexplained":
			links = append(links, "`"+id+"`")
		default:
			links = append(links, fmt.Sprintf("[%s](checks.md#%s)", id, id))
		}
	}
	word := "all of "
	if g.Any {
		word = "any of "
	}
	if len(links) == 1 {
		word = ""
	}
	text := fmt.Sprintf("%d%% must pass %s%s", g.Needed(), word, strings.Join(links, ", "))
	switch {
	case g.Served:
		text += "; workloads that a Service leads to"
	case len(g.Kinds) > 0:
		text += "; " + strings.Join(g.Kinds, ", ")
	case g.Cluster:
		text += "; of a cluster, and of no namespace"
	}
	if g.Indirect {
		text += "; indirect: that something is there is seen, that it serves its purpose is not"
	}
	return text
}

func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
