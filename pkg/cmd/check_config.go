package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// decisions are what somebody decided to live with: the flags of check that say where to read it, and what was
// read. The zero value is nothing.
type decisions struct {
	file          string
	honour        []string
	baseline      string
	writeBaseline bool

	config  *config.Config
	folder  string // of the configuration, absolute
	base    *report.Baseline
	ignored []string        // files that the configuration left out
	gates   func() []string // that may be declared; nil: those of the program's model
}

// noConfig is the value of --config that uses none.
const noConfig = "none"

func (d *decisions) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&d.file, "config", "", "Configuration to use, or none. With files it is by default the "+config.FileName+" of the working folder, or of the next folder above that has one, up to the top of the repository; a cluster has no default.")
	f.StringSliceVar(&d.honour, "honour", nil, "Tools whose own annotations that ignore a check count here too, separated by commas: "+strings.Join(config.Tools(), ", ")+".")
	f.StringVar(&d.baseline, "baseline", "", "File with findings that are known: only new ones are listed, and decide the exit status.")
	f.BoolVar(&d.writeBaseline, "write-baseline", false, "Write what is found to the file of --baseline, and exit with 0.")
	// It fails for an unknown or a registered flag only, and this one is neither.
	_ = c.RegisterFlagCompletionFunc("honour", cobra.FixedCompletions(config.Tools(), cobra.ShellCompDirectiveNoFileComp))
}

func (d *decisions) validate() error {
	if d.writeBaseline && d.baseline == "" {
		return usagef("--write-baseline needs --baseline FILE, the file to write")
	}
	for _, tool := range d.honour {
		if err := config.CheckTool(tool); err != nil {
			return usagef("--honour: %w", err)
		}
	}
	return nil
}

// read reads the configuration and the baseline. Of files that are checked, the configuration lies beside or
// above; of a cluster nobody knows which would be meant.
func (d *decisions) read(files bool) error {
	name := d.file
	if name == "" && files {
		var err error
		if name, err = findConfig(); err != nil {
			return err
		}
	}
	if name != "" && d.file != noConfig {
		data, err := readSmall(name)
		if err != nil {
			return err
		}
		if d.config, err = config.Parse(name, data, d.known()); err != nil {
			return err
		}
		absolute, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		d.folder = filepath.Dir(absolute)
	}
	if d.baseline == "" || d.writeBaseline {
		return nil
	}
	data, err := readSmall(d.baseline)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the path %q does not exist; --write-baseline writes it", d.baseline)
	}
	if err != nil {
		return err
	}
	d.base, err = report.ParseBaseline(d.baseline, data)
	return err
}

// readSmall reads a file that somebody wrote or that lists findings: what is larger is something else.
func readSmall(name string) ([]byte, error) {
	const limit = 50 << 20
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing(name)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%q is a folder, and must be a file", name)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s: %d MB: files over %d MB are not read", name, info.Size()>>20, limit>>20)
	}
	return os.ReadFile(name)
}

// missing is the error for a file that is not there.
type missing string

func (m missing) Error() string { return fmt.Sprintf("the path %q does not exist", string(m)) }
func (m missing) Unwrap() error { return fs.ErrNotExist }

// findConfig looks for a configuration in the working folder and above it, up to the folder that holds a
// repository: what lies further up belongs to something else. It returns "" where there is none.
func findConfig() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, config.FileName)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return filepath.Rel(start, file)
		}
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil || dir == filepath.Dir(dir) {
			return "", nil
		}
	}
}

// known are the names that a configuration may use.
func (d *decisions) known() config.Known {
	k := config.Known{Checks: checks.All(), Causes: causes.All(), Type: collect.TypeOf, Gates: d.gates}
	if k.Gates == nil {
		k.Gates = gatesOfDefault
	}
	return k
}

// gatesOfDefault are the gates of the program's own model, which a run of check seldom asks for.
var gatesOfDefault = sync.OnceValue(func() []string {
	m, err := model.Default()
	if err != nil { // a test reads it
		return nil
	}
	return gateIDs(m)
})

// checks are the checks as the configuration wants them.
func (d *decisions) checks() []*rule.Check { return d.config.Apply(checks.All()) }

// skip tells whether the configuration leaves a file out.
func (d *decisions) skip(file string) bool {
	if d.config == nil || len(d.config.Ignore) == 0 {
		return false
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		return false
	}
	relative, err := filepath.Rel(d.folder, absolute)
	if err != nil || !filepath.IsLocal(relative) || !d.config.Ignores(filepath.ToSlash(relative)) {
		return false
	}
	d.ignored = append(d.ignored, file)
	return true
}

// judge runs the checks on what keep lets through and reports what nobody decided to live with. complete says
// that there is nothing else.
func (d *decisions) judge(e *engine.Engine, b *report.Builder, s *snapshot.Snapshot, keep func(*snapshot.Object) bool, complete bool) error {
	res := e.Check(s, keep)
	complete = complete && len(report.Unread(s)) == 0 && len(b.Report.NotEvaluated) == 0
	honour := d.honour
	if d.config != nil {
		honour = append(slices.Clone(honour), d.config.Honour...)
		b.Report.Config = d.config.Name
	}
	slices.Sort(d.ignored)
	b.Report.Ignored = slices.Compact(d.ignored)
	waivers := e.Waive(s, &res, engine.Waivers{Config: d.config, Known: d.known(), Honour: honour, Keep: keep, Complete: complete})
	b.Listing = e.NoFixes && d.base == nil && !d.writeBaseline // a baseline looks at each
	b.Check(res)
	b.Waivers(waivers, b.Report.Config)
	base := d.base
	if d.writeBaseline {
		base = report.NewBaseline(b.Report)
		data, err := base.Marshal()
		if err != nil {
			return err
		}
		if err := replaceFile(d.baseline, data); err != nil {
			return err
		}
	}
	if base != nil {
		b.Without(base, d.baseline, res, keep, complete)
		b.Report.Baseline.Written = d.writeBaseline
	}
	return nil
}

// replaceFile writes a file at once: whoever reads it meanwhile, or after a full disk, has the old one.
func replaceFile(name string, data []byte) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%q is no file that can be replaced", name)
	}
	if target, err := filepath.EvalSymlinks(name); err == nil { // the link stays one
		name = target
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if errors.Is(err, fs.ErrNotExist) {
		return missing(filepath.Dir(name))
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
