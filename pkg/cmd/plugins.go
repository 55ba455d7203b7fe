package cmd

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"

	maturity "github.com/kubectl-maturity/kubectl-maturity"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/companion"
)

// pluginsOptions is `kubectl maturity plugins`.
type pluginsOptions struct {
	genericiooptions.IOStreams
	output *enumFlag

	machine   companion.Machine
	catalogue *companion.Catalogue
}

// Plugins is what `plugins` prints: the catalogue, and what was found of it on this machine.
type Plugins struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Tools      []Plugin `json:"tools"`
	// Install holds a command for each tool that is not here and that krew has.
	Install []string `json:"install"`
}

// Plugin is a tool of the catalogue, and where it was found.
type Plugin struct {
	companion.Tool
	Here companion.Here `json:"here"`
	// Cluster says what became of looking for the tool's traces; empty when it leaves none.
	Cluster string `json:"cluster,omitempty"`
}

// notLookedFor is all that this version knows of a cluster: it sends no request.
const notLookedFor = "not looked for"

func newCmdPlugins(root *rootOptions) *cobra.Command {
	o := &pluginsOptions{IOStreams: root.IOStreams, output: newEnumFlag("", "json", "yaml", "wide")}
	c := &cobra.Command{
		Use:   "plugins",
		Short: "List companion tools: which are here, and what each closes",
		Long: longDesc(`
			Lists the tools that go on where this plugin stops: what each of them closes, where it
			runs, what it sends away, and whether it is on this machine, by krew's receipts and by
			the executables on PATH.

			Nothing is installed, no tool is run, and the cluster is not asked: a tool that runs in
			the cluster and is not on this machine is "unknown in cluster".`),
		Example: examples(`
			# List the tools, and how to install those that krew has
			kubectl maturity plugins

			# List also the checks that each closes, and how it would be seen in a cluster
			kubectl maturity plugins -o wide`),
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.Complete(); err != nil {
				return err
			}
			if err := o.Validate(); err != nil {
				return err
			}
			return o.Run()
		},
	}
	c.Flags().VarP(o.output, "output", "o", "One of 'json', 'yaml' or 'wide'.")
	return c
}

// Complete reads the catalogue and finds out where to look.
func (o *pluginsOptions) Complete() error {
	var err error
	if o.catalogue, err = companion.Load(maturity.Plugins); err != nil {
		return err
	}
	o.machine, err = companion.ThisMachine()
	return err
}

// Validate checks the catalogue; that its check IDs exist is a matter of the tests.
func (o *pluginsOptions) Validate() error { return o.catalogue.Validate(nil) }

// Run looks for the tools and prints them.
func (o *pluginsOptions) Run() error {
	list := o.look()
	for _, p := range list.Tools {
		if p.Here.Unknown != "" {
			fmt.Fprintf(o.ErrOut, "Warning: %s: %s\n", p.Name, printable(p.Here.Unknown))
		}
	}
	if done, err := marshal(o.Out, o.output.value, list); done {
		return err
	}
	wide := o.output.value == "wide"
	if err := writePluginTable(o.Out, list.Tools, wide); err != nil {
		return err
	}
	writePluginNotes(o.Out, list, wide, o.machine.HasKrew())
	return nil
}

func (o *pluginsOptions) look() *Plugins {
	list := &Plugins{APIVersion: companion.APIVersion, Kind: "Plugins", Tools: []Plugin{}, Install: []string{}}
	for _, t := range o.catalogue.Tools {
		p := Plugin{Tool: t, Here: o.machine.Find(t)}
		if len(t.Traces) > 0 {
			p.Cluster = notLookedFor
		}
		if t.Krew != "" && !p.Here.Found() && p.Here.Unknown == "" {
			list.Install = append(list.Install, "kubectl krew install "+t.Krew)
		}
		list.Tools = append(list.Tools, p)
	}
	return list
}

// here words what was found in a few words: a fact, not a guess at what it means.
func (p Plugin) here() string {
	switch h := p.Here; {
	case h.Krew != nil && h.Krew.Index != "default":
		return fmt.Sprintf("krew %s (%s)", printable(h.Krew.Version), printable(h.Krew.Index))
	case h.Krew != nil:
		return "krew " + printable(h.Krew.Version)
	case h.Path != "":
		return printable(filepath.Base(h.Path)) + " on PATH"
	case h.Unknown != "":
		return "unknown"
	case p.Cluster == notLookedFor:
		return "unknown in cluster"
	}
	return "no"
}

func (p Plugin) sends() string {
	switch p.Sends.When {
	case companion.Never:
		return "nothing"
	case companion.IfTold:
		return "if told to"
	}
	return "yes"
}

func writePluginTable(out io.Writer, tools []Plugin, wide bool) error {
	w := printers.GetNewTabWriter(out)
	header := []string{"NAME", "HERE", "RUNS", "SENDS", "CLOSES"}
	if wide {
		header = append(header, "PATH", "CLUSTER", "HOMEPAGE")
	}
	fmt.Fprintln(w, strings.Join(header, "\t"))
	for _, p := range tools {
		row := []string{p.Name, p.here(), string(p.Runs), p.sends(), p.Title}
		if wide {
			row = append(row, orNone(printable(p.Here.Path)), orNone(p.Cluster), p.Homepage)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// writePluginNotes prints what does not fit a cell, one section per question.
func writePluginNotes(out io.Writer, list *Plugins, wide, hasKrew bool) {
	section := func(title string, text func(Plugin) string) {
		for _, p := range list.Tools {
			if words := text(p); words != "" {
				if title != "" {
					fmt.Fprintf(out, "\n%s:\n", title)
					title = ""
				}
				writeHanging(out, p.Name, words)
			}
		}
	}
	section("Sends", func(p Plugin) string { return p.Sends.What })
	if wide {
		section("Closes, by check", func(p Plugin) string { return strings.Join(p.Closes, ", ") })
		section("Helps beyond the checks", func(p Plugin) string { return strings.Join(p.Helps, "; ") })
		section("In the cluster, not looked for by this version", func(p Plugin) string {
			var words []string
			for _, t := range p.Traces {
				words = append(words, t.String())
			}
			return strings.Join(words, "; or ")
		})
	}
	if len(list.Install) > 0 {
		title := "To install what is missing"
		if !hasKrew {
			title += " (needs krew: https://krew.sigs.k8s.io)"
		}
		fmt.Fprintf(out, "\n%s:\n", title)
		for _, line := range list.Install {
			fmt.Fprintf(out, "  %s\n", line)
		}
	}
}

// writeHanging prints a name and prose beside it, wrapped to 80 columns.
func writeHanging(w io.Writer, name, text string) {
	const indent, width = 14, 80
	line := fmt.Sprintf("  %-*s", indent-3, name)
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width {
			fmt.Fprintln(w, line)
			line = strings.Repeat(" ", indent-1)
		}
		line += " " + word
	}
	fmt.Fprintln(w, line)
}

// printable makes text from a file or from PATH harmless for a terminal and for the table.
func printable(s string) string { return printers.EscapeTerminal(oneLine(s)) }

func orNone(s string) string {
	if s == "" {
		return "<none>"
	}
	return s
}
