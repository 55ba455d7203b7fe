package cmd

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// explainOptions are the flags and arguments of explain.
type explainOptions struct {
	*rootOptions
	print         *printFlags
	from          string
	allNamespaces bool
	selector      string
	failOn        *enumFlag
	strict        bool
	noLogs        bool
	watch         bool
	healthyFor    time.Duration
	timeout       time.Duration

	args      []string
	namespace string // "" for all
	engine    *engine.Engine
	moved     func([]snapshot.Ref) bool // reads the targets again; nil where they cannot move
}

// rereadTargets is for how many targets it is worth a request each to know that they did not move.
const rereadTargets = 3

func newCmdExplain(root *rootOptions) *cobra.Command {
	o := &explainOptions{rootOptions: root, print: newPrintFlags("wide"), failOn: newEnumFlag("none", "none", "critical", "high", "medium", "low", "info")}
	c := &cobra.Command{
		Use:   "explain [TYPE | TYPE NAME ... | TYPE/NAME ...]",
		Short: "Why is it not healthy, which setting did it, what to change",
		Long: longDesc(`
			Tells why an object is not healthy: the cause with its evidence, the setting that did it, drawn in
			its YAML, and a fix for the object that owns the setting.

			TYPE alone explains every object of that type in the namespace, the healthy ones in one line. Without
			arguments whatever is not healthy in the namespace is explained: workloads, Services, claims, routes,
			autoscalers, disruption budgets and network policies; what is well is counted.

			Any kind can be named. Of one that nobody here knows the standard conditions are read (Ready, Available,
			Degraded, Stalled and the like), and what it owns is followed to its pods.

			Only what a verdict needs is read. What could not be read is named, and nothing is concluded from it.

			With --watch it goes on looking while you change things, prints only what changed, and ends when the
			targets have been healthy for a while. It survives a server that does not answer for some time.

			Exit status: 0 explained (with --watch: healthy), 1 findings at or above --fail-on (with --watch: not healthy at
			--timeout), 2 usage error or nothing could be read, 3 partly not evaluated (without arguments: a kind that the server failed to list; with --strict anything
			that could not be read), 130 interrupted.`),
		Example: examples(`
			# Explain a pod
			kubectl maturity explain pod/web-6c7b5b68c6-shdgj

			# Explain a deployment and a service, with all evidence
			kubectl maturity explain deploy/web svc/web -o wide

			# Explain every deployment of a namespace
			kubectl maturity explain deploy -n shop

			# Explain whatever is not healthy in all namespaces
			kubectl maturity explain -A

			# Change it, look, and repeat until it works
			kubectl maturity explain deploy/web --watch --timeout 5m

			# Explain from a snapshot folder, without a cluster
			kubectl maturity explain --from ./incident-42`),
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
	c.Flags().StringVar(&o.from, "from", "", "Read a snapshot folder instead of a cluster.")
	c.Flags().BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "Look in all namespaces.")
	c.Flags().StringVarP(&o.selector, "selector", "l", "", "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.")
	c.Flags().StringVarP(o.print.flags.OutputFormat, "output", "o", "", o.print.usage())
	c.Flags().Var(o.failOn, "fail-on", "Exit with 1 when there are findings of this severity or worse: none, critical, high, medium, low, info. What is only possible does not count.")
	c.Flags().BoolVar(&o.strict, "strict", false, "Exit with 3 when anything could not be evaluated, refused reads included.")
	c.Flags().BoolVar(&o.noLogs, "no-logs", false, "Do not read logs of containers.")
	c.Flags().BoolVarP(&o.watch, "watch", "w", false, "After the verdict, print what changes, until all targets are healthy.")
	c.Flags().DurationVar(&o.healthyFor, "healthy-for", 10*time.Second, "With --watch: how long the targets must stay healthy.")
	c.Flags().DurationVar(&o.timeout, "timeout", 0, "With --watch: give up after this time, such as 5m, and exit with 1. Zero waits for ever.")
	o.print.flags.TemplatePrinterFlags.AddFlags(c)
	return c
}

func (o *explainOptions) complete(args []string) error {
	o.args = args
	if len(args) == 1 && args[0] == "all" { // kubectl's word for every workload
		o.args = nil
	}
	var err error
	o.engine, err = engine.New(nil, causes.All())
	if err != nil {
		return err
	}
	if !o.allNamespaces && o.configFlags.Namespace != nil {
		o.namespace = *o.configFlags.Namespace
	}
	return nil
}

func (o *explainOptions) validate() error {
	switch {
	case o.allNamespaces && len(o.args) > 1:
		return usagef("a resource cannot be retrieved by name across all namespaces")
	case o.watch && o.from != "":
		return usagef("--watch looks at a cluster, and --from at a folder: give one of them")
	case o.watch && len(o.args) == 0:
		return usagef("--watch needs something to watch: TYPE/NAME")
	case o.healthyFor < 0 || o.timeout < 0:
		return usagef("--healthy-for and --timeout take no negative time")
	}
	if _, err := parseSelector(o.selector); err != nil {
		return err
	}
	return o.print.validate()
}

func (o *explainOptions) run(ctx context.Context) error {
	selector, err := parseSelector(o.selector)
	if err != nil {
		return err
	}
	switch {
	case o.watch:
		return o.follow(ctx, selector)
	case o.from == "":
		return o.live(ctx, selector)
	}
	s, fetcher, problems, err := openSnapshot(o.from)
	if err != nil {
		return err
	}
	targets, targetErr := collect.TargetsIn(s, o.namespace, selector, o.args)
	if len(targets) == 0 && targetErr != nil {
		return targetErr
	}
	return o.explain(ctx, s, fetcher, targets, problems, targetErr)
}

// live explains objects of a cluster.
func (o *explainOptions) live(ctx context.Context, selector labels.Selector) error {
	cluster, err := collect.NewCluster(o.configFlags, userAgent("explain"))
	if err != nil {
		return err
	}
	if !o.allNamespaces {
		if o.namespace, err = cluster.Namespace(); err != nil {
			return err
		}
	}
	s := cluster.NewSnapshot()
	targets, targetErr := cluster.Targets(ctx, s, o.namespace, selector, o.args)
	if len(targets) == 0 {
		switch {
		case targetErr != nil:
			return targetErr
		case unlisted(s): // what there is to explain is not known
			return o.explain(ctx, s, cluster, nil, nil, nil)
		}
		o.noneFound()
		return nil
	}
	o.moved = func(targets []snapshot.Ref) bool { return cluster.Moved(ctx, s, targets) }
	return o.explain(ctx, s, cluster, targets, nil, targetErr)
}

// unlisted tells whether a kind could not be listed.
func unlisted(s *snapshot.Snapshot) bool {
	return slices.ContainsFunc(s.BlindSpots(), func(w snapshot.Want) bool { return w.Verb == snapshot.List })
}

// noneFound says, as kubectl does, that nothing is there.
func (o *explainOptions) noneFound() {
	if o.allNamespaces {
		_, _ = fmt.Fprintln(o.ErrOut, "No resources found")
		return
	}
	_, _ = fmt.Fprintf(o.ErrOut, "No resources found in %s namespace.\n", o.namespace)
}

// explain judges the targets, prints the report and turns it into an exit code. An error about some
// of the targets comes after the verdicts on the others.
func (o *explainOptions) explain(ctx context.Context, s *snapshot.Snapshot, fetcher collect.Fetcher, targets []snapshot.Ref, problems []collect.Problem, targetErr error) error {
	r, err := o.judge(ctx, s, fetcher, targets, problems)
	if err != nil {
		return err
	}
	if err := o.write(r); err != nil {
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

// judge reads what the verdicts on the targets need, and reaches them.
func (o *explainOptions) judge(ctx context.Context, s *snapshot.Snapshot, fetcher collect.Fetcher, targets []snapshot.Ref, problems []collect.Problem) (*report.Report, error) {
	next := func() []snapshot.Want { return withoutLogs(o.engine.Wants(s, targets), o.noLogs) }
	if err := collect.Loop(ctx, fetcher, s, next); err != nil {
		return nil, err
	}
	if o.from == "" && len(o.args) == 0 {
		if err := prove(ctx, s, fetcher, o.engine, targets); err != nil {
			return nil, err
		}
		if err := collect.Loop(ctx, fetcher, s, next); err != nil {
			return nil, err
		}
	}
	b := report.NewBuilder("explain", s, o.engine)
	b.Overview, b.Report.Live = len(o.args) == 0, o.from == ""
	b.NotEvaluated(notEvaluated(problems)...)
	diagnoses, failed := o.engine.Explain(s, targets)
	// Reads at different moments disagree: a target that moved meanwhile is judged once more.
	if o.moved != nil && len(o.args) > 0 && len(targets) <= rereadTargets && o.moved(targets) {
		if err := collect.Loop(ctx, fetcher, s, next); err != nil {
			return nil, err
		}
		diagnoses, failed = o.engine.Explain(s, targets)
	}
	if b.Overview {
		diagnoses = engine.Overview(s, diagnoses)
	}
	b.Explain(diagnoses, failed)
	return b.Report, nil
}

// fewProofs is how many objects that lists lack are asked for by name.
const fewProofs = 20

// prove asks for what lists lack and verdicts rest on: who names an object is told for certain, and who names
// none shall not be told less.
func prove(ctx context.Context, s *snapshot.Snapshot, fetcher collect.Fetcher, e *engine.Engine, targets []snapshot.Ref) error {
	wants := e.Unproven(s, targets)
	return fetcher.Fetch(ctx, s, wants[:min(len(wants), fewProofs)])
}

func (o *explainOptions) write(r *report.Report) error {
	if !o.print.isText() {
		return o.print.print(o.Out, r)
	}
	return render.Explain(o.Out, r, o.theme(), len(o.args) > 0, o.print.format() == "wide")
}

// withoutLogs drops the wants for logs, where the user does not want them read.
func withoutLogs(wants []snapshot.Want, drop bool) []snapshot.Want {
	if !drop {
		return wants
	}
	return slices.DeleteFunc(wants, func(w snapshot.Want) bool { return w.Verb == snapshot.Log })
}
