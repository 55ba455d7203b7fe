package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// writeCommands documents a tree of commands: what all of them share once, at the end.
func writeCommands(w io.Writer, root *cobra.Command) error {
	p := &writer{w: w}
	name := root.CommandPath()
	p.printf("# %s\n\n"+generated+"\n%s\n", name, "texts of the commands", prose(root.Long))
	p.examples(root)
	p.printf("\n")
	p.header("Command", "What it does")
	commands := visible(root)
	for _, c := range commands {
		p.row(fmt.Sprintf("[%s](#%s)", c.CommandPath(), strings.ReplaceAll(c.CommandPath(), " ", "-")), prose(c.Short))
	}
	for _, c := range commands {
		p.command(c)
	}
	p.printf("\n## Flags of all commands\n\n")
	p.flags(root.PersistentFlags(), func(f *pflag.Flag) bool { return !f.Hidden })
	p.printf("\nThese work everywhere, too; `%s options` lists them:\n\n", name)
	p.flags(root.PersistentFlags(), func(f *pflag.Flag) bool { return f.Hidden && len(f.Annotations) > 0 })
	return p.err
}

// visible are all commands below c that its help shows, in the order of the help.
func visible(c *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			list = append(list, sub)
			list = append(list, visible(sub)...)
		}
	}
	return list
}

func (p *writer) command(c *cobra.Command) {
	p.printf("\n## %s\n\n%s\n", c.CommandPath(), prose(c.Short))
	p.printf("\n```\n%s [options]\n```\n", strings.TrimSuffix(c.UseLine(), " [flags]"))
	if c.Long != "" {
		p.printf("\n%s\n", prose(c.Long))
	}
	p.examples(c)
	own := c.LocalNonPersistentFlags()
	shown := func(f *pflag.Flag) bool { return !f.Hidden && f.Name != "help" && f.Name != "version" }
	some := false
	own.VisitAll(func(f *pflag.Flag) { some = some || shown(f) })
	if some {
		p.printf("\n")
		p.flags(own, shown)
	}
}

func (p *writer) examples(c *cobra.Command) {
	if c.Example == "" {
		return
	}
	lines := strings.Split(strings.Trim(c.Example, "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "  ")
	}
	p.printf("\n```sh\n%s\n```\n", strings.Join(lines, "\n"))
}

func (p *writer) flags(flags *pflag.FlagSet, shown func(*pflag.Flag) bool) {
	p.header("Flag", "Default", "What it does")
	flags.VisitAll(func(f *pflag.Flag) {
		if !shown(f) {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		value := ""
		if f.DefValue != "" && f.DefValue != "[]" {
			value = "`" + f.DefValue + "`"
		}
		p.row(name, value, prose(strings.Join(strings.Fields(f.Usage), " ")))
	})
}
