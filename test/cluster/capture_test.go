package cluster_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/cmd"
	"github.com/kubectl-maturity/kubectl-maturity/test/captures"
)

// mayCapture gives up, before anything is brought about, where the capture is there already.
func (r *runner) mayCapture(a *try, s *scenario) {
	if _, err := os.Stat(filepath.Join(r.captures, s.name)); err == nil && os.Getenv(overwriteEnv) == "" {
		a.Fatalf("%s is there already: OVERWRITE=1 replaces it", filepath.Join(r.captures, s.name))
	}
}

// capture saves the state of a scenario as test/captures has them, and holds that the folder says what
// the cluster said.
func (r *runner) capture(a *try, s *scenario, ns string, rep *judged, took time.Duration) {
	dir := filepath.Join(a.TempDir(), s.name)
	r.plugin(a, ns, "snapshot", dir)
	m := r.machine(a, s, ns)
	if err := m.Anonymise(dir); err != nil {
		a.Fatal(err)
	}
	for name, text := range map[string]string{
		"README.txt":   fmt.Sprintf("%s\nreached=yes after=%.0fs server=%s\nmade by: kubectl apply -f applied.yaml; saved with kubectl maturity snapshot, by make capture SCENARIO=%s\n", s.What, took.Seconds(), r.version, s.name),
		"applied.yaml": s.applied(m.As),
		"expect.txt":   expectOf(s, rep),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			a.Fatal(err)
		}
	}
	leaks, err := captures.Leaks(os.DirFS(dir), m.Hostname, m.Dir, m.Namespace)
	if err != nil {
		a.Fatal(err)
	}
	if len(leaks) > 0 {
		a.Fatalf("the capture tells of this machine:\n%s", strings.Join(leaks, "\n"))
	}
	if said := fromFolder(a, dir, s.Target); said != rep.said() {
		a.Errorf("the capture says %s, and the cluster said %s", said, rep.said())
	}
	to := filepath.Join(r.captures, s.name)
	if err := os.RemoveAll(to); err != nil { // mayCapture has asked
		a.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		a.Fatal(err)
	}
	progress("saved %s", to)
}

// machine is what must not show in a capture.
func (r *runner) machine(a *try, s *scenario, ns string) captures.Machine {
	node, err := r.client.typed.CoreV1().Nodes().Get(a.Context(), r.client.nodeName(a), metav1.GetOptions{})
	if err != nil {
		a.Fatal(err)
	}
	hostname, err := os.Hostname()
	if err != nil {
		a.Fatal(err)
	}
	server := strings.TrimPrefix(r.cluster.RESTConfig().Host, "https://")
	server, _, _ = strings.Cut(server, ":")
	m := captures.Machine{
		Hostname: hostname, Dir: r.cluster.Dir(), Node: node.Name, Addresses: []string{server}, Registry: r.cluster.Registry,
		Context: "test", Namespace: ns, As: "sc-" + s.name,
	}
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			m.Addresses = append(m.Addresses, address.Address)
		}
	}
	m.Ours = func(kind, name string) bool {
		if kind == "Namespace" {
			return name == ns || name == "default" || strings.HasPrefix(name, "kube-")
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		by, known := r.wide[kind+"/"+name]
		return !known || by == ns
	}
	return m
}

// clusterWide tells whether a document is of a kind that is in no namespace and is shown by a snapshot.
func clusterWide(doc string) (kind, name string, wide bool) {
	var o metav1.PartialObjectMetadata
	if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
		return "", "", false
	}
	return o.Kind, o.Name, slices.Contains([]string{"PersistentVolume", "StorageClass"}, o.Kind)
}

// applied is applied.yaml: what was applied, and in comments what was done between.
func (s *scenario) applied(ns string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# what: %s\n# until: %s\n", s.What, s.Until)
	if s.Node.any() {
		fmt.Fprintf(&b, "# node: %s\n", compact(s.Node))
	}
	first := true
	for _, step := range s.steps {
		for _, doc := range step.objects {
			if !first {
				b.WriteString("---\n")
			}
			first = false
			doc = strings.NewReplacer("NAMESPACE", ns, "NODENAME", captures.Node).Replace(doc)
			b.WriteString(strings.Trim(doc, "\n") + "\n")
		}
		if step.until != nil {
			fmt.Fprintf(&b, "# then wait until %s\n", step.until)
		}
		if step.remove != "" {
			fmt.Fprintf(&b, "# then: kubectl delete %s\n", step.remove)
		}
	}
	return b.String()
}

// String is u on one line.
func (u until) String() string { return compact(u) }

// compact is v as JSON without what says nothing.
func compact(v any) string {
	var fields map[string]any
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if fields["for"] == "0s" {
		delete(fields, "for")
	}
	if err == nil {
		data, err = json.Marshal(fields)
	}
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// expectOf is expect.txt: for a cause that is registered what explain said, which compare has held
// against the scenario; for one that is not yet what is left to its author.
func expectOf(s *scenario, rep *judged) string {
	e := s.Expect
	switch f := rep.verdict(); {
	case e.Pending != "":
		return fmt.Sprintf("- target: %s\n  verdict: %s\n  object: TODO\n  field: TODO\n  certainty: TODO\n  fix: TODO\n", s.Target, e.Pending)
	case e.State == "healthy":
		return fmt.Sprintf("- target: %s\n  verdict: \"\"\n", s.Target)
	case e.State != "" || f == nil:
		return fmt.Sprintf("- target: %s\n  verdict: \"\"\n  state: %s\n", s.Target, rep.State)
	default:
		text := fmt.Sprintf("- target: %s\n  verdict: %s\n  object: %s\n", s.Target, f.Rule, f.Object)
		if e.Field != "none" { // with list items by name, which JSON does not have
			text += fmt.Sprintf("  field: %s\n", e.Field)
		}
		text += fmt.Sprintf("  certainty: %s\n", f.Certainty)
		if f.Fix != nil {
			text += fmt.Sprintf("  fix: %s\n", f.Fix.Applicability)
		}
		var also []string
		for _, other := range rep.all[1:] {
			also = append(also, other.Rule)
		}
		if len(also) > 0 {
			text += fmt.Sprintf("  also: [%s]\n", strings.Join(also, ", "))
		}
		return text
	}
}

// said is the answer in short.
func (j *judged) said() string {
	rules := []string{j.State}
	for _, f := range j.all {
		rules = append(rules, f.Rule)
	}
	return strings.Join(rules, " ")
}

// fromFolder is what explain says of a target in a snapshot folder.
func fromFolder(a *try, dir, target string) string {
	var out, errOut bytes.Buffer
	argv := []string{"kubectl-maturity", "explain", "--from", dir, target, "-o", "json", "--color", "never"}
	if code := cmd.Main(a.Context(), argv, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}); code != 0 {
		a.Fatalf("%v: exit %d\n%s%s", argv, code, out.String(), errOut.String())
	}
	return judge(a, out.String()).said()
}

func TestApplied(t *testing.T) {
	s, err := parseScenario("two", `scenario:
  what: two steps
  target: pod/b
  until: {event: Failed, for: 2s}
  expect: {pending: oom-node}
---
kind: ConfigMap
metadata: {name: a, namespace: NAMESPACE}
---
step: {until: {ready: pod/a}, delete: pod/a}
---
kind: Pod
metadata: {name: b}
spec: {nodeName: NODENAME}
`)
	if err != nil {
		t.Fatal(err)
	}
	const want = `# what: two steps
# until: {"event":"Failed","for":"2s"}
kind: ConfigMap
metadata: {name: a, namespace: sc-two}
# then wait until {"ready":"pod/a"}
# then: kubectl delete pod/a
---
kind: Pod
metadata: {name: b}
spec: {nodeName: real-1}
`
	if got := s.applied("sc-two"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := expectOf(s, &judged{}); !strings.HasPrefix(got, "- target: pod/b\n  verdict: oom-node\n") {
		t.Error(got)
	}
}
