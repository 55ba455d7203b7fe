// Command kubectl-maturity is the kubectl plugin `kubectl maturity`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubeconfigs that name an auth provider work as in kubectl

	"github.com/kubectl-maturity/kubectl-maturity/pkg/cmd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	code := cmd.Main(ctx, os.Args, streams)
	stop()
	os.Exit(code)
}
