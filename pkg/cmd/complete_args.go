package cmd

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
)

// completeTimeout is how long completion may ask a cluster: a shell waits for it.
const completeTimeout = 2 * time.Second

// completeTargets completes TYPE, TYPE NAME... and TYPE/NAME... from the cluster; where there is
// none, types alone.
func (o *rootOptions) completeTargets(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	kind, prefix, slash := strings.Cut(word, "/")
	switch {
	case slash:
		return o.completeNames(c.Context(), kind, prefix, kind+"/"), cobra.ShellCompDirectiveNoFileComp
	case len(args) == 0:
		return withPrefix(collect.TypeWords(), word), cobra.ShellCompDirectiveNoFileComp
	case strings.Contains(args[0], "/"):
		types := withPrefix(collect.TypeWords(), word)
		for i := range types {
			types[i] += "/"
		}
		return types, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	names := o.completeNames(c.Context(), args[0], word, "")
	return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(args[1:], n) }), cobra.ShellCompDirectiveNoFileComp
}

func (o *rootOptions) completeNames(ctx context.Context, kind, prefix, before string) []string {
	cluster, err := collect.NewCluster(o.configFlags, userAgent("completion"))
	if err != nil {
		return nil
	}
	namespace, err := cluster.Namespace()
	if err != nil {
		return nil
	}
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	names, err := cluster.Names(ctx, kind, namespace)
	if err != nil {
		return nil
	}
	names = withPrefix(names, prefix)
	for i := range names {
		names[i] = before + names[i]
	}
	return names
}

// completeFlags completes the values of kubectl's own flags.
func (o *rootOptions) completeFlags(root *cobra.Command) error {
	namespaces := func(c *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		return o.completeNames(c.Context(), "namespace", word, ""), cobra.ShellCompDirectiveNoFileComp
	}
	contexts := func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		raw, err := o.configFlags.ToRawKubeConfigLoader().RawConfig()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for n := range raw.Contexts {
			names = append(names, n)
		}
		slices.Sort(names)
		return withPrefix(names, word), cobra.ShellCompDirectiveNoFileComp
	}
	if err := root.RegisterFlagCompletionFunc("namespace", namespaces); err != nil {
		return err
	}
	return root.RegisterFlagCompletionFunc("context", contexts)
}

func withPrefix(words []string, prefix string) []string {
	var out []string
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			out = append(out, w)
		}
	}
	return out
}
