// Package acceptance runs whole commands as users type them: each testdata/*.txtar is a session.
package acceptance

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/cmd"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kubectl-maturity": func() {
			streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
			os.Exit(cmd.Main(context.Background(), os.Args, streams))
		},
	})
}

func TestAcceptance(t *testing.T) {
	captures, err := filepath.Abs(filepath.Join("..", "captures"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_GOLDEN") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":   exit,
			"binary": binary,
			"large":  large,
			"serve":  serve,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("CAPTURES", captures)
			env.Setenv("COMPOSED", filepath.Join(filepath.Dir(captures), "composed"))
			env.Setenv("LANG", "C.UTF-8")
			env.Setenv("KUBECONFIG", filepath.Join(env.WorkDir, "no-kubeconfig"))
			return nil
		},
	})
}

// exit runs a command and compares its exit code: exit 2 kubectl-maturity check -f nope. Its output
// can be matched afterwards as after exec.
func exit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE command...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = exitCode(err)
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// binary writes a file that is no text.
func binary(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte{0x7f, 'E', 'L', 'F', 0, 1, 2, 0}, 0o600))
}

// large makes a file of 100 MB that takes no room on the disk.
func large(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(f.Truncate(100 << 20))
	ts.Check(f.Close())
}
