// Package cmd holds one file per command. A command reads its flags, lets collect fill a
// snapshot, engine judge it and render print the report; it knows no rule by name.
package cmd

import (
	"errors"
	"flag"
	"strings"

	"github.com/MakeNowJust/heredoc"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
)

// NewCmdMaturity builds the whole command tree, printing to streams.
func NewCmdMaturity(streams genericiooptions.IOStreams) *cobra.Command {
	o := newRootOptions(streams)
	c := &cobra.Command{
		Use:   "kubectl-maturity",
		Short: "Why it is broken, which setting did it, what to change",
		Long: longDesc(`
			Tells why a workload is broken, which setting did it and what to change, and finds the
			settings that will hurt next.

			It reads only, with the rights you have, and needs nothing in the cluster.`),
		Example: examples(`
			# Explain a pod that keeps restarting
			kubectl maturity explain pod/web-6c7b5b68c6-shdgj

			# Explain every unhealthy workload of a namespace
			kubectl maturity explain -n shop

			# Find the settings that will hurt, in a namespace or in files
			kubectl maturity check -n shop
			kubectl maturity check -f deploy/

			# See it work, without a cluster
			kubectl maturity demo`),
		Version:           currentVersion().GitVersion,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl maturity"},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRun: func(c *cobra.Command, _ []string) {
			if !klog.V(1).Enabled() { // client-go logs errors that it returns too
				c.SetContext(klog.NewContext(c.Context(), klog.Logger{}))
			}
		},
	}
	c.SetOut(streams.Out)
	c.SetErr(streams.ErrOut)
	c.SetIn(streams.In)
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	c.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	addKlogFlags(c.PersistentFlags())
	o.configFlags.AddFlags(c.PersistentFlags())
	c.PersistentFlags().Var(&o.color, "color", "When to colour the output: auto, always or never. NO_COLOR turns auto off.")
	hideRareFlags(c.PersistentFlags())
	for _, sub := range o.commands() {
		wrapUsage(sub)
		c.AddCommand(sub)
	}
	completeEnums(c)
	utilruntime.Must(o.completeFlags(c)) // fails when cli-runtime drops a flag, in every test
	setHelp(c)
	return c
}

// rootOptions is what every command shares.
type rootOptions struct {
	genericiooptions.IOStreams
	configFlags *genericclioptions.ConfigFlags
	color       colorFlag
}

func newRootOptions(streams genericiooptions.IOStreams) *rootOptions {
	return &rootOptions{
		IOStreams:   streams,
		configFlags: newConfigFlags(),
		color:       "auto",
	}
}

// newConfigFlags are kubectl's own flags.
func newConfigFlags() *genericclioptions.ConfigFlags {
	return genericclioptions.NewConfigFlags(true).WithDiscoveryBurst(300).WithDiscoveryQPS(50)
}

func (o *rootOptions) commands() []*cobra.Command {
	return []*cobra.Command{newCmdExplain(o), newCmdCheck(o), newCmdLevel(o), newCmdSnapshot(o), newCmdDemo(o), newCmdRules(o), newCmdPlugins(o), newCmdVersion(o), newCmdCompletion(o), newCmdOptions()}
}

// wrapUsage makes wrong arguments a usage error, which names the help that would have told.
func wrapUsage(c *cobra.Command) {
	if args := c.Args; args != nil {
		c.Args = func(cmd *cobra.Command, words []string) error {
			if err := args(cmd, words); err != nil {
				var usage usageError
				if errors.As(err, &usage) {
					return err
				}
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		wrapUsage(sub)
	}
}

// addKlogFlags gives client-go's own -v, and silences what it would print at level 0: the one
// error line of the command says it.
func addKlogFlags(flags *pflag.FlagSet) {
	private := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(private)
	flags.AddGoFlag(private.Lookup("v"))
	flags.AddGoFlag(private.Lookup("vmodule"))
	flags.Lookup("v").Usage = "Number for the log level verbosity; 6 shows the requests sent."
	flags.Lookup("vmodule").Hidden = true
	utilruntime.ErrorHandlers = nil //nolint:reassign // the only way to keep client-go's duplicates off stderr
}

// everydayFlags are shown in the help of every command; the rest by `kubectl maturity options`.
var everydayFlags = map[string]bool{"namespace": true, "context": true, "kubeconfig": true, "color": true, "request-timeout": true}

const rareFlag = "kubectl-maturity/rare"

func hideRareFlags(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if !everydayFlags[f.Name] && !f.Hidden {
			f.Hidden = true
			if f.Annotations == nil {
				f.Annotations = map[string][]string{}
			}
			f.Annotations[rareFlag] = []string{"true"}
		}
	})
}

// helpWidth is how wide descriptions are: the width of a terminal that nobody has resized.
const helpWidth = 80

// longDesc fills the paragraphs of a description.
func longDesc(s string) string {
	var b strings.Builder
	column := 0
	for i, paragraph := range strings.Split(strings.TrimSpace(heredoc.Doc(s)), "\n\n") {
		if i > 0 {
			b.WriteString("\n\n")
			column = 0
		}
		for _, word := range strings.Fields(paragraph) {
			switch {
			case column == 0:
			case column+1+len(word) > helpWidth:
				b.WriteByte('\n')
				column = 0
			default:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += len(word)
		}
	}
	return b.String()
}

func examples(s string) string {
	lines := strings.Split(strings.TrimSpace(heredoc.Doc(s)), "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = "  " + l
		}
	}
	return strings.Join(lines, "\n")
}
