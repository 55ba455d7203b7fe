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
	"strconv"
	"syscall"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

const usage = `usage: go run ./test/cluster/cmd/cluster COMMAND
  build [KIND]       build what is not in the cache: all of it, by default (minutes the first time)
  up KIND [flags]    start a cluster, and stop it on Ctrl-C
  down               stop clusters in the background, and remove what is left of any that was killed
  mods [MODULE...]   write test/cluster/mods anew, after a change of versions.env
kinds:
  control            etcd, API server, controllers and scheduler
  node               with one node that runs pods; needs root
  scale [N [P]]      with N nodes and P pods that exist on paper only; 100 and 5000 by default
flags of up:
  --background       return once it runs; down stops it
  --dir DIR          keep logs and kubeconfig in this folder
  --nodes N --pods P numbers of a scale cluster`

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
		return build(ctx, rest, log)
	case "up":
		return up(ctx, rest, out, log)
	case "down":
		return testcluster.StopBackground(ctx, log)
	case "mods":
		return testcluster.WriteModules(ctx, log, rest...)
	}
	return errors.New(usage)
}

// kindOf takes the kind from the front of the arguments.
func kindOf(args []string) (testcluster.Kind, []string, error) {
	if len(args) > 0 && slices.Contains(testcluster.Kinds, testcluster.Kind(args[0])) {
		return testcluster.Kind(args[0]), args[1:], nil
	}
	return "", nil, errors.New(usage)
}

func build(ctx context.Context, args []string, log io.Writer) error {
	kinds := testcluster.Kinds
	if len(args) > 0 {
		kind, _, err := kindOf(args)
		if err != nil {
			return err
		}
		kinds = []testcluster.Kind{kind}
	}
	start := time.Now()
	if err := testcluster.Build(ctx, kinds, log); err != nil {
		return err
	}
	fmt.Fprintf(log, "all of %v is built, after %s\n", kinds, time.Since(start).Round(100*time.Millisecond))
	return nil
}

// upOptions are what up was asked for.
type upOptions struct {
	testcluster.Options
	background bool // return once it runs
	detached   bool // this is the process that background leaves
}

// up runs a cluster until the context ends, or sees to it that one runs.
func up(ctx context.Context, args []string, out, log io.Writer) error {
	kind, rest, err := kindOf(args)
	if err != nil {
		return err
	}
	o, err := options(kind, rest, log)
	if err != nil {
		return err
	}
	if o.background {
		return upBackground(ctx, kind, o, out, log)
	}
	if err := testcluster.Build(ctx, []testcluster.Kind{kind}, log); err != nil {
		return err
	}
	ready := func(kubeconfig string) error {
		fmt.Fprintf(out, "export KUBECONFIG=%s\n", kubeconfig)
		fmt.Fprintln(log, "Ctrl-C stops it")
		return nil
	}
	if o.detached {
		b, err := testcluster.EnterBackground(kind, os.Args[1:])
		if err != nil {
			return err
		}
		defer b.Leave()
		ready = b.Ready
	} else {
		var cancel context.CancelFunc
		ctx, cancel = untilOrphaned(ctx)
		defer cancel()
	}
	c, err := testcluster.Start(ctx, kind, o.Options)
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := ready(c.Kubeconfig); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// untilOrphaned ends the context when the parent of this process is gone: go run, when it is killed,
// leaves the program that it ran.
func untilOrphaned(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	parent := os.Getppid()
	go func() {
		for ctx.Err() == nil && os.Getppid() == parent {
			time.Sleep(500 * time.Millisecond)
		}
		cancel()
	}()
	return ctx, cancel
}

func upBackground(ctx context.Context, kind testcluster.Kind, o upOptions, out, log io.Writer) error {
	if err := testcluster.Build(ctx, []testcluster.Kind{kind}, log); err != nil {
		return err
	}
	args := []string{"up", string(kind), "--detached"}
	if kind == testcluster.ScaleKind {
		args = append(args, strconv.Itoa(o.Nodes), strconv.Itoa(o.Pods))
	}
	if o.Dir != "" {
		args = append(args, "--dir", o.Dir)
	}
	kubeconfig, err := testcluster.StartBackground(ctx, kind, args, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "export KUBECONFIG=%s\n", kubeconfig)
	return nil
}

// options takes numbers and flags, in any order.
func options(kind testcluster.Kind, args []string, log io.Writer) (upOptions, error) {
	o := upOptions{Options: testcluster.Options{Log: log}}
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.Dir, "dir", "", "")
	flags.BoolVar(&o.background, "background", false, "")
	flags.BoolVar(&o.detached, "detached", false, "")
	flags.IntVar(&o.Nodes, "nodes", 100, "")
	flags.IntVar(&o.Pods, "pods", 5000, "")
	numbers := []*int{&o.Nodes, &o.Pods}
	for len(args) > 0 {
		if n, err := strconv.Atoi(args[0]); err == nil && kind == testcluster.ScaleKind && len(numbers) > 0 {
			*numbers[0], numbers, args = n, numbers[1:], args[1:]
			continue
		}
		if err := flags.Parse(args); err != nil {
			return o, fmt.Errorf("%w\n%s", err, usage)
		}
		if flags.NArg() == len(args) {
			return o, fmt.Errorf("unexpected %q\n%s", args[0], usage)
		}
		args = flags.Args()
	}
	return o, nil
}
