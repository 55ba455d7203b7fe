package cmd

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// CompletionPrefix is how kubectl names the executable that completes a plugin's arguments.
const CompletionPrefix = "kubectl_complete-"

// Main runs the plugin with the words of argv and returns the process' exit code. Called under
// a name that starts with CompletionPrefix it prints completions, the way kubectl asks for them.
func Main(ctx context.Context, argv []string, streams genericiooptions.IOStreams) int {
	args := argv[1:]
	if strings.HasPrefix(filepath.Base(argv[0]), CompletionPrefix) {
		args = append([]string{"__complete"}, args...)
	}
	root := NewCmdMaturity(streams)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case err == nil || errors.Is(err, syscall.EPIPE):
		return 0
	}
	return printError(streams.ErrOut, root, err)
}
