// Package cluster_test runs the plugin against a real Kubernetes with a real kubelet: each scenario
// breaks something, explain must name what, and the fix that it prints must mend it.
package cluster_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/cmd"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

const (
	// atOnce is how many scenarios run side by side: they wait most of the time.
	atOnce = 6
	// healing is how long a mended target may take to become healthy: a rollout, a restart that is
	// backed off, the end of a grace period.
	healing = 100 * time.Second
	// settled is how long it must stay healthy: without a readiness probe a pod is ready the moment that
	// it starts.
	settled = 5 * time.Second
	// curedShare is the share of curable scenarios that must heal.
	curedShare = 0.8
	// allOfThem is how long all scenarios may take on a slow machine. It is more than the ten minutes
	// that go test allows by itself: plain go test ./... stays quick, and make test-cluster runs them.
	allOfThem = 12 * time.Minute

	// registryName is what scenarios call the registry; the cluster has an address for it.
	registryName = "registry.local:5000"
)

// shownNowhere are registered causes of which no scenario shows anything, each with the reason.
var shownNowhere = map[string]string{
	"node-notready-kubelet":  "it takes the kubelet of the only node; test/captures/node-not-ready has it",
	"restart-after-long-run": "it takes eleven minutes of running; test/captures/restart-after-long-run has it",
}

// result is one line of the table.
type result struct {
	scenario          *scenario
	ran               bool
	cause, certainty  string
	fix, healed, took string
}

// runner is what all scenarios share.
type runner struct {
	cluster *testcluster.Cluster
	client  *client
	kubectl string // "" without one
	cache   string // of what kinds the server has

	mu      sync.Mutex
	results map[string]*result
}

// TestScenarios needs root, a node, and time; go test -short leaves it out.
func TestScenarios(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	all := readScenarios(t)
	if end, ok := t.Deadline(); ok && time.Until(end) < allOfThem && !strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		t.Skipf("all scenarios take up to %s: run them with -timeout %s, or one with -run TestScenarios/NAME", allOfThem, allOfThem+10*time.Minute)
	}
	r := &runner{cluster: testcluster.Node(t), results: map[string]*result{}, cache: t.TempDir()}
	r.client = newClient(t, r.cluster.RESTConfig())
	if r.kubectl, _ = exec.LookPath("kubectl"); r.kubectl == "" {
		t.Log("NO KUBECTL ON PATH: no printed fix is tried")
	}
	for _, s := range all {
		r.results[s.name] = &result{scenario: s}
	}
	r.sideBySide(t, all)
	for _, s := range all {
		if s.Node.any() {
			t.Run(s.name, func(t *testing.T) { r.run(t, s) })
		}
	}
	r.summary(t, all)
}

// sideBySide runs the scenarios that leave the node as it is. t.Parallel would run as many at once as
// there are processors, and these need none.
func (r *runner) sideBySide(t *testing.T, all []*scenario) {
	work := make(chan *scenario)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for s := range work {
				t.Run(s.name, func(t *testing.T) { r.run(t, s) })
			}
		})
	}
	for _, s := range all {
		if !s.Node.any() {
			work <- s
		}
	}
	close(work)
	workers.Wait()
}

// run brings one scenario about, asks explain, and tries the fix.
func (r *runner) run(t *testing.T, s *scenario) {
	ctx := t.Context()
	start := time.Now()
	ns := r.cluster.Namespace(t, "sc-"+s.name)
	t.Cleanup(func() { r.client.release(t, ns) })
	if s.Node.any() {
		r.client.changeNode(ctx, t, s.Node)
	}
	for _, step := range s.steps {
		for _, doc := range step.objects {
			doc = strings.NewReplacer(registryName, r.cluster.Registry, "NAMESPACE", ns, "NODENAME", r.client.nodeName(t)).Replace(doc)
			if err := r.client.apply(ctx, t, ns, doc); err != nil {
				t.Fatal(err)
			}
		}
		u := s.Until
		if step.until != nil {
			u = *step.until
		}
		if err := r.client.wait(ctx, ns, u); err != nil {
			t.Fatal(err)
		}
		if step.remove != "" {
			if err := r.client.remove(ctx, ns, step.remove); err != nil {
				t.Fatal(err)
			}
		}
	}
	out := &result{scenario: s, ran: true}
	defer func() {
		out.took = time.Since(start).Round(time.Second).String()
		r.mu.Lock()
		r.results[s.name] = out
		r.mu.Unlock()
	}()
	rep, text := r.explain(t, ns, s.Target, "-o", "json"), r.plugin(t, ns, "explain", s.Target)
	t.Logf("%s\n%s", s.What, text)
	verdict := rep.verdict()
	out.cause, out.certainty, out.fix = rep.State, "", "none"
	if verdict != nil {
		out.cause, out.certainty = verdict.Rule, verdict.Certainty
		if verdict.Fix != nil {
			out.fix = verdict.Fix.Applicability
		}
	}
	if s.Expect.Pending != "" {
		return
	}
	s.compare(t, rep, text)
	if !s.curable() || verdict == nil || t.Failed() {
		return
	}
	if out.healed = r.heal(t, s, ns, verdict); out.healed != "yes" {
		t.Logf("NOT HEALED: %s", out.healed)
	}
}

// judged is what -o json says of one target.
type judged struct {
	report.Explained
	all []report.Finding // of the target, the verdict first
}

func (j *judged) verdict() *report.Finding {
	if len(j.all) == 0 {
		return nil
	}
	return &j.all[0]
}

// current are the findings that are not history.
func (j *judged) current() []string {
	var rules []string
	for _, f := range j.all {
		if !f.History {
			rules = append(rules, f.Rule)
		}
	}
	return rules
}

// explain is `kubectl maturity explain TARGET -o json`.
func (r *runner) explain(t *testing.T, ns, target string, flags ...string) *judged {
	t.Helper()
	text := r.plugin(t, ns, append([]string{"explain", target}, flags...)...)
	var rep report.Report
	if err := json.Unmarshal([]byte(text), &rep); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	if len(rep.Explained) != 1 {
		t.Fatalf("%d targets explained, want one\n%s", len(rep.Explained), text)
	}
	j := &judged{Explained: rep.Explained[0]}
	for _, i := range j.Findings {
		j.all = append(j.all, rep.Findings[i])
	}
	return j
}

// plugin runs the plugin in this process, as a user would with the administrator's kubeconfig.
func (r *runner) plugin(t *testing.T, ns string, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	argv := append([]string{"kubectl-maturity", "--kubeconfig", r.cluster.Kubeconfig, "--cache-dir", r.cache, "-n", ns, "--color", "never"}, args...)
	if code := cmd.Main(t.Context(), argv, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}); code != 0 {
		t.Fatalf("%v: exit %d\n%s%s", argv, code, out.String(), errOut.String())
	}
	return out.String()
}

// index is what stands in brackets in a path: a number in JSON, a name in the text.
var index = regexp.MustCompile(`\[[^]]*\]`)

// compare holds what explain said against what the scenario expects.
func (s *scenario) compare(t *testing.T, rep *judged, text string) {
	t.Helper()
	e := s.Expect
	if e.State != "" {
		if rep.State != e.State || len(rep.current()) > 0 {
			t.Errorf("%s is %s (%s) with findings %v, want %s with none", s.Target, rep.State, rep.Text, rep.current(), e.State)
		}
		return
	}
	f := rep.verdict()
	if f == nil {
		t.Fatalf("nothing found, want %s: state %s, %s", e.Cause, rep.State, rep.Text)
	}
	fix := "none"
	if f.Fix != nil {
		fix = f.Fix.Applicability
	}
	if f.Rule != e.Cause || f.Certainty != e.Certainty || fix != e.Fix {
		t.Errorf("got %s, %s, fix %s; want %s, %s, fix %s", f.Rule, f.Certainty, fix, e.Cause, e.Certainty, e.Fix)
	}
	field := e.Field
	if field == "none" {
		field = ""
	}
	if index.ReplaceAllString(f.Field, "[]") != index.ReplaceAllString(field, "[]") {
		t.Errorf("field %q, want %q", f.Field, field)
	}
	for _, rule := range e.Also {
		if !slices.ContainsFunc(rep.all[1:], func(f report.Finding) bool { return f.Rule == rule }) {
			t.Errorf("%s is not among what else is said", rule)
		}
	}
	// The answer is the first three lines: where, what, which field.
	lines := strings.SplitN(text, "\n", 4)
	head := strings.Join(lines[:min(3, len(lines))], "\n")
	if !strings.Contains(head, e.Cause) || !strings.Contains(head, e.Certainty) || !regexp.MustCompile(`(?m)^ +field +.*`+regexp.QuoteMeta(e.Field)+`(:|$| )`).MatchString(head) {
		t.Errorf("cause %s, certainty %s and field %s do not all stand in the first three lines:\n%s", e.Cause, e.Certainty, e.Field, head)
	}
}

var (
	placeholder = regexp.MustCompile(`<[A-Z][A-Z_-]*>`)
	thenKubectl = regexp.MustCompile(`\bthen (kubectl .*)$`)
)

// heal runs the command that the fix prints, and waits until explain calls the target healthy. It
// returns "yes", or what went wrong.
func (r *runner) heal(t *testing.T, s *scenario, ns string, f *report.Finding) string {
	if f.Fix == nil || f.Fix.Command == "" {
		return "the fix has no command"
	}
	if r.kubectl == "" {
		return "no kubectl"
	}
	commands := []string{f.Fix.Command}
	for _, note := range f.Fix.Notes { // "its controller does not replace the pod by itself: then kubectl ..."
		if m := thenKubectl.FindStringSubmatch(note); m != nil {
			commands = append(commands, m[1])
		}
	}
	for _, command := range commands {
		if err := r.shell(t, s, command); err != nil {
			return err.Error()
		}
	}
	end, since := time.Now().Add(healing), time.Time{}
	for {
		rep := r.explain(t, ns, s.Target, "-o", "json")
		rules := rep.current()
		switch well := rep.State == "healthy" && len(rules) == 0; {
		case !well:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) >= settled:
			return "yes"
		}
		if time.Now().After(end.Add(settled)) {
			return fmt.Sprintf("%s (%s) with %v %s after the fix", rep.State, rep.Text, rules, healing)
		}
		if err := sleep(t.Context(), 2*time.Second); err != nil {
			return err.Error()
		}
	}
}

// shell runs a printed command line, its placeholders filled in.
func (r *runner) shell(t *testing.T, s *scenario, command string) error {
	filled := command
	for name, v := range s.Values {
		word := v.Word
		if v.Name != "" {
			word = filepath.Join(t.TempDir(), v.Name)
			if err := os.WriteFile(word, []byte(v.Content), 0o600); err != nil {
				return err
			}
		}
		filled = strings.ReplaceAll(filled, name, strings.ReplaceAll(word, "NODENAME", r.client.nodeName(t)))
	}
	words, err := shellWords(filled)
	if err != nil {
		return err
	}
	if left := placeholder.FindString(filled); left != "" || len(words) == 0 || words[0] != "kubectl" {
		return fmt.Errorf("not to be run: %s (placeholder %s)", filled, left)
	}
	c := exec.CommandContext(t.Context(), r.kubectl, words[1:]...)
	c.Env = append(os.Environ(), "KUBECONFIG="+r.cluster.Kubeconfig)
	out, err := c.CombinedOutput()
	t.Logf("$ %s\n%s", filled, out)
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filled, err, bytes.TrimSpace(out))
	}
	return nil
}

// summary prints the table and the counts, and fails where too little heals.
func (r *runner) summary(t *testing.T, all []*scenario) {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "SCENARIO\tSAYS\tCERTAINTY\tFIX\tHEALED\tTOOK\tNOTE")
	ran, pending, curable, cured := 0, 0, 0, 0
	for _, s := range all {
		out := r.results[s.name]
		if !out.ran {
			continue
		}
		ran++
		note := ""
		switch {
		case s.Expect.Pending != "":
			pending++
			note = "should say " + s.Expect.Pending
		case s.Heals != nil && !*s.Heals:
			note = s.Why
		case s.curable() && r.kubectl != "":
			curable++
			if out.healed == "yes" {
				cured++
			}
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.name, out.cause, out.certainty, out.fix, out.healed, out.took, note)
	}
	_ = table.Flush()
	t.Logf("\n%s\n%d scenarios ran, %d of them wait for a cause that is not registered; %d of %d curable ones healed", b.String(), ran, pending, cured, curable)
	if curable > 0 && float64(cured) < curedShare*float64(curable) {
		t.Errorf("only %d of %d curable scenarios healed", cured, curable)
	}
}

// TestScenarioFiles needs no cluster: every file parses, every registered cause has a scenario, and no
// scenario waits for a cause that is registered.
func TestScenarioFiles(t *testing.T) {
	registered, shown := map[string]bool{}, map[string]bool{}
	for _, c := range causes.All() {
		registered[c.ID] = true
	}
	all := readScenarios(t)
	names, whats := map[string]bool{}, map[string]string{}
	pending := 0
	for _, s := range all {
		e := s.Expect
		for _, id := range append(slices.Clone(e.Also), e.Cause) {
			if id != "" && !registered[id] {
				t.Errorf("%s: no cause %s is registered: say pending", s.name, id)
			}
			shown[id] = true
		}
		if registered[e.Pending] {
			t.Errorf("%s: cause %s is registered: say what explain must print, instead of pending", s.name, e.Pending)
		}
		if e.Pending != "" {
			pending++
		}
		if other := whats[s.What]; other != "" || names[s.name] {
			t.Errorf("%s: the same as %s", s.name, other)
		}
		names[s.name], whats[s.What] = true, s.name
	}
	for id := range registered {
		if why := shownNowhere[id]; shown[id] == (why != "") {
			t.Errorf("cause %s: scenario %v, exempt %q: want one of the two", id, shown[id], why)
		}
	}
	t.Logf("%d scenarios, %d registered causes (%d exempt), %d scenarios wait for a cause", len(all), len(registered), len(shownNowhere), pending)
}
