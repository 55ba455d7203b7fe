package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
)

// printFlags is -o: kubectl's formats on the Report, and text for people.
type printFlags struct {
	flags *genericclioptions.PrintFlags
	text  []string // formats of our own
}

func newPrintFlags(text ...string) *printFlags {
	return &printFlags{flags: genericclioptions.NewPrintFlags(""), text: text}
}

func (p *printFlags) format() string { return *p.flags.OutputFormat }

// isText tells whether the format is one for people.
func (p *printFlags) isText() bool {
	if p.format() == "" {
		return true
	}
	for _, t := range p.text {
		if p.format() == t {
			return true
		}
	}
	return false
}

// formats are the names of all formats, as the help and errors list them.
func (p *printFlags) formats() []string {
	return append(append([]string{}, p.text...), p.flags.AllowedFormats()...)
}

// usage is the help of -o, as kubectl words it.
func (p *printFlags) usage() string {
	return "Output format. One of: (" + strings.Join(p.formats(), ", ") + ")."
}

func (p *printFlags) validate() error {
	if p.isText() {
		return nil
	}
	if _, err := p.flags.ToPrinter(); err != nil {
		if genericclioptions.IsNoCompatiblePrinterError(err) {
			return usagef("unable to match a printer suitable for the output format %q, allowed formats are: %s", p.format(), strings.Join(p.formats(), ","))
		}
		return usageError{err}
	}
	return nil
}

// print writes the report in a format of kubectl's; -o name prints each object with a finding once.
func (p *printFlags) print(w io.Writer, r *report.Report) error {
	if p.format() == "name" {
		seen := map[string]bool{}
		for _, f := range r.Findings {
			if name := f.Object.String(); !seen[name] {
				seen[name] = true
				if _, err := fmt.Fprintln(w, name); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return p.printObject(w, r)
}

// printObject writes an object in a format of kubectl's.
func (p *printFlags) printObject(w io.Writer, obj runtime.Object) error {
	printer, err := p.flags.ToPrinter()
	if err != nil {
		return err
	}
	return printer.PrintObj(obj, w)
}

// theme decides colour, characters and width from --color, the environment and the terminal.
func (o *rootOptions) theme() *render.Theme {
	tty, width := false, 0
	if f, ok := o.Out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		tty = true
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			width = min(w, maxWidth)
		}
	}
	colored := tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	switch o.color {
	case "always":
		colored = true
	case "never":
		colored = false
	}
	return render.NewTheme(colored, utf8Locale(), width)
}

// maxWidth is how wide prose may become on a wide terminal and still be read.
const maxWidth = 120

func utf8Locale() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// marshal prints v as json or yaml; done tells whether the format was one of them.
func marshal(w io.Writer, format string, v any) (done bool, err error) {
	var data []byte
	switch format {
	case "json":
		if data, err = json.MarshalIndent(v, "", "  "); err != nil {
			return true, err
		}
		data = append(data, '\n')
	case "yaml":
		if data, err = yaml.Marshal(v); err != nil {
			return true, err
		}
	default:
		return false, nil
	}
	_, err = w.Write(data)
	return true, err
}
