package cmd

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// addHelmReleasesFlag adds the flag without which no more than the metadata of a Secret is read.
func addHelmReleasesFlag(f *pflag.FlagSet, asked *bool) {
	f.BoolVar(asked, "helm-releases", false, "Read the releases that Helm keeps in Secrets: chart, version, kinds and names, and nothing else of them. Those that it keeps in ConfigMaps or in a database are not seen.")
}

// errReleasesFrom is what --helm-releases is answered beside a folder, which has releases or has none.
var errReleasesFrom = usagef("--helm-releases asks a cluster and --from reads a folder: give one of them")

// openSnapshot reads a snapshot folder.
func openSnapshot(dir string) (*snapshot.Snapshot, collect.Fetcher, []collect.Problem, error) {
	info, err := os.Stat(dir)
	switch {
	case os.IsNotExist(err):
		return nil, nil, nil, fmt.Errorf("the path %q does not exist", dir)
	case err != nil:
		return nil, nil, nil, err
	case !info.IsDir():
		return nil, nil, nil, fmt.Errorf("%q is a file: --from takes a snapshot folder", dir)
	}
	return readSnapshot(os.DirFS(dir), dir)
}

func readSnapshot(folder fs.FS, name string) (*snapshot.Snapshot, collect.Fetcher, []collect.Problem, error) {
	s, fetcher, problems, err := collect.Archive(folder)
	if err != nil {
		return nil, nil, problems, fmt.Errorf("%s: %w", name, err)
	}
	return s, fetcher, problems, nil
}

// notEvaluated words problems of the input for the report.
func notEvaluated(problems []collect.Problem) []report.NotEvaluated {
	var list []report.NotEvaluated
	for _, p := range problems {
		if p.Reason == collect.ReasonOther {
			continue
		}
		list = append(list, report.NotEvaluated{File: p.File, Reason: p.Reason, Detail: p.Message, Fatal: p.Fatal})
	}
	return list
}

func parseSelector(text string) (labels.Selector, error) {
	if text == "" {
		return nil, nil
	}
	selector, err := labels.Parse(text)
	if err != nil {
		return nil, usagef("unable to parse the label selector %q: %v", text, err)
	}
	return selector, nil
}
