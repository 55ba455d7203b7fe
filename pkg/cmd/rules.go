package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// rulesOptions is `kubectl maturity rules`.
type rulesOptions struct {
	*rootOptions
	checks []*rule.Check
	causes []*rule.Cause
	output *enumFlag
	peer   string
	rbac   bool

	args []string
	all  *report.Rules
}

func newCmdRules(root *rootOptions) *cobra.Command {
	return newCmdRulesOf(root, checks.All(), causes.All())
}

// newCmdRulesOf is the command with a set of rules; tests have one that does not grow.
func newCmdRulesOf(root *rootOptions, checks []*rule.Check, causes []*rule.Cause) *cobra.Command {
	o := &rulesOptions{rootOptions: root, checks: checks, causes: causes, output: newEnumFlag("", "json", "yaml", "wide")}
	c := &cobra.Command{
		Use:   "rules [ID ...]",
		Short: "What a check or a cause means, with an example and its remedy",
		Long: longDesc(`
			Lists the rules: checks find settings that will hurt, causes find what broke. With an ID prints
			the document of that rule: what happens and why, an example before and after, under which ids
			other tools know it, and where to read on.

			With --peer lists the ids of another tool with the rules that stand for them here; further words
			are then ids of that tool.

			With --rbac prints the ClusterRole, for kubectl apply, of whoever may read what the rules ask for
			and nothing else; comments say what is lost without each line of it.`),
		Example: examples(`
			# List all rules
			kubectl maturity rules

			# What does this finding mean?
			kubectl maturity rules oom-own-limit

			# Which rule is kube-linter's no-liveness-probe here?
			kubectl maturity rules --peer kube-linter no-liveness-probe

			# Which rights does it take to see everything?
			kubectl maturity rules --rbac`),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return o.completions(args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			o.complete(args)
			if err := o.validate(); err != nil {
				return err
			}
			return o.run()
		},
	}
	c.Flags().VarP(o.output, "output", "o", "One of 'json', 'yaml' or 'wide'.")
	c.Flags().StringVar(&o.peer, "peer", "", "List the ids of another tool, such as kube-linter, with the rules that stand for them.")
	c.Flags().BoolVar(&o.rbac, "rbac", false, "Print the ClusterRole that may read what the rules ask for.")
	// It fails for an unknown or a registered flag only, and this one is neither.
	_ = c.RegisterFlagCompletionFunc("peer", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return report.DescribeRules(o.checks, o.causes).Tools(), cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

// completions are the ids that are not among args yet, with what each is.
func (o *rulesOptions) completions(args []string) []string {
	all := report.DescribeRules(o.checks, o.causes)
	var words []string
	if o.peer != "" {
		for _, id := range all.Translate(o.peer).IDs {
			if !slices.Contains(args, id.ID) {
				words = append(words, cobra.CompletionWithDesc(id.ID, strings.Join(id.Rules, ", ")))
			}
		}
		return words
	}
	for _, r := range all.Rules {
		if !slices.Contains(args, r.ID) {
			words = append(words, cobra.CompletionWithDesc(r.ID, r.Title))
		}
	}
	return words
}

func (o *rulesOptions) complete(args []string) {
	o.args = args
	o.all = report.DescribeRules(o.checks, o.causes)
}

func (o *rulesOptions) validate() error {
	if err := rule.Validate(o.checks, o.causes); err != nil {
		return err
	}
	tools := o.all.Tools()
	switch {
	case o.rbac && (o.peer != "" || len(o.args) > 0):
		return usagef("--rbac is about all rules, and takes neither an ID nor --peer")
	case o.rbac && o.output.value != "" && o.output.value != "yaml":
		return usagef("--rbac prints YAML, and no %s", o.output.value)
	case o.peer == "" || slices.Contains(tools, o.peer):
		return nil
	case len(tools) == 0:
		return usagef("no rule names the id of another tool")
	}
	text := fmt.Sprintf("no rule names an id of %q", o.peer)
	if near := knowledge.Nearest(o.peer, tools); near != "" {
		return usagef("%s; did you mean %q?", text, near)
	}
	return usagef("%s; the tools are: %s", text, strings.Join(tools, ", "))
}

// run prints what was asked for, then an error for each id that does not exist.
func (o *rulesOptions) run() error {
	if o.rbac {
		return o.role()
	}
	if o.peer != "" {
		return o.translate()
	}
	if len(o.args) == 0 {
		list := *o.all
		list.Rules = slices.Clone(list.Rules)
		for i := range list.Rules {
			list.Rules[i].Doc = nil // hundreds of documents are no list
		}
		if done, err := marshal(o.Out, o.output.value, list); done {
			return err
		}
		return render.RuleTable(o.Out, list.Rules, o.theme(), o.output.value == "wide")
	}
	list := *o.all
	list.Rules = []report.Rule{}
	var errs []error
	for _, id := range rule.Distinct(o.args) {
		i := slices.IndexFunc(o.all.Rules, func(r report.Rule) bool { return r.ID == id })
		if i < 0 {
			errs = append(errs, o.unknown(id))
			continue
		}
		list.Rules = append(list.Rules, o.all.Rules[i])
	}
	if err := o.document(list); err != nil {
		return err
	}
	return utilerrors.NewAggregate(errs)
}

func (o *rulesOptions) document(list report.Rules) error {
	if len(list.Rules) == 0 {
		return nil
	}
	if done, err := marshal(o.Out, o.output.value, list); done {
		return err
	}
	for i, r := range list.Rules {
		if i > 0 {
			fmt.Fprintln(o.Out)
		}
		if err := render.Rule(o.Out, r, o.theme()); err != nil {
			return err
		}
	}
	return nil
}

func (o *rulesOptions) translate() error {
	t := o.all.Translate(o.peer)
	var errs []error
	if len(o.args) > 0 {
		known := t.IDs
		var ids []string
		for _, id := range known {
			ids = append(ids, id.ID)
		}
		t.IDs = []report.Translated{}
		for _, id := range rule.Distinct(o.args) {
			if i := slices.Index(ids, id); i >= 0 {
				t.IDs = append(t.IDs, known[i])
				continue
			}
			errs = append(errs, didYouMean(fmt.Sprintf("no rule stands for %q of %s", id, o.peer), knowledge.Nearest(id, ids)))
		}
	}
	if len(t.IDs) > 0 {
		if done, err := marshal(o.Out, o.output.value, t); err != nil {
			return err
		} else if !done {
			if err := render.RuleTranslation(o.Out, t, o.theme()); err != nil {
				return err
			}
		}
	}
	return utilerrors.NewAggregate(errs)
}

// unknown says that there is no such rule, and which may have been meant: by its name, or by the
// name that another tool has for it.
func (o *rulesOptions) unknown(id string) error {
	var ids []string
	for _, r := range o.all.Rules {
		for _, tool := range o.all.Tools() {
			if slices.Contains(r.Peers[tool], id) {
				return fmt.Errorf("no rule %q; it is %s's id for %q", id, tool, r.ID)
			}
		}
		ids = append(ids, r.ID)
	}
	near := knowledge.Nearest(id, ids)
	if near == "" {
		near = holdsAll(ids, strings.Split(id, "-"))
	}
	if near == "" {
		return fmt.Errorf("no rule %q; 'kubectl maturity rules' lists them", id)
	}
	return didYouMean(fmt.Sprintf("no rule %q", id), near)
}

// holdsAll is the first of ids that holds every one of words: oom-own-limit for oom-limit.
func holdsAll(ids, words []string) string {
	for _, id := range ids {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(id, w) }) {
			return id
		}
	}
	return ""
}

func didYouMean(text, near string) error {
	if near == "" {
		return errors.New(text)
	}
	return fmt.Errorf("%s; did you mean %q?", text, near)
}
