package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/demo"
)

func newCmdDemo(root *rootOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Explain and check a captured cluster, without one of your own",
		Long: longDesc(`
			Runs explain and check on a snapshot of a small shop in trouble. It was captured from a real cluster and
			is part of the binary: nothing is contacted.`),
		Example: examples(`
			# See what explain and check print
			kubectl maturity demo`),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDemo(c.Context(), root) },
	}
}

func runDemo(ctx context.Context, root *rootOptions) error {
	folder, err := demo.Shop()
	if err != nil {
		return err
	}
	s, fetcher, problems, err := readSnapshot(folder, "demo")
	if err != nil {
		return err
	}
	say := func(command, what string) { _, _ = fmt.Fprintf(root.Out, "$ %s    # %s\n\n", command, what) }

	for _, one := range []struct{ target, what string }{
		{"deploy/analytics-exporter", "one crash, explained"},
		{"deploy/checkout", "and one that needs more CPU, or more time, to start"},
	} {
		say("kubectl maturity explain "+one.target+" -n shop", one.what)
		explain := &explainOptions{rootOptions: root, print: newPrintFlags("wide"), failOn: newEnumFlag("none", "none")}
		if err := explain.complete([]string{one.target}); err != nil {
			return err
		}
		targets, err := collect.TargetsIn(s, "", nil, explain.args)
		if err != nil {
			return err
		}
		if err := explain.explain(ctx, s, fetcher, targets, problems, nil); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(root.Out)
	}

	say("kubectl maturity check -n shop", "what is broken now, and what will hurt next")
	check := &checkOptions{rootOptions: root, print: newPrintFlags("wide"), failOn: newEnumFlag("none", "none")}
	if err := check.complete(nil); err != nil {
		return err
	}
	return check.judge(s, problems, "shop", nil, nil, nil)
}
