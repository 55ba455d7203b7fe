package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// atOnce is how many clusters are read at the same time: each is held in memory until it is judged.
const atOnce = 2

// fleetFlags ask level for several clusters.
type fleetFlags struct {
	contexts []string // nil where the flag was not given
	all      bool
}

// addFleetFlags adds the flags that ask for several clusters, and what to know about them.
func (o *levelOptions) addFleetFlags(c *cobra.Command) {
	c.Flags().StringSliceVar(&o.fleet.contexts, "contexts", nil, "Place the clusters of these contexts side by side, and compare what is set up in them.")
	c.Flags().BoolVar(&o.fleet.all, "all-contexts", false, "The same with every context of the kubeconfig.")
	// It fails for an unknown or a registered flag only, and this one is neither.
	_ = c.RegisterFlagCompletionFunc("contexts", func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		return o.completeContexts(word), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
	c.Long += "\n\n" + longDesc(`
		--contexts and --all-contexts place several clusters side by side - the whole of each, unless -n names a namespace -
		and compare what is set up in them for everybody: versions, namespaces and which pods they admit, quotas, limits,
		policies, roles, add-ons. What could not be read is unknown, and never called missing. A cluster that cannot be
		read does not stop the others: its column says so, and the exit status is 3, or 2 where none could be read.`)
	c.Example += "\n\n" + examples(`
		# Place three clusters side by side, and tell where the standard differs
		kubectl maturity level --contexts dev,staging,prod`)
}

// completeContexts completes the last of several names with a comma between.
func (o *levelOptions) completeContexts(word string) []string {
	raw, err := o.configFlags.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return nil
	}
	done := word[:strings.LastIndexByte(word, ',')+1]
	var words []string
	for _, name := range slices.Sorted(maps.Keys(raw.Contexts)) {
		if !slices.Contains(strings.Split(done, ","), name) {
			words = append(words, done+name)
		}
	}
	return withPrefix(words, word)
}

// several tells whether more than the one cluster is asked for.
func (o *levelOptions) several() bool { return o.fleet.contexts != nil || o.fleet.all }

// fleetContexts are the contexts that are asked for; nothing of them is read.
func (o *levelOptions) fleetContexts() ([]string, error) {
	set := func(value *string) bool { return value != nil && *value != "" }
	switch {
	case o.fleet.contexts != nil && o.fleet.all:
		return nil, usagef("--contexts and --all-contexts cannot be used together")
	case o.from != "":
		return nil, usagef("--from reads a folder, and no contexts")
	case o.diff != "":
		return nil, usagef("--diff takes the placement of one cluster, and there are several contexts")
	case set(o.configFlags.Context), set(o.configFlags.ClusterName), set(o.configFlags.APIServer):
		return nil, usagef("--context, --cluster and --server name one cluster, and there are several contexts")
	case set(o.configFlags.BearerToken), set(o.configFlags.Username), set(o.configFlags.Password), set(o.configFlags.CertFile), set(o.configFlags.KeyFile):
		return nil, usagef("--token, --username, --password, --client-certificate and --client-key would be shown to every cluster: leave them to the kubeconfig")
	}
	raw, err := o.configFlags.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return nil, err
	}
	if o.fleet.all {
		if len(raw.Contexts) == 0 {
			return nil, errors.New("the kubeconfig has no contexts")
		}
		return slices.Sorted(maps.Keys(raw.Contexts)), nil
	}
	names := rule.Distinct(slices.DeleteFunc(slices.Clone(o.fleet.contexts), func(name string) bool { return name == "" }))
	if len(names) == 0 {
		return nil, usagef("--contexts names no context")
	}
	var errs []error
	for _, name := range names {
		if raw.Contexts[name] == nil {
			errs = append(errs, fmt.Errorf("context %q does not exist", name))
		}
	}
	return names, utilerrors.NewAggregate(errs)
}

// flagsOf are kubectl's flags as they are given, with a context.
func (o *levelOptions) flagsOf(name string) *genericclioptions.ConfigFlags {
	flags, given := newConfigFlags(), o.configFlags
	flags.CacheDir, flags.KubeConfig, flags.ClusterName, flags.AuthInfoName = given.CacheDir, given.KubeConfig, given.ClusterName, given.AuthInfoName
	flags.Namespace, flags.APIServer, flags.TLSServerName, flags.Insecure = given.Namespace, given.APIServer, given.TLSServerName, given.Insecure
	flags.CertFile, flags.KeyFile, flags.CAFile, flags.BearerToken = given.CertFile, given.KeyFile, given.CAFile, given.BearerToken
	flags.Impersonate, flags.ImpersonateUID, flags.ImpersonateGroup, flags.ImpersonateUserExtra = given.Impersonate, given.ImpersonateUID, given.ImpersonateGroup, given.ImpersonateUserExtra
	flags.Username, flags.Password, flags.Timeout, flags.DisableCompression = given.Username, given.Password, given.Timeout, given.DisableCompression
	flags.ProxyURL = given.ProxyURL
	flags.Context = &name
	return flags
}

// runFleet places the clusters of several contexts.
func (o *levelOptions) runFleet(ctx context.Context) error {
	names, err := o.fleetContexts()
	if err != nil {
		return err
	}
	namespace := ""
	if given := o.configFlags.Namespace; given != nil && !o.allNamespaces {
		namespace = *given
	}
	contexts := make([]report.FleetContext, len(names))
	standards := map[string]*model.Standard{}
	var judging sync.Mutex
	var all errgroup.Group
	all.SetLimit(atOnce)
	for i, name := range names {
		all.Go(func() error {
			contexts[i].Context = name
			s, err := o.readContext(ctx, name, namespace)
			if err != nil {
				contexts[i].Error = strings.TrimPrefix(strings.Join(errorLines(err), "; "), "error: ")
				return ctx.Err()
			}
			judging.Lock()
			defer judging.Unlock()
			l := o.place(s, namespace)
			l.Model.File = o.modelFile
			contexts[i].Level, standards[name] = l, model.NewStandard(s, namespace)
			return ctx.Err()
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	return o.showFleet(report.NewFleet(namespace, contexts, standards))
}

// readContext reads what the gates and the comparison need of one cluster.
func (o *levelOptions) readContext(ctx context.Context, name, namespace string) (*snapshot.Snapshot, error) {
	cluster, err := collect.NewCluster(o.flagsOf(name), userAgent("level"))
	if err != nil {
		return nil, err
	}
	var kinds []schema.GroupKind
	for _, gk := range slices.Concat(o.engine.Kinds(), model.StandardKinds()) {
		if !slices.Contains(kinds, gk) {
			kinds = append(kinds, gk)
		}
	}
	if o.helmReleases {
		cluster.ReadReleases()
	}
	s := cluster.NewSnapshot()
	if err := cluster.Placement(ctx, s, namespace, kinds); err != nil {
		return nil, err
	}
	return s, cluster.Fetch(ctx, s, model.StandardWants(s))
}

func (o *levelOptions) showFleet(f *report.Fleet) error {
	if len(f.Read()) == 0 {
		var errs []error
		for _, c := range f.Contexts {
			errs = append(errs, fmt.Errorf("context %q: %s", c.Context, c.Error))
		}
		return utilerrors.NewAggregate(errs)
	}
	var err error
	if o.print.isText() {
		err = render.Fleet(o.Out, f, o.theme(), o.print.format() == "wide")
	} else {
		err = o.print.printObject(o.Out, f)
	}
	if err == nil && !f.Evaluated() {
		err = exitError(report.ExitNotEvaluated)
	}
	return err
}
