package collect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The documents of a large file are parsed side by side and stay in their order, each with its place.
func TestManyDocuments(t *testing.T) {
	const many = 10*together + 7
	var text strings.Builder
	for i := range many {
		switch i % 100 {
		case 50:
			text.WriteString("---\napiVersion: v1\nkind: [broken\n")
		default:
			fmt.Fprintf(&text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%04d}\n", i)
		}
	}
	s, problems, err := Files(FileOptions{Paths: []string{"-"}, In: strings.NewReader(text.String()), Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	broken := (many + 49) / 100
	if len(problems) != broken || !strings.HasPrefix(problems[0].File, "standard input:") {
		t.Fatalf("%d problems, want %d, the first %v", len(problems), broken, problems[0])
	}
	for i := 1; i < len(problems); i++ {
		var before, after int
		_, _ = fmt.Sscanf(problems[i-1].File, "standard input:%d", &before)
		_, _ = fmt.Sscanf(problems[i].File, "standard input:%d", &after)
		if before >= after {
			t.Errorf("%s stands before %s", problems[i-1].File, problems[i].File)
		}
	}
	all := s.All()
	if len(all) != many-broken {
		t.Fatalf("%d objects, want %d", len(all), many-broken)
	}
	if at := all[len(all)-1].Position(); at == "" || !strings.HasPrefix(at, "standard input:") {
		t.Errorf("the last stands at %q", at)
	}
}

// Ten thousand files of a repository: the order is that of their names, and what is no manifest is only counted.
func TestManyFiles(t *testing.T) {
	dir := t.TempDir()
	const files = 10_000
	for i := range files {
		text := "on: push\njobs: {}\n"
		if i%10 == 0 {
			text = fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d}\n", i)
		}
		write(t, filepath.Join(dir, fmt.Sprintf("d%d", i%7), fmt.Sprintf("f%05d.yaml", i)), text)
	}
	s, problems, err := Files(FileOptions{Paths: []string{dir}, Recursive: true, Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.All()); n != files/10 {
		t.Errorf("%d objects, want %d", n, files/10)
	}
	if len(problems) != files-files/10 {
		t.Fatalf("%d other files, want %d", len(problems), files-files/10)
	}
	for i, p := range problems {
		if p.Reason != ReasonOther || i > 0 && problems[i-1].File >= p.File {
			t.Fatalf("problem %d: %+v", i, p)
		}
	}
}

// A pipe in a folder is not waited for, and what is read without rights is named.
func TestOddFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	write(t, filepath.Join(dir, "nul.yaml"), "a: \x00\n")
	write(t, filepath.Join(dir, "empty.yaml"), "# nothing\n")
	if err := mkfifo(filepath.Join(dir, "pipe.yaml")); err != nil {
		t.Log(err)
	}
	s, problems, err := Files(FileOptions{Paths: []string{dir}, Now: time.Unix(0, 0)})
	if err != nil || len(s.All()) != 1 {
		t.Fatalf("%v, %v", s, err)
	}
	text := ""
	for _, p := range problems {
		text += filepath.Base(p.File) + ":" + p.Reason + " "
	}
	if text != "empty.yaml:other file nul.yaml:broken " {
		t.Errorf("got %q", text)
	}
}

// The chart of a file is the one that is rendered, whatever it brings along; above a repository nobody looks.
func TestChartOf(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"a/Chart.yaml", "a/charts/b/Chart.yaml", "charts/c/Chart.yaml", "a/templates/deep/x.yaml", "repo/.git/HEAD", "repo/x.yaml", "Chart.yaml"} {
		write(t, name, "x: 1\n")
	}
	var c charts
	for file, want := range map[string]string{
		"a/templates/deep/x.yaml":      "a true",
		"a/charts/b/templates/x.yaml":  "a true",
		"a/values.yaml":                "a false",
		"charts/c/templates/x.yaml":    ". true", // the folder above is a chart too
		"repo/templates/x.yaml":        " false",
		filepath.Join(dir, "a/x.yaml"): filepath.Join(dir, "a") + " false",
	} {
		chart, template := c.of(file)
		if got := fmt.Sprint(chart, " ", template); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

func TestStrangeKind(t *testing.T) {
	for _, c := range []struct {
		apiVersion, kind, reason string
		other                    bool
	}{
		{"apps/v11", "Deployment", "unknown version", false},
		{"apps/v1", "Deploymnet", "unknown kind", false},
		{"policy/v1beta1", "PodSecurityPolicy", "unknown kind", false},
		{"v1", "Deployment", "unknown kind", false},
		{"v2", "Pod", "unknown version", false},
		{"v2", "Backup", "unknown version", true}, // of some other tool, maybe
		{"aps/v1", "Deployment", "unknown group", false},
		{"networking.k8s/v1", "Ingress", "unknown group", false},
		{"rbac.authorization.k8s.ioo/v1", "Role", "unknown group", false},
		{"skaffold/v4beta11", "Config", "", true},
		{"batch.volcano.sh/v1alpha1", "Job", "", false},
		{"networking.istio.io/v1", "Gateway", "", false},
		{"networking.gke.io/v1", "NetworkPolicy", "", false},
		{"autoscaling.k8s.io/v1", "VerticalPodAutoscaler", "", false},
		{"gateway.networking.k8s.io/v1", "Gateway", "", false},
		{"example.com/v1", "Deployment", "", false},
	} {
		gvk := schema.FromAPIVersionAndKind(c.apiVersion, c.kind)
		if got := strangeKind(gvk, c.apiVersion, false); got.reason != c.reason || got.other != c.other {
			t.Errorf("%s %s: %+v, want %q %v", c.apiVersion, c.kind, got, c.reason, c.other)
		}
	}
}
