package cluster_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/cmd"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

func TestMain(m *testing.M) { os.Exit(testcluster.Main(m)) }

// said is what one run of the plugin printed, and the code it ended with.
type said struct {
	args     []string
	code     int
	out, err string
}

// maturity runs the plugin in this process, as the user of a kubeconfig would.
func maturity(t *testing.T, kubeconfig string, args ...string) said {
	t.Helper()
	var out, errOut bytes.Buffer
	// What a user may discover is cached beside the kubeconfig, and not in the home folder.
	cache := filepath.Join(filepath.Dir(kubeconfig), "cache")
	argv := append([]string{"kubectl-maturity", "--kubeconfig", kubeconfig, "--cache-dir", cache, "--color", "never"}, args...)
	code := cmd.Main(t.Context(), argv, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
	return said{args: args, code: code, out: out.String(), err: errOut.String()}
}

// exits fails the test unless the run ended with a code.
func (s said) exits(t *testing.T, code int) said {
	t.Helper()
	if s.code != code {
		t.Errorf("%v: exit %d, want %d\n%s%s", s.args, s.code, code, s.out, s.err)
	}
	return s
}

// report is the output of -o json.
func (s said) report(t *testing.T) *report.Report {
	t.Helper()
	r := &report.Report{}
	if err := json.Unmarshal([]byte(s.out), r); err != nil {
		t.Fatalf("%v: not JSON: %v\n%s%s", s.args, err, s.out, s.err)
	}
	return r
}
