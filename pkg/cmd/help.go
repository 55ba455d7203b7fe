package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// setHelp makes help read like kubectl's own: description, examples, commands, options, usage.
func setHelp(root *cobra.Command) {
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		w := c.OutOrStdout()
		if text := c.Long; text != "" {
			fmt.Fprintf(w, "%s\n\n", text)
		} else {
			fmt.Fprintf(w, "%s\n\n", c.Short)
		}
		writeUsage(w, c)
	})
	root.SetUsageFunc(func(c *cobra.Command) error {
		writeUsage(c.OutOrStderr(), c)
		return nil
	})
}

func writeUsage(w io.Writer, c *cobra.Command) {
	if c.Example != "" {
		fmt.Fprintf(w, "Examples:\n%s\n\n", c.Example)
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintln(w, "Available Commands:")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(w, "  %-12s  %s\n", sub.Name(), sub.Short)
			}
		}
		fmt.Fprintln(w)
	}
	flags := visibleFlags(c)
	if len(flags) > 0 && c.Name() != "options" {
		fmt.Fprintln(w, "Options:")
		for _, f := range flags {
			fmt.Fprint(w, flagUsage(f))
		}
	}
	fmt.Fprintln(w, "Usage:")
	if c.Runnable() {
		fmt.Fprintf(w, "  %s\n", strings.TrimSuffix(c.UseLine(), " [flags]")+" [options]")
	} else {
		fmt.Fprintf(w, "  %s [command] [options]\n", c.CommandPath())
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\nUse \"%s [command] -h\" for more about a command.\n", c.CommandPath())
	}
	if !stayHome[c.Name()] {
		if !c.HasAvailableSubCommands() {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "Use \"%s options\" for kubectl's other flags, which work here too.\n", c.Root().CommandPath())
	}
}

// stayHome are the commands that ask no cluster: flags that say which one have no say there.
var stayHome = map[string]bool{"demo": true, "rules": true, "plugins": true, "version": true, "completion": true, "options": true}

func visibleFlags(c *cobra.Command) []*pflag.Flag {
	var flags []*pflag.Flag
	add := func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" && f.Name != "version" {
			flags = append(flags, f)
		}
	}
	c.LocalNonPersistentFlags().VisitAll(add)
	c.InheritedFlags().VisitAll(func(f *pflag.Flag) {
		if !stayHome[c.Name()] || f.Name == "color" {
			add(f)
		}
	})
	if !c.HasParent() {
		c.PersistentFlags().VisitAll(add)
	}
	return flags
}

// flagUsage words one flag as kubectl's help does.
func flagUsage(f *pflag.Flag) string {
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	value := f.DefValue
	switch f.Value.Type() {
	case "bool", "int", "int32", "float32", "stringArray", "stringSlice", "Level":
	default:
		value = "'" + value + "'"
	}
	return fmt.Sprintf("    %s=%s:\n\t%s\n\n", name, value, f.Usage)
}

func newCmdOptions() *cobra.Command {
	return &cobra.Command{
		Use:   "options",
		Short: "List the flags of kubectl that every command takes",
		Args:  cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprint(c.OutOrStdout(), "The following options can be passed to any command:\n\n")
			c.InheritedFlags().VisitAll(func(f *pflag.Flag) {
				if !f.Hidden || len(f.Annotations[rareFlag]) > 0 {
					fmt.Fprint(c.OutOrStdout(), flagUsage(f))
				}
			})
		},
	}
}
