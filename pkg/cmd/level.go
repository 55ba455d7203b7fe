package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/config"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// levelOptions are the flags of level.
type levelOptions struct {
	*rootOptions
	print         *printFlags
	allNamespaces bool
	from          string
	modelFile     string
	diff          string
	helmReleases  bool
	fleet         fleetFlags

	decisions decisions
	model     *model.Model
	engine    *engine.Engine
	old       *report.Level
}

func newCmdLevel(root *rootOptions) *cobra.Command {
	o := &levelOptions{rootOptions: root, print: newPrintFlags("wide")}
	c := &cobra.Command{
		Use:   "level",
		Short: "Where you stand on the maturity model, and the next step",
		Long: longDesc(`
			Places a namespace, or with -A a cluster, on the Kubernetes Maturity Model: for each dimension the phase that
			its gates prove, the one gate that holds it back, and what closes it.

			A gate asks for something that anybody can verify: so many of the objects that a check applies to must pass.
			There is no average and no mark. What could not be read is neither passed nor failed: it makes a span, from
			the phase that is proven to the one that is possible, and the output names the fact that is the cheapest to
			find out. What is critical caps the phase that is shown. What runs in the system's own namespaces is counted
			apart.

			What no API shows is declared in maturity.yaml (--config), with a name, a day and an end. What is measured
			counts, whatever is declared. 'docs/model.md' has every gate with its source; --model takes another model.

			Exit status: 0, 2 usage error or nothing could be read, 3 partly not evaluated (a file that cannot be read, a
			kind that the server failed to list), 130 interrupted.`),
		Example: examples(`
			# Place the cluster
			kubectl maturity level -A

			# Place the current namespace, and show every gate with its evidence
			kubectl maturity level -o wide

			# What has moved since last month, and why
			kubectl maturity level -A -o json > november.json
			kubectl maturity level -A --diff november.json

			# Say what no API shows
			cat > maturity.yaml <<END
			apiVersion: kubectl-maturity/v1alpha1
			kind: Config
			declarations:
			- {gate: audited, answer: yes, by: sam, on: 2026-11-02, evidence: https://wiki.example.com/audit}
			END
			kubectl maturity level -A --config maturity.yaml`),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.complete(); err != nil {
				return err
			}
			if err := o.print.validate(); err != nil {
				return err
			}
			return o.run(c.Context())
		},
	}
	f := c.Flags()
	f.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "Place the whole cluster.")
	f.StringVar(&o.from, "from", "", "Read a snapshot folder instead of a cluster.")
	addHelmReleasesFlag(f, &o.helmReleases)
	f.StringVar(&o.decisions.file, "config", "", "Configuration with rules, exemptions and declarations.")
	f.StringVar(&o.modelFile, "model", "", "Model to place by, instead of the one of the program.")
	f.StringVar(&o.diff, "diff", "", "An earlier placement (-o json): print what has moved since, and why.")
	f.StringVarP(o.print.flags.OutputFormat, "output", "o", "", o.print.usage())
	o.print.flags.TemplatePrinterFlags.AddFlags(c)
	o.addFleetFlags(c)
	return c
}

func (o *levelOptions) complete() error {
	if o.helmReleases && o.from != "" {
		return errReleasesFrom
	}
	var err error
	if o.model, err = readModel(o.modelFile); err != nil {
		return err
	}
	o.decisions.gates = func() []string { return gateIDs(o.model) }
	if err := o.decisions.read(false); err != nil {
		return err
	}
	if o.engine, err = placing(o.model, o.decisions.checks()); err != nil {
		return err
	}
	if o.diff != "" {
		if !o.print.isText() {
			return usagef("--diff prints text, and no -o %s", o.print.format())
		}
		data, err := readSmall(o.diff)
		if err != nil {
			return err
		}
		o.old = &report.Level{}
		if err := json.Unmarshal(data, o.old); err != nil || o.old.Kind != "Level" || o.old.At.IsZero() || len(o.old.Dimensions) == 0 {
			return fmt.Errorf("%s: not a placement: --diff takes what 'kubectl maturity level -o json' has printed", o.diff)
		}
	}
	return nil
}

// readModel reads a model; "" is the one of the program.
func readModel(file string) (*model.Model, error) {
	if file == "" {
		return model.Default()
	}
	data, err := readSmall(file)
	if err != nil {
		return nil, err
	}
	m, err := model.Parse(file, data)
	if err != nil {
		return nil, err
	}
	ids := []string{engine.RuleUnhealthy, engine.RuleUnexplained}
	for _, c := range checks.All() {
		ids = append(ids, c.ID)
	}
	return m, m.Unknown(file, ids)
}

func gateIDs(m *model.Model) []string {
	ids := make([]string, 0, len(m.Gates))
	for _, g := range m.Gates {
		ids = append(ids, g.ID)
	}
	return ids
}

// placing is an engine for a model: the checks that its gates name, whether they are on or not, and all others that
// are on, any of which may find something critical. How bad a finding is nobody's configuration changes here.
func placing(m *model.Model, all []*rule.Check) (*engine.Engine, error) {
	shipped := map[string]*rule.Check{}
	for _, c := range checks.All() {
		shipped[c.ID] = c
	}
	named := m.Checks()
	var list []*rule.Check
	for _, c := range all {
		on := *c
		if is := shipped[c.ID]; is != nil {
			on.Severity, on.Fixed = is.Severity, is.Fixed
		}
		if slices.Contains(named, c.ID) {
			on.Off = false
		}
		if !on.Off {
			list = append(list, &on)
		}
	}
	e, err := engine.New(list, causes.All())
	if err != nil {
		return nil, err
	}
	e.NoFixes, e.NamePassing = true, true
	return e, nil
}

func (o *levelOptions) run(ctx context.Context) error {
	if o.several() {
		return o.runFleet(ctx)
	}
	s, problems, namespace, err := o.read(ctx)
	if err != nil {
		return err
	}
	l := o.place(s, namespace)
	l.NotEvaluated = append(l.NotEvaluated, notEvaluated(problems)...)
	if o.modelFile != "" {
		l.Model.File = o.modelFile
	}
	if err := o.show(l); err != nil {
		return err
	}
	if slices.ContainsFunc(l.NotEvaluated, func(n report.NotEvaluated) bool { return n.Fatal }) {
		return exitError(report.ExitNotEvaluated)
	}
	return nil
}

// read reads what the gates need, and says which namespace is placed.
func (o *levelOptions) read(ctx context.Context) (s *snapshot.Snapshot, problems []collect.Problem, namespace string, err error) {
	if o.from != "" {
		if s, _, problems, err = openSnapshot(o.from); err != nil {
			return nil, nil, "", err
		}
		if !o.allNamespaces {
			if namespace = *o.configFlags.Namespace; namespace == "" {
				namespace = savedNamespace(s)
			}
		}
		return s, problems, namespace, nil
	}
	cluster, err := collect.NewCluster(o.configFlags, userAgent("level"))
	if err != nil {
		return nil, nil, "", err
	}
	if !o.allNamespaces {
		if namespace, err = cluster.Namespace(); err != nil {
			return nil, nil, "", err
		}
	}
	if o.helmReleases {
		cluster.ReadReleases()
	}
	s = cluster.NewSnapshot()
	spare(whileReading)
	defer spare(whileJudging)
	return s, nil, namespace, cluster.Placement(ctx, s, namespace, o.engine.Kinds())
}

// savedNamespace is the namespace that a snapshot is of; "" where it is of a cluster, or of several.
func savedNamespace(s *snapshot.Snapshot) string {
	if out, ok := s.Outcome(snapshot.WantList(snapshot.PodKind, "", "")); ok && out.State != snapshot.Blind {
		return ""
	}
	read := map[string]bool{}
	for _, w := range s.ListsRead() {
		if w.GroupKind() == snapshot.PodKind {
			read[w.Namespace] = true
		}
	}
	if len(read) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(read))[0]
}

// place judges the gates.
func (o *levelOptions) place(s *snapshot.Snapshot, namespace string) *report.Level {
	keep := func(obj *snapshot.Object) bool {
		if namespace == "" {
			return true
		}
		return obj.Namespace == namespace || obj.GroupKind() == snapshot.NamespaceKind && obj.Name == namespace || obj.GroupKind() == snapshot.ClusterKind
	}
	b := report.NewBuilder("level", s, o.engine)
	b.Overview = true
	broken, failed := o.engine.Broken(s, keep)
	res := o.engine.Check(s, keep)
	var declarations []config.Declaration
	if c := o.decisions.config; c != nil {
		declarations = c.Declarations
		b.Report.Config = c.Name
	}
	waivers := o.engine.Waive(s, &res, engine.Waivers{Config: o.decisions.config, Known: o.decisions.known(), Keep: keep})
	b.Waivers(waivers, b.Report.Config)
	b.Failed(failed)
	b.Failed(slices.DeleteFunc(slices.Clone(res.NotEvaluated), func(n engine.NotEvaluated) bool { return n.Reason != snapshot.ReasonFailed }))
	b.Unread()
	p := o.model.Place(model.Input{
		Tallies:      append(res.Tallies, o.engine.Wellbeing(s, broken, keep)...),
		Unread:       func(check string, kinds []string) string { return o.engine.Unread(s, check, namespace, kinds) },
		Why:          found(res.Findings),
		NoServices:   noServices(s, namespace),
		Served:       func(ref snapshot.Ref) bool { return o.engine.Served(s, ref) },
		Declarations: declarations,
		Now:          s.Now,
		Namespace:    namespace,
		Critical: slices.DeleteFunc(slices.Clone(res.Findings), func(f *rule.Finding) bool {
			return f.Severity != rule.Critical || f.Certainty == rule.Possible || knowledge.SystemNamespace(f.Object.Namespace)
		}),
	})
	l := report.NewLevel(s, o.model, p, namespace)
	for _, list := range o.model.Lists {
		l.List(list, res, o.engine.Unread(s, list.Check, namespace, nil))
	}
	l.NotEvaluated, l.Waivers, l.Config = b.Report.NotEvaluated, b.Report.Waivers, b.Report.Config
	return l
}

// noServices is why it is not known where Services lead.
func noServices(s *snapshot.Snapshot, namespace string) string {
	if out := s.ListOutcome(snapshot.ServiceKind, namespace); out.State == snapshot.Blind {
		return snapshot.ServiceKind.Kind + ": " + out.Reason
	}
	return ""
}

// found tells what a check says of an object.
func found(findings []*rule.Finding) func(check string, ref snapshot.Ref) string {
	type about struct {
		check string
		ref   snapshot.Ref
	}
	said := map[about]string{}
	for _, f := range findings {
		ref := f.Object
		if f.Judged != nil {
			ref = f.Judged.Ref
		}
		if at := (about{f.Rule, ref.Key()}); said[at] == "" {
			said[at] = f.Message
		}
	}
	return func(check string, ref snapshot.Ref) string { return said[about{check, ref.Key()}] }
}

func (o *levelOptions) show(l *report.Level) error {
	switch {
	case o.old != nil && o.print.isText():
		return render.LevelDiff(o.Out, o.old, l, o.theme())
	case o.print.isText():
		return render.Level(o.Out, l, o.theme(), o.print.format() == "wide")
	}
	return o.print.printObject(o.Out, l)
}
