// Command cluster builds the test cluster's programs, and runs one for hands and eyes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

const usage = `usage: go run ./test/cluster/cmd/cluster COMMAND
  build [control|node]          build what is not in the cache: all of it, by default (minutes the first time)
  up control|node [--dir DIR]   start a cluster and stop it on Ctrl-C; DIR keeps its logs and kubeconfig
  down                          remove what clusters left behind whose process was killed
  mods                          write test/cluster/mods anew, after a change of versions.env`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch command, rest := args[0], args[1:]; command {
	case "build":
		kind, _, err := kindOf(rest, testcluster.NodeKind)
		if err != nil {
			return err
		}
		return testcluster.Build(ctx, kind, log)
	case "up":
		return up(ctx, rest, out, log)
	case "down":
		removed, err := testcluster.Sweep()
		for _, dir := range removed {
			fmt.Fprintf(log, "removed %s\n", dir)
		}
		return err
	case "mods":
		return testcluster.WriteModules(ctx, log)
	}
	return errors.New(usage)
}

// kindOf takes the kind from the front of the arguments.
func kindOf(args []string, byDefault testcluster.Kind) (testcluster.Kind, []string, error) {
	switch {
	case len(args) == 0 && byDefault != "":
		return byDefault, nil, nil
	case len(args) > 0 && slices.Contains([]testcluster.Kind{testcluster.ControlKind, testcluster.NodeKind}, testcluster.Kind(args[0])):
		return testcluster.Kind(args[0]), args[1:], nil
	}
	return "", nil, errors.New(usage)
}

// up runs a cluster until the context ends.
func up(ctx context.Context, args []string, out, log io.Writer) error {
	kind, rest, err := kindOf(args, "")
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.SetOutput(log)
	dir := flags.String("dir", "", "keep logs and kubeconfig in this folder")
	if err := flags.Parse(rest); err != nil {
		return err
	}
	if err := testcluster.Build(ctx, kind, log); err != nil {
		return err
	}
	c, err := testcluster.Start(ctx, kind, testcluster.Options{Dir: *dir, Log: log})
	if err != nil {
		return err
	}
	defer c.Stop()
	fmt.Fprintf(out, "export KUBECONFIG=%s\n", c.Kubeconfig)
	fmt.Fprintln(log, "Ctrl-C stops it")
	<-ctx.Done()
	return nil
}
