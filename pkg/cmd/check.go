package cmd

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
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
	kustomize     string
	withCluster   bool
	recursive     bool
	closed        bool
	from          string
	allNamespaces bool
	helmReleases  bool
	selector      string
	failOn        *enumFlag
	strict        bool
	decisions     decisions

	args   []string
	engine *engine.Engine
}

func newCmdCheck(root *rootOptions) *cobra.Command {
	o := &checkOptions{rootOptions: root, print: newPrintFlags("wide"), failOn: newEnumFlag("high", "none", "critical", "high", "medium", "low", "info")}
	c := &cobra.Command{
		Use:   "check [TYPE | TYPE NAME ... | TYPE/NAME ... | -f FILENAME | -k DIRECTORY]",
		Short: "What is broken now, and which settings will hurt",
		Long: longDesc(`
			Finds the settings that will hurt - in a namespace, a cluster, or files - and says first what is broken now.

			With -f or -k only the files are judged and no cluster is contacted. A name that the files do not contain (a
			ConfigMap, Secret, ServiceAccount or claim) is no finding, since the cluster may have it: -o wide lists such
			names, --closed judges them, and --with-cluster looks them up. A selector that matches nothing in the files is a finding.

			-R takes a whole repository. YAML and JSON that is no object of Kubernetes (values, workflows, compose files,
			kustomizations) is counted, and -o wide lists it; the templates of a Helm chart are named once, since they
			must be rendered first. Not entered are hidden folders, node_modules and vendor, unless -f names them; a
			symbolic link to a folder is followed, once. Files over 50 MB are named and not read.

			-k renders as kubectl does, without plugins, and fetches nothing. A finding stands where the setting is
			written, in the base or in a patch; one that the kustomization makes stands in what kubectl kustomize prints.

			What somebody decided to live with is counted, but neither listed nor decides the exit status: the rules and
			exemptions of a maturity.yaml beside the files or above them (--config), the annotation
			kubectl-maturity/waive on an object or its pod template, and what --baseline knows. -o wide lists what is
			waived, and which waivers need another look. What is broken now is always told.

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
			helm template ./chart | kubectl maturity check -f -

			# Check what a kustomization renders, and look up in the cluster what it does not contain
			kubectl maturity check -k overlays/prod --with-cluster

			# Begin with what is new: write once what there is, then fail for more
			kubectl maturity check -f deploy/ -R --baseline known.json --write-baseline
			kubectl maturity check -f deploy/ -R --baseline known.json

			# Waive one finding on one container, until a day and for a reason
			kubectl annotate deploy/web kubectl-maturity/waive='image-latest@canary until=2027-01-31 reason=it follows main'

			# Turn a rule off, and exempt an object from another
			cat > maturity.yaml <<END
			apiVersion: kubectl-maturity/v1alpha1
			kind: Config
			rules: {image-latest: off}
			exemptions:
			- {rule: host-path, object: daemonset/logs, reason: it reads the node's logs, until: 2027-01-31}
			END`),
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
	o.addInputFlags(f)
	f.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "Look in all namespaces.")
	addHelmReleasesFlag(f, &o.helmReleases)
	f.StringVarP(&o.selector, "selector", "l", "", "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.")
	f.StringVarP(o.print.flags.OutputFormat, "output", "o", "", o.print.usage())
	f.Var(o.failOn, "fail-on", "Exit with 1 when there are findings of this severity or worse: none, critical, high, medium, low, info. What is only possible does not count.")
	f.BoolVar(&o.strict, "strict", false, "Exit with 3 when anything could not be evaluated, refused reads included.")
	o.print.flags.TemplatePrinterFlags.AddFlags(c)
	o.decisions.addFlags(c)
	return c
}

func (o *checkOptions) complete(args []string) error {
	o.args = args
	if len(args) == 1 && args[0] == "all" { // kubectl's word for every workload
		o.args = nil
	}
	if err := o.decisions.read(o.fromFiles()); err != nil {
		return err
	}
	var err error
	if o.engine, err = engine.New(o.decisions.checks(), causes.All()); err == nil {
		o.engine.NoFixes = o.print.isText() && o.print.format() != "wide"
	}
	return err
}

func (o *checkOptions) validate() error {
	if err := o.validateInput(); err != nil {
		return err
	}
	if o.allNamespaces && len(o.args) > 1 {
		return usagef("a resource cannot be retrieved by name across all namespaces")
	}
	if _, err := parseSelector(o.selector); err != nil {
		return err
	}
	if err := o.decisions.validate(); err != nil {
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
	case o.fromFiles():
		return o.manifests(ctx, selector)
	case o.from != "":
		return o.archive(selector)
	}
	return o.live(ctx, selector)
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
	if o.helmReleases {
		cluster.ReadReleases()
	}
	s := cluster.NewSnapshot()
	spare(whileReading)
	if err := cluster.Brief(ctx, s, namespace, o.engine.Kinds()); err != nil {
		return err
	}
	spare(whileJudging)
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
	// What the whole cluster shares is nobody's in a namespace, unless it is asked for by name.
	settingsScope := func(obj *snapshot.Object) bool {
		shared := obj.Namespace == "" && obj.GroupKind() != snapshot.NamespaceKind
		return inScope(obj) && (namespace == "" || len(targets) > 0 || !shared)
	}
	b := report.NewBuilder("check", s, o.engine)
	b.Overview, b.Report.Live = true, o.from == ""
	b.NotEvaluated(notEvaluated(problems)...)
	b.Broken(o.engine.Broken(s, brokenScope))
	if targetErr != nil && o.decisions.writeBaseline { // it would lack what was asked for
		return targetErr
	}
	all := namespace == "" && len(targets) == 0 && selector == nil
	if err := o.decisions.judge(o.engine, b, s, settingsScope, all); err != nil {
		return err
	}
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
	if o.decisions.writeBaseline {
		return nil
	}
	if code := r.ExitCode(o.failOn.value, o.strict); code != 0 {
		return exitError(code)
	}
	return nil
}
