package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func golden(t *testing.T, name string, write func(*bytes.Buffer) error) {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; UPDATE_GOLDEN=1 go test writes it", err)
	}
	if b.String() != string(want) {
		t.Errorf("%s differs; UPDATE_GOLDEN=1 go test writes it anew. Got:\n%s\nwant:\n%s", file, b.String(), want)
	}
}

func TestRulePages(t *testing.T) {
	none := func(*rule.Pass) {}
	all := report.DescribeRules([]*rule.Check{{
		ID: "host-root", Title: "mounts / of the node | or <all> of it", Dimension: rule.Security, Severity: rule.Critical, On: rule.Workloads, Run: none,
		Doc: rule.Doc{
			Why: "It can write anywhere.\n\nAnd read.", Before: "hostPath:\n  path: /\n", After: "emptyDir: {}\n",
			References: []string{"https://kubernetes.io/docs/concepts/storage/volumes/#hostpath", "CIS Benchmark, 5.2.12"},
		}.Given,
		Peers: map[string][]string{"polaris": {"hostPathSet"}, "kube-linter": {"sensitive-host-mounts", "docker-sock"}},
	}}, []*rule.Cause{{
		ID: "image-tag-missing", Title: "the registry has no image of that tag", Stage: rule.StageImage, On: rule.Kinds(snapshot.PodKind, snapshot.JobKind),
		Beats: []string{"image-pull"}, Run: none, Doc: rule.Doc{Why: "The tag is not there."}.Given,
	}})
	golden(t, "checks.md", func(b *bytes.Buffer) error { return writeRules(b, checksIntro, all.Rules[:1]) })
	golden(t, "causes.md", func(b *bytes.Buffer) error { return writeRules(b, causesIntro, all.Rules[1:]) })
}

func TestCommandPage(t *testing.T) {
	root := &cobra.Command{Use: "kubectl-x", Long: "Does x.", Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl x"}}
	root.PersistentFlags().StringP("namespace", "n", "", "The namespace.")
	root.PersistentFlags().String("cache-dir", "$HOME/.kube/cache", "Where the cache is.")
	rare := root.PersistentFlags().Lookup("cache-dir")
	rare.Hidden, rare.Annotations = true, map[string][]string{"rare": {"true"}}
	run := func(*cobra.Command, []string) {}
	sub := &cobra.Command{Use: "get [TYPE | <all>]", Short: "Get one", Long: "Gets one of <all>.", Example: "  # Get it\n  kubectl x get", Run: run}
	sub.Flags().StringP("output", "o", "wide", "One of a|b.")
	root.AddCommand(sub, &cobra.Command{Use: "hidden", Hidden: true, Run: run})
	golden(t, "cli.md", func(b *bytes.Buffer) error { return writeCommands(b, root) })
}

// TestThisRepository holds that the real pages can be written, twice the same, with nothing in them
// that is left to do or that belongs to this machine.
func TestThisRepository(t *testing.T) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip(err)
	}
	for _, name := range []string{"HOME", "KUBECACHEDIR"} {
		t.Setenv(name, os.Getenv(name)) // put back afterwards
	}
	dirs := []string{t.TempDir(), t.TempDir()}
	for _, dir := range dirs {
		if err := write(dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"checks.md", "causes.md", "cli.md"} {
		var texts []string
		for _, dir := range dirs {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(data))
		}
		if texts[0] != texts[1] {
			t.Errorf("%s: the second time differs from the first", name)
		}
		if len(home) > 1 && strings.Contains(texts[0], home+"/") {
			t.Errorf("%s names the home folder %s", name, home)
		}
	}
}

func TestUnfinished(t *testing.T) {
	all := report.DescribeRules(checks.All(), causes.All())
	all.Rules = append(all.Rules, report.Rule{ID: "half-done", Kind: report.KindCheck, Title: "t", Doc: &report.RuleDoc{Why: "TODO: why"}})
	if err := finished(all); err == nil || !strings.Contains(err.Error(), "check half-done: its document still says TODO") {
		t.Errorf("got %v", err)
	}
}
