package cmd

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// addInputFlags adds the flags that name what to check in the place of a cluster.
func (o *checkOptions) addInputFlags(f *pflag.FlagSet) {
	f.StringSliceVarP(&o.files, "filename", "f", nil, "Manifests to check: files, folders, or - for standard input. No cluster is contacted.")
	f.StringVarP(&o.kustomize, "kustomize", "k", "", "Folder with a kustomization.yaml whose objects to check. No cluster is contacted, nor any other host.")
	// It fails for a flag that is not there only.
	_ = f.SetAnnotation("kustomize", cobra.BashCompSubdirsInDir, []string{})
	f.BoolVarP(&o.recursive, "recursive", "R", false, "Look in the folders of -f for further folders: a whole repository. Not entered are hidden ones, node_modules and vendor.")
	f.BoolVar(&o.closed, "closed", false, "The files are complete: a name that they do not contain is a finding.")
	f.BoolVar(&o.withCluster, "with-cluster", false, "Look up in the cluster what the files name and do not contain. The files alone are judged.")
	f.StringVar(&o.from, "from", "", "Read a snapshot folder instead of a cluster.")
}

// fromFiles tells whether manifests are checked, and no cluster.
func (o *checkOptions) fromFiles() bool { return len(o.files) > 0 || o.kustomize != "" }

func (o *checkOptions) validateInput() error {
	word := "-f"
	if o.kustomize != "" {
		word = "-k"
	}
	switch {
	case len(o.files) > 0 && o.kustomize != "":
		return usagef("only one of -f or -k can be specified")
	case o.kustomize != "" && o.recursive:
		return usagef("the -k flag can't be used with -f or -R")
	case o.fromFiles() && o.from != "":
		return usagef("only one of %s and --from may be given", word)
	case o.fromFiles() && len(o.args) > 0:
		return usagef("when %s is given, resource arguments are not allowed: %q", word, o.args)
	case o.fromFiles() && o.allNamespaces:
		return usagef("-A asks a cluster and %s reads files: give one of them", word)
	case o.recursive && len(o.files) == 0:
		return usagef("-R needs -f")
	case o.closed && !o.fromFiles():
		return usagef("--closed needs -f or -k")
	case o.withCluster && !o.fromFiles():
		return usagef("--with-cluster needs -f or -k")
	case o.helmReleases && o.fromFiles():
		return usagef("--helm-releases asks a cluster and %s reads files: give one of them", word)
	case o.helmReleases && o.from != "":
		return errReleasesFrom
	case o.withCluster && o.closed:
		return usagef("only one of --with-cluster and --closed may be given: what the files lack is in the cluster, or nowhere")
	}
	return nil
}

// manifests checks files. Without --with-cluster the kubeconfig is not read either: the same files give the same
// result everywhere.
func (o *checkOptions) manifests(ctx context.Context, selector labels.Selector) error {
	namespace := "default"
	if o.configFlags.Namespace != nil && *o.configFlags.Namespace != "" {
		namespace = *o.configFlags.Namespace
	}
	var cluster *collect.Cluster
	if o.withCluster {
		var err error
		if cluster, err = collect.NewCluster(o.configFlags, userAgent("check")); err != nil {
			return err
		}
		if namespace, err = cluster.Namespace(); err != nil {
			return err
		}
	}
	s, problems, err := collect.Files(collect.FileOptions{
		Paths: o.files, Recursive: o.recursive, Kustomize: o.kustomize, In: o.In, Namespace: namespace, Closed: o.closed, Now: time.Now(), Size: room, Skip: o.decisions.skip,
	})
	if err != nil {
		return err
	}
	keep := selected(nil, selector)
	if cluster != nil {
		if keep, err = o.beside(ctx, cluster, s, keep); err != nil {
			return err
		}
	}
	b := report.NewBuilder("check", s, o.engine)
	b.NotEvaluated(notEvaluated(problems)...)
	b.Report.OtherFiles = otherFiles(problems)
	if err := o.decisions.judge(o.engine, b, s, keep, o.closed && selector == nil); err != nil {
		return err
	}
	return o.finish(b, s, nil)
}

// beside reads from a cluster what rules ask for and the manifests do not contain. What it reads is not judged:
// keep becomes what lets it not through.
func (o *checkOptions) beside(ctx context.Context, cluster *collect.Cluster, s *snapshot.Snapshot, keep func(*snapshot.Object) bool) (func(*snapshot.Object) bool, error) {
	written := func(obj *snapshot.Object) bool { return obj.Origin != nil && keep(obj) }
	answers := collect.NewBeside(cluster, s)
	err := collect.Loop(ctx, answers, s, func() []snapshot.Want {
		s.Listen()
		o.engine.Check(s, written)
		return answers.Worth(s.Questions())
	})
	return written, err
}

// otherFiles are the files of folders that are no manifests.
func otherFiles(problems []collect.Problem) []string {
	var names []string
	for _, p := range problems {
		if p.Reason == collect.ReasonOther {
			names = append(names, p.File)
		}
	}
	return names
}
