package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// someRules are rules that do not change when rules are added to the plugin.
func someRules() ([]*rule.Check, []*rule.Cause) {
	none := func(*rule.Pass) {}
	checks := []*rule.Check{
		{
			ID: "host-root", Title: "the node's root is mounted into the container", Dimension: rule.Security, Severity: rule.Critical, On: rule.Workloads, Run: none,
			Doc:   rule.Doc{Why: "It can write anywhere.", Before: "hostPath:\n  path: /\n", After: "emptyDir: {}\n"}.Given,
			Peers: map[string][]string{"kube-linter": {"sensitive-host-mounts"}, "polaris": {"hostPathSet"}},
		},
		{
			ID: "pdb-selects-nothing", Title: "the budget's selector finds no pod", Dimension: rule.Reliability, Severity: rule.Medium,
			On: rule.Kinds(snapshot.PDBKind), Needs: []schema.GroupKind{snapshot.PodKind, snapshot.DeploymentKind}, Run: none,
			Doc: rule.Doc{
				Why:    "A budget without pods protects nothing, and nobody is told.\n\n- the labels changed,\n  or never were these\n- the namespace is another",
				Before: "spec:\n  selector: {}\n", After: "spec:\n  selector:\n    matchLabels:\n      app: web\n",
				References: []string{"https://kubernetes.io/docs/tasks/run-application/configure-pdb/"},
			}.Given,
			Peers: map[string][]string{"kube-linter": {"dangling-poddisruptionbudget", "pdb-min-available"}},
		},
		{
			ID: "pdb-blocks-drain", Title: "the budget lets no pod go, so that nodes cannot be drained", Dimension: rule.Reliability, Severity: rule.High,
			On: rule.Kinds(snapshot.PDBKind), Run: none, Doc: rule.Doc{Why: "w", Before: "b", After: "a"}.Given,
			Peers: map[string][]string{"kube-linter": {"pdb-min-available"}},
		},
	}
	causes := []*rule.Cause{
		{ID: "exit-error", Title: "exits with an error", Stage: rule.StageExit, On: rule.Pods, Run: none, Doc: rule.Doc{Why: "w"}.Given},
		{
			ID: "image-tag-missing", Title: "the registry has no image of that tag", Stage: rule.StageImage, On: rule.Pods, Beats: []string{"image-pull"}, Run: none,
			Doc: rule.Doc{Why: "Look what the registry has:\n\n```\nskopeo list-tags docker://registry.example.com/web\n```\n\nThe tag may also be one of another architecture, which reads the same in the event of the kubelet."}.Given,
		},
		{ID: "image-pull", Title: "the image cannot be pulled", Stage: rule.StageImage, On: rule.Pods, Run: none, Doc: rule.Doc{Why: "w"}.Given},
	}
	return checks, causes
}

// runRules runs `rules` over someRules.
func runRules(t *testing.T, words ...string) (out string, err error) {
	t.Helper()
	t.Setenv("LC_ALL", "C") // plain characters, whatever the machine's locale
	streams, _, stdout, _ := genericiooptions.NewTestIOStreams()
	checks, causes := someRules()
	c := newCmdRulesOf(newRootOptions(streams), checks, causes)
	c.SetArgs(words)
	c.SetOut(stdout)
	c.SilenceErrors, c.SilenceUsage = true, true
	err = c.Execute()
	return stdout.String(), err
}

func TestRules(t *testing.T) {
	for name, args := range map[string]string{
		"list": "", "wide": "-o wide", "list-json": "-o json",
		"check": "pdb-selects-nothing", "cause": "image-tag-missing", "two": "host-root exit-error", "json": "-o json pdb-selects-nothing",
		"peer": "--peer kube-linter", "peer-id": "--peer kube-linter pdb-min-available", "peer-json": "--peer polaris -o json",
	} {
		t.Run(name, func(t *testing.T) {
			out, err := runRules(t, strings.Fields(args)...)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "rules", name+".golden")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; UPDATE_GOLDEN=1 go test writes it", err)
			}
			if out != string(want) {
				t.Errorf("%s differs; UPDATE_GOLDEN=1 go test writes it anew. Got:\n%s\nwant:\n%s", file, out, want)
			}
		})
	}
}

func TestRulesErrors(t *testing.T) {
	for args, want := range map[string]string{
		"host-rot":                       `no rule "host-rot"; did you mean "host-root"?`,
		"pdb-nothing":                    `no rule "pdb-nothing"; did you mean "pdb-selects-nothing"?`,
		"sensitive-host-mounts":          `no rule "sensitive-host-mounts"; it is kube-linter's id for "host-root"`,
		"quux":                           `no rule "quux"; 'kubectl maturity rules' lists them`,
		"--peer kubelinter":              `no rule names an id of "kubelinter"; did you mean "kube-linter"?`,
		"--peer trivy":                   `no rule names an id of "trivy"; the tools are: kube-linter, polaris`,
		"--peer polaris hostPath":        `no rule stands for "hostPath" of polaris; did you mean "hostPathSet"?`,
		"exit-error quux":                `no rule "quux"; 'kubectl maturity rules' lists them`,
		"-o xml":                         `invalid argument "xml" for "-o, --output" flag: valid values are {json|yaml|wide}`,
		"quux host-rot quux exit-error ": `[no rule "quux"; 'kubectl maturity rules' lists them, no rule "host-rot"; did you mean "host-root"?]`,
	} {
		out, err := runRules(t, strings.Fields(args)...)
		if err == nil || err.Error() != want {
			t.Errorf("rules %s: got error %v, want %s", args, err, want)
		}
		if said := strings.Contains(out, "exits with an error"); said != strings.Contains(args, "exit-error") {
			t.Errorf("rules %s: the rules that exist are printed, whatever else is asked for; got:\n%s", args, out)
		}
	}
}

func TestRulesFormatsAgree(t *testing.T) {
	var texts []string
	for _, format := range []string{"json", "yaml"} {
		out, err := runRules(t, "-o", format)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := yaml.Unmarshal([]byte(out), &v); err != nil {
			t.Fatal(err)
		}
		data, err := yaml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(data))
	}
	if texts[0] != texts[1] {
		t.Errorf("json and yaml differ:\n%s\n%s", texts[0], texts[1])
	}
}

func TestRulesCompletion(t *testing.T) {
	checks, causes := someRules()
	o := &rulesOptions{checks: checks, causes: causes}
	got := strings.Join(o.completions([]string{"host-root"}), "\n")
	if strings.Contains(got, "host-root") || !strings.Contains(got, "exit-error\texits with an error") {
		t.Errorf("got:\n%s", got)
	}
	o.peer = "kube-linter"
	if got := o.completions(nil); len(got) != 3 || got[0] != "dangling-poddisruptionbudget\tpdb-selects-nothing" {
		t.Errorf("got: %q", got)
	}
}
