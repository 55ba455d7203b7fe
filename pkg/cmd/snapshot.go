package cmd

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// snapshotOptions are the flags and arguments of snapshot.
type snapshotOptions struct {
	*rootOptions
	allNamespaces bool
	noLogs        bool
}

// unwell are the pods that there is something to say of.
func unwell(s *snapshot.Snapshot, namespace string) []*snapshot.Object {
	return slices.DeleteFunc(slices.Clone(s.List(snapshot.PodKind, namespace)), func(o *snapshot.Object) bool {
		state := engine.HealthOf(s, o).State
		return state == engine.Finished || state == engine.Healthy && !slices.ContainsFunc(o.PodContainers(), func(c snapshot.Container) bool {
			return c.Status != nil && c.Status.RestartCount > 0
		})
	})
}

func newCmdSnapshot(root *rootOptions) *cobra.Command {
	o := &snapshotOptions{rootOptions: root}
	c := &cobra.Command{
		Use:   "snapshot DIR",
		Short: "Save what the other commands read, to run them elsewhere later",
		Long: longDesc(`
			Saves the objects, events and logs that explain, check and level read from a namespace or a cluster into a
			new folder. 'explain --from DIR', 'check --from DIR' and 'level --from DIR' give there what they would give now.

			Secrets are saved without their values, ConfigMaps with theirs only where a pod that is not well uses
			them, and what looks like a credential in those, in environment variables, arguments and logs is blanked
			out. Look through the folder all the same before you pass it on.`),
		Example: examples(`
			# Save the state of a namespace
			kubectl maturity snapshot ./incident-42 -n shop

			# Explain it later, without the cluster
			kubectl maturity explain --from ./incident-42`),
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args[0]) },
	}
	c.Flags().BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "Save all namespaces.")
	c.Flags().BoolVar(&o.noLogs, "no-logs", false, "Do not read logs of containers.")
	return c
}

// judgedKinds are those that check and level judge.
func judgedKinds() ([]schema.GroupKind, error) {
	m, err := readModel("")
	if err != nil {
		return nil, err
	}
	var kinds []schema.GroupKind
	placed, err := placing(m, checks.All())
	if err != nil {
		return nil, err
	}
	checked, err := engine.New(checks.All(), nil)
	if err != nil {
		return nil, err
	}
	for _, gk := range slices.Concat(checked.Kinds(), placed.Kinds()) {
		if !slices.Contains(kinds, gk) {
			kinds = append(kinds, gk)
		}
	}
	return kinds, nil
}

func (o *snapshotOptions) run(ctx context.Context, dir string) error {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		return err
	}
	cluster, err := collect.NewCluster(o.configFlags, userAgent("snapshot"))
	if err != nil {
		return err
	}
	namespace := ""
	if !o.allNamespaces {
		if namespace, err = cluster.Namespace(); err != nil {
			return err
		}
	}
	kinds, err := judgedKinds()
	if err != nil {
		return err
	}
	s := cluster.NewSnapshot()
	if err := cluster.Everything(ctx, s, namespace, kinds); err != nil {
		return err
	}
	targets, err := collect.TargetsIn(s, namespace, nil, nil)
	if err != nil {
		return err
	}
	for _, o := range s.List(snapshot.PodKind, namespace) { // their Services and routes are among the targets
		targets = append(targets, o.Ref)
	}
	if err := cluster.Values(ctx, s, unwell(s, namespace)); err != nil {
		return err
	}
	next := func() []snapshot.Want { return withoutLogs(eng.Wants(s, targets), o.noLogs) }
	if err := collect.Loop(ctx, cluster, s, next); err != nil {
		return err
	}
	if err := prove(ctx, s, cluster, eng, targets); err != nil {
		return err
	}
	if err := collect.Loop(ctx, cluster, s, next); err != nil {
		return err
	}
	if err := collect.Save(s, dir); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.ErrOut, "saved %d objects, %d events and %d logs in %s\n", len(s.All()), len(s.AllEvents()), len(s.Logs()), dir)
	if warnErr := render.NotSaved(o.ErrOut, report.Unread(s), o.theme()); err == nil {
		err = warnErr
	}
	return err
}
