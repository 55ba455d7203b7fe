package cmd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/companion"
)

// completionName is the executable that kubectl asks for the completions of `kubectl maturity`.
const completionName = CompletionPrefix + "maturity"

// completionOptions is `kubectl maturity completion`.
type completionOptions struct {
	genericiooptions.IOStreams

	plugin  string // this plugin, by the path that stays when a new version is installed
	enabled string // the link that is there already
	folder  string // where the link belongs
	onPath  bool   // whether the shell looks there
}

func newCmdCompletion(root *rootOptions) *cobra.Command {
	o := &completionOptions{IOStreams: root.IOStreams}
	return &cobra.Command{
		Use:   "completion",
		Short: "Print the command that turns on completion",
		Long: longDesc(`
			Prints the command that makes the shell complete 'kubectl maturity'; it runs nothing.

			kubectl (1.26 or newer) completes a plugin by asking an executable on PATH that is named
			kubectl_complete-maturity. This plugin is that executable when called by that name, so
			one link turns it on, for every shell that completes kubectl itself.

			The link belongs into a folder of your own on PATH, not into krew's: krew does not know
			it, would leave it behind on uninstall, and refuses to work when it finds nothing else.`),
		Example: examples(`
			# Print the command, with what to know about it
			kubectl maturity completion

			# Run it, too
			kubectl maturity completion | sh`),
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.Complete(); err != nil {
				return err
			}
			o.Run()
			return nil
		},
	}
}

// Complete finds the plugin and the best folder on PATH for a link to it.
func (o *completionOptions) Complete() error {
	machine, err := companion.ThisMachine()
	if err != nil {
		return err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return fmt.Errorf("cannot find a folder for the link: %w", err)
	}
	// Not os.Executable first: it follows links, into a folder that krew names by version.
	if o.plugin, err = exec.LookPath("kubectl-maturity"); err != nil {
		if o.plugin, err = os.Executable(); err != nil {
			return err
		}
	}
	if o.enabled, err = exec.LookPath(completionName); err != nil {
		o.enabled = ""
	}
	path := filepath.SplitList(os.Getenv("PATH"))
	for i := range path {
		path[i] = filepath.Clean(path[i])
	}
	own := filepath.Join(home, ".local", "bin")
	folders := []string{own, filepath.Join(home, "bin")}
	if os.Geteuid() == 0 { // others cannot write there
		folders = append(folders, "/usr/local/bin")
	}
	for _, folder := range folders {
		if slices.Contains(path, folder) && folder != filepath.Join(machine.KrewRoot, "bin") {
			o.folder, o.onPath = folder, true
			return nil
		}
	}
	o.folder = own
	return nil
}

// Run prints a shell script of one command, and comments.
func (o *completionOptions) Run() {
	link := filepath.Join(o.folder, completionName)
	if runtime.GOOS == "windows" {
		fmt.Fprintf(o.Out, "# Copy the plugin under the name that kubectl asks, once for each new version:\ncopy \"%s\" \"%s.exe\"\n", o.plugin, link)
		return
	}
	if o.enabled != "" {
		fmt.Fprintf(o.Out, "# On already, by %s\n", o.enabled)
	}
	fmt.Fprintln(o.Out, "# kubectl 1.26 or newer completes 'kubectl maturity' after this:")
	if !o.onPath {
		fmt.Fprintf(o.Out, "mkdir -p %s   # and put it on PATH: export PATH=\"$PATH:%s\"\n", shellWord(o.folder), o.folder)
	}
	fmt.Fprintf(o.Out, "ln -sf %s %s\n", shellWord(o.plugin), shellWord(link))
	fmt.Fprintf(o.Out, "# When you uninstall the plugin: rm %s\n", shellWord(link))
}

// completeEnums makes the shell offer the values of every flag that has a fixed set of them, where
// the command does not do so itself.
func completeEnums(c *cobra.Command) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		enum, ok := f.Value.(*enumFlag)
		if _, own := c.GetFlagCompletionFunc(f.Name); ok && !own {
			// It fails for an unknown or a registered flag only, and this one is neither.
			_ = c.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(enum.values, cobra.ShellCompDirectiveNoFileComp))
		}
	})
	for _, sub := range c.Commands() {
		completeEnums(sub)
	}
}

// shellWord quotes a word for sh where that is needed.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
