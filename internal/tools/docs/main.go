// Command docs writes docs/ from the rules and the commands themselves, so that the pages say what
// the program does. The same program gives the same bytes.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/cmd"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

func main() {
	out := flag.String("out", "docs", "the folder to write to")
	flag.Parse()
	if err := write(*out); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// page is a file of docs/.
type page struct {
	name  string
	print func(io.Writer) error
}

func write(dir string) error {
	// Defaults of flags that lie below the home folder must not name that of whoever runs this.
	for name, value := range map[string]string{"HOME": "$HOME", "KUBECACHEDIR": ""} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	pages, err := pages(checks.All(), causes.All(), causes.NotYet)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, p := range pages {
		var b bytes.Buffer
		if err := p.print(&b); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, p.name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func pages(checks []*rule.Check, causes []*rule.Cause, notYet string) ([]page, error) {
	if err := rule.Validate(checks, causes); err != nil {
		return nil, err
	}
	all := report.DescribeRules(checks, causes)
	if err := finished(all); err != nil {
		return nil, err
	}
	of := func(kind string) []report.Rule {
		return all.Only(func(r report.Rule) bool { return r.Kind == kind }).Rules
	}
	aboutCauses := causesIntro
	aboutCauses.after = notYet
	return []page{
		{"checks.md", func(w io.Writer) error { return writeRules(w, checksIntro, of(report.KindCheck)) }},
		{"causes.md", func(w io.Writer) error { return writeRules(w, aboutCauses, of(report.KindCause)) }},
		{"cli.md", func(w io.Writer) error {
			streams, _, _, _ := genericiooptions.NewTestIOStreams()
			return writeCommands(w, cmd.NewCmdMaturity(streams))
		}},
		{"config.md", func(w io.Writer) error {
			_, err := io.WriteString(w, config.Page)
			return err
		}},
		{"model.md", func(w io.Writer) error {
			m, err := model.Default()
			if err != nil {
				return err
			}
			return writeModel(w, m)
		}},
	}, nil
}
