package cmd

import (
	"context"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// checkOptions are the flags and arguments of check.
type checkOptions struct {
	*rootOptions
	print         *printFlags
	files         []string
	recursive     bool
	closed        bool
	from          string
	allNamespaces bool
	selector      string
	failOn        *enumFlag
	strict        bool

	args   []string
	engine *engine.Engine
}

func newCmdCheck(root *rootOptions) *cobra.Command {
	o := &checkOptions{rootOptions: root, print: newPrintFlags("wide"), failOn: newEnumFlag("high", "none", "critical", "high", "medium", "low", "info")}
	c := &cobra.Command{
		Use:   "check [TYPE | TYPE NAME ... | TYPE/NAME ... | -f FILENAME]",
		Short: "What is broken now, and which settings will hurt",
		Long: longDesc(`
			Finds the settings that will hurt - in a namespace, a cluster, or files - and says first what is broken now.

			With -f only the files are judged and no cluster is contacted. A name that the files do not contain (a
			ConfigMap, Secret, ServiceAccount or claim) is no finding, since the cluster may have it: -o wide lists such
			names, --closed judges them. A selector that matches nothing in the files is a finding.

			Exit status: 0 nothing at or above --fail-on, 1 findings at or above it, 2 usage error or nothing could be
			read, 3 partly not evaluated (a document that cannot be read, a kind that the server failed to list; with
			--strict also refused reads), 130 interrupted. Of several, the first of 130, 2, 1, 3 counts.`),
		Example: examples(`
			# Check the current namespace
			kubectl maturity check

			# Check all namespaces
			kubectl maturity check -A

			# Check one deployment
			kubectl maturity check deploy/web -n shop

			# Check manifests before they are applied, as CI does
			kubectl maturity check -f deploy/ -R

			# Check what a chart renders
			helm template ./chart | kubectl maturity check -f -`),
		ValidArgsFunction: root.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(c.Context())
		},
	}
	f := c.Flags()
	f.StringSliceVarP(&o.files, "filename", "f", nil, "Manifests to check: files, folders, or - for standard input. No cluster is contacted.")
	f.BoolVarP(&o.recursive, "recursive", "R", false, "Look in the folders of -f for further folders.")
	f.BoolVar(&o.closed, "closed", false, "The files are complete: a name that they do not contain is a finding.")
	f.StringVar(&o.from, "from", "", "Read a snapshot folder instead of a cluster.")
	f.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "Look in all namespaces.")
	f.StringVarP(&o.selector, "selector", "l", "", "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.")
	f.StringVarP(o.print.flags.OutputFormat, "output", "o", "", o.print.usage())
	f.Var(o.failOn, "fail-on", "Exit with 1 when there are findings of this severity or worse: none, critical, high, medium, low, info. What is only possible does not count.")
	f.BoolVar(&o.strict, "strict", false, "Exit with 3 when anything could not be evaluated, refused reads included.")
	o.print.flags.TemplatePrinterFlags.AddFlags(c)
	return c
}

func (o *checkOptions) complete(args []string) error {
	o.args = args
	if len(args) == 1 && args[0] == "all" { // kubectl's word for every workload
		o.args = nil
	}
	var err error
	o.engine, err = engine.New(checks.All(), causes.All())
	return err
}

func (o *checkOptions) validate() error {
	switch {
	case len(o.files) > 0 && o.from != "":
		return usagef("only one of -f and --from may be given")
	case len(o.files) > 0 && len(o.args) > 0:
		return usagef("when -f is given, resource arguments are not allowed: %q", o.args)
	case len(o.files) > 0 && o.allNamespaces:
		return usagef("-A asks a cluster and -f reads files: give one of them")
	case o.recursive && len(o.files) == 0:
		return usagef("-R needs -f")
	case o.closed && len(o.files) == 0:
		return usagef("--closed needs -f")
	case o.allNamespaces && len(o.args) > 1:
		return usagef("a resource cannot be retrieved by name across all namespaces")
	}
	if _, err := parseSelector(o.selector); err != nil {
		return err
	}
	return o.print.validate()
}

func (o *checkOptions) run(ctx context.Context) error {
	selector, err := parseSelector(o.selector)
	if err != nil {
		return err
	}
	switch {
	case len(o.files) > 0:
		return o.manifests(selector)
	case o.from != "":
		return o.archive(selector)
	}
	return o.live(ctx, selector)
}

// manifests checks files. The kubeconfig is not read either: the same files give the same result
// everywhere.
func (o *checkOptions) manifests(selector labels.Selector) error {
	namespace := "default"
	if o.configFlags.Namespace != nil && *o.configFlags.Namespace != "" {
		namespace = *o.configFlags.Namespace
	}
	s, problems, err := collect.Files(collect.FileOptions{
		Paths: o.files, Recursive: o.recursive, In: o.In, Namespace: namespace, Closed: o.closed, Now: time.Now(),
	})
	if err != nil {
		return err
	}
	b := report.NewBuilder("check", s, o.engine)
	b.NotEvaluated(notEvaluated(problems)...)
	b.Check(o.engine.Check(s, selected(nil, selector)))
	return o.finish(b, s, nil)
}

func (o *checkOptions) archive(selector labels.Selector) error {
	s, _, problems, err := openSnapshot(o.from)
	if err != nil {
		return err
	}
	namespace := ""
	if !o.allNamespaces && o.configFlags.Namespace != nil {
		namespace = *o.configFlags.Namespace
	}
	var targets []snapshot.Ref
	var targetErr error
	if len(o.args) > 0 {
		targets, targetErr = collect.TargetsIn(s, namespace, selector, o.args)
		if len(targets) == 0 && targetErr != nil {
			return targetErr
		}
	}
	return o.judge(s, problems, namespace, targets, selector, targetErr)
}

func (o *checkOptions) live(ctx context.Context, selector labels.Selector) error {
	cluster, err := collect.NewCluster(o.configFlags, userAgent("check"))
	if err != nil {
		return err
	}
	namespace := ""
	if !o.allNamespaces {
		if namespace, err = cluster.Namespace(); err != nil {
			return err
		}
	}
	s := cluster.NewSnapshot()
	if err := cluster.Brief(ctx, s, namespace); err != nil {
		return err
	}
	spare()
	var targets []snapshot.Ref
	var targetErr error
	if len(o.args) > 0 {
		targets, targetErr = cluster.Targets(ctx, s, namespace, selector, o.args)
		if len(targets) == 0 && targetErr != nil {
			return targetErr
		}
	}
	return o.judge(s, nil, namespace, targets, selector, targetErr)
}

// whileJudging is how much garbage may lie beside what is kept of a cluster, in per cent of it. What is read
// stays until the end, and only judging makes garbage beside all of it: 5,000 pods take a third less memory so
// than by default, and a tenth more time of a CPU.
const whileJudging = 25

// spare sets how much garbage may lie about, unless who runs the command has said so with GOGC.
func spare() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(whileJudging)
	}
}

// judge runs causes and checks over what a cluster or a snapshot of one holds.
func (o *checkOptions) judge(s *snapshot.Snapshot, problems []collect.Problem, namespace string, targets []snapshot.Ref, selector labels.Selector, targetErr error) error {
	keep := selected(targets, selector)
	inScope := func(obj *snapshot.Object) bool {
		if in := obj.Namespace; namespace != "" && in != namespace && (in != "" || obj.GroupKind() == snapshot.NamespaceKind && obj.Name != namespace) {
			return false
		}
		return keep(obj)
	}
	brokenScope := func(obj *snapshot.Object) bool {
		return inScope(obj) || len(targets) > 0 && keep(s.TopOwner(obj))
	}
	b := report.NewBuilder("check", s, o.engine)
	b.Overview, b.Report.Live = true, o.from == ""
	b.NotEvaluated(notEvaluated(problems)...)
	b.Broken(o.engine.Broken(s, brokenScope))
	b.Check(o.engine.Check(s, inScope))
	return o.finish(b, s, targetErr)
}

// selected lets through the targets, or with none what the selector finds.
func selected(targets []snapshot.Ref, selector labels.Selector) func(*snapshot.Object) bool {
	return func(obj *snapshot.Object) bool {
		if len(targets) > 0 {
			return slices.ContainsFunc(targets, obj.Same)
		}
		return selector == nil || selector.Matches(labels.Set(obj.Meta.GetLabels()))
	}
}

func (o *checkOptions) finish(b *report.Builder, s *snapshot.Snapshot, targetErr error) error {
	b.UnknownKinds(s)
	r := b.Report
	if o.print.isText() {
		if err := render.Check(o.Out, r, o.theme(), o.print.format() == "wide"); err != nil {
			return err
		}
	} else if err := o.print.print(o.Out, r.Complete()); err != nil {
		return err
	}
	if targetErr != nil {
		return targetErr
	}
	if code := r.ExitCode(o.failOn.value, o.strict); code != 0 {
		return exitError(code)
	}
	return nil
}
