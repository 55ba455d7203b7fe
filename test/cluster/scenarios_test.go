// Package cluster_test runs the plugin against a real Kubernetes with a real kubelet: each scenario
// breaks something, explain must name what, and the fix that it prints must mend it.
package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
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
	// reaching is how long a state may take to come, and healing how long a mended target may take to
	// become healthy: a rollout, a restart that is backed off, the end of a grace period. Both are for a
	// machine at its usual speed and far more than it needs; runner.slow stretches them.
	reaching = 3 * time.Minute
	healing  = 4 * time.Minute
	// settled is how long it must stay healthy: without a readiness probe a pod is ready the moment that
	// it starts.
	settled = 5 * time.Second
	// usualStart is what a first pod takes to run at usual speed, and slowest the most that limits are
	// stretched by.
	usualStart = 2 * time.Second
	slowest    = 15
	// allOfThem is how much time go test must give for all scenarios to be run. It is more than the ten
	// minutes that it gives by itself: plain go test ./... stays quick, and make e2e runs them.
	allOfThem = 30 * time.Minute
	// wrapUp is what is left of that time when no further scenario is begun, so that the table is written.
	wrapUp = 3 * time.Minute

	// registryName is what scenarios call the registry; the cluster has an address for it.
	registryName = "registry.local:5000"

	// The environment, as README.md in scenarios describes it; cmd/e2e sets the first three.
	tableEnv     = "TESTCLUSTER_TABLE"     // the file that the table is written into
	capturesEnv  = "TESTCLUSTER_CAPTURES"  // the folder that captures are written into
	overwriteEnv = "TESTCLUSTER_OVERWRITE" // anything: also over captures that are there
	slowEnv      = "TESTCLUSTER_SLOW"      // how much slower than usual the machine is, instead of measuring it
)

// shownNowhere are registered causes of which no scenario shows anything, each with the reason.
var shownNowhere = map[string]string{
	"pvc-wffc":                 "nothing is broken: scenario claim-waits-for-consumer shows an idle claim",
	"svc-etp-local":            "it takes two nodes; test/captures/service-local has it",
	"svc-multi-selector":       "it takes a second image; test/captures/service-mixed has it",
	"cron-replace":             "it takes three minutes; test/captures/probes-odd has it",
	"poststart-hook-runs":      "it takes a minute; test/captures/probes-odd has it",
	"route-not-served":         "it takes kinds for the whole cluster; test/composed/routes-refused has it",
	"gateway-not-programmed":   "it takes kinds for the whole cluster; test/composed/gateways has it",
	"mesh-policy":              "it takes kinds for the whole cluster; test/composed/mesh-policies has it",
	"netpol-blocks-dns":        "the node has no name server; test/captures/network-policies has it",
	"ing-no-address":           "it takes five minutes; test/captures/ingress-broken has it",
	"sandbox-cni":              "containerd cannot take such a pod down again; test/captures/runtimeclass-missing has it",
	"container-name-in-use":    "it takes a disk that is slow for minutes; test/composed/container-name-in-use has it",
	"envfrom-invalid-keys":     "newer kubelets take every key; test/composed/envfrom-keys has it",
	"image-inspect":            "it takes another container runtime; test/composed/image-short-name has it",
	"image-platform":           "it takes a registry with images; test/captures/image-platform has it",
	"image-rate-limit":         "it takes a registry that limits; test/captures/image-rate-limit has it",
	"image-signature":          "it takes another container runtime; test/composed/image-signature has it",
	"image-slow-pull":          "it takes a registry that is slow; test/captures/image-slow-pull has it",
	"no-command":               "it takes an image without a program; test/composed/no-command has it",
	"nonroot-nonnumeric":       "it takes a registry with images; test/captures/nonroot-users has it",
	"container-status-unknown": "it takes a machine that forgets its containers; test/composed/nodes-unwell has it",
	"evicted-api":              "what was evicted is gone a moment later; test/captures/evicted-api has it",
	"evicted-node-pressure":    "it takes a node whose memory or disk is filled; test/captures/evicted-node-memory has it",
	"mount-failed":             "it takes a storage driver or server for the whole cluster; test/captures/volume-driver-missing has it",
	"node-notready-cni":        "it takes the network of the only node; test/composed/nodes-unwell has it",
	"hpa-at-max":               "it takes an API that measures; test/captures/hpa-at-max has it",
	"ns-terminating":           "it takes a namespace that is being deleted; test/captures/ns-terminating has it",
	"rollout-no-headroom":      "it takes a node that is just full enough; test/captures/rollout-no-headroom has it",
	"node-notready-kubelet":    "it takes the kubelet of the only node; test/captures/node-not-ready has it",
	"node-pressure":            "it takes a node whose memory or disk is filled; test/composed/nodes-unwell has it",
	"node-runtime-down":        "it takes the container runtime of the only node; test/composed/nodes-unwell has it",
	"preempted":                "pods of other scenarios would be the victims; test/captures/preempted has it",
	"pvc-lost":                 "it takes a volume away by force; test/captures/claims-pending has it",
	"pvc-resize":               "no step of a scenario changes a claim; test/captures/claims-unmade has it",
	"pvc-terminating":          "its pods are well until one of them is replaced; test/captures/claims-pending has it",
	"resize-stuck":             "no step of a scenario changes a running pod; test/captures/pods-resized has it",
	"restart-after-long-run":   "it takes eleven minutes of running; test/captures/restart-after-long-run has it",
	"rwo-multi-attach":         "it takes two nodes and a storage driver; test/captures/multi-attach has it",
	"sched-no-nodes":           "it takes a cluster without nodes; test/captures/pending-no-nodes has it",
	"sched-rwop":               "only storage drivers have such volumes; test/captures/pending-claims has it",
	"sched-too-many-pods":      "it takes a node that is full of pods; test/captures/pending-room has it",
	"sched-volume-limit":       "it takes a storage driver that counts; test/captures/pending-claims has it",
	"terminating-node-lost":    "it takes the kubelet of the only node; test/composed/terminating-node-lost has it",
	"evicted-taint":            "a taint that evicts would end the pods of other scenarios; test/captures/evicted-taint has it",
	"mount-fsgroup-slow":       "it takes a volume with millions of files; test/captures/fsgroup-slow has it",
	"node-rebooted":            "it takes the machine of the only node; test/captures/node-rebooted has it",
	"node-shutdown":            "it takes a machine that is shut down; test/composed/node-shutdown has it",
	"node-system-oom":          "it takes all memory of the machine; test/composed/oom-node has it",
	"pod-gc":                   "it takes a Node object away, and a finalizer hides it; test/captures/pod-gc has it",
	"oom-node":                 "it takes all memory of the machine; test/composed/oom-node has it",
}

// runner is what all scenarios share.
type runner struct {
	cluster  *testcluster.Cluster
	client   *client
	kubectl  string // "" without one
	cache    string // of what kinds the server has
	captures string // the folder for captures, "" for none
	version  string // of the server

	ctx   context.Context // ends in time for the table to be written
	slow  float64         // how much slower than usual the machine is, 1 or more
	tried chan struct{}   // closed when every scenario had its first try
	alone sync.Mutex      // held by a second try

	mu      sync.Mutex
	results map[string]*result
	running map[string]bool
	wide    map[string]string // the namespace of the scenario that made an object which is in none
}

// TestScenarios needs root, a node, and time; go test -short leaves it out.
func TestScenarios(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	all := readScenarios(t)
	ctx := t.Context()
	if end, ok := t.Deadline(); ok {
		if time.Until(end) < allOfThem && !strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
			t.Skipf("go test gives all scenarios less than %s: make e2e runs them, or one with -run TestScenarios/NAME", allOfThem)
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, end.Add(-wrapUp), fmt.Errorf("go test's time is up"))
		defer cancel()
	}
	r := &runner{
		cluster: testcluster.Node(t), cache: t.TempDir(), captures: os.Getenv(capturesEnv), ctx: ctx, slow: 1,
		tried: make(chan struct{}), results: map[string]*result{}, running: map[string]bool{}, wide: map[string]string{},
	}
	r.client = newClient(t, r.cluster.RESTConfig())
	if version, err := r.client.typed.Discovery().ServerVersion(); err != nil {
		t.Fatal(err)
	} else {
		r.version = version.GitVersion
	}
	if r.kubectl, _ = exec.LookPath("kubectl"); r.kubectl == "" {
		progress("NO KUBECTL ON PATH: no printed fix is tried")
	}
	r.gauge(t)
	defer r.heartbeat()()
	r.runAll(t, all)
	r.summary(t, all)
}

// progress says at once what happens; go test -v would say it, in parts, when all is done. cmd/e2e
// knows such a line by its beginning.
func progress(format string, a ...any) {
	if testing.Verbose() {
		fmt.Printf("e2e: "+format+"\n", a...)
	}
}

// heartbeat says now and then what is at work, until the function that it returns is called. It is also
// how a run ends whose reader was killed: writing into a pipe that nobody reads ends this process, and
// with it the cluster that the next run waits for.
func (r *runner) heartbeat() (stop func()) {
	ctx, cancel := context.WithCancel(r.ctx)
	go func() {
		for sleep(ctx, 15*time.Second) == nil {
			r.mu.Lock()
			names := slices.Sorted(maps.Keys(r.running))
			r.mu.Unlock()
			progress("     at work: %s", strings.Join(names, ", "))
		}
	}()
	return cancel
}

// gauge finds out how much slower than usual the machine is: it times the start of one pod.
func (r *runner) gauge(t *testing.T) {
	if given := os.Getenv(slowEnv); given != "" {
		slow, err := strconv.ParseFloat(given, 64)
		if err != nil || slow < 1 {
			t.Fatalf("%s=%s: want a number from 1 on", slowEnv, given)
		}
		r.slow = slow
		return
	}
	const calm = "apiVersion: v1\nkind: Pod\nmetadata: {name: calm}\nspec: {terminationGracePeriodSeconds: 1, containers: [{name: app, image: 'localhost/misbehave:v1', args: [sleep]}]}\n"
	var took time.Duration
	a := attempt(r.ctx, t, func(a *try) {
		ns, start := r.cluster.Namespace(a, "sc-calm"), time.Now()
		if err := r.client.apply(a.Context(), a, ns, calm); err != nil {
			a.Fatal(err)
		}
		if err := r.client.wait(a.Context(), ns, until{Running: true}, slowest*reaching); err != nil {
			a.Fatal(err)
		}
		took = time.Since(start)
	})
	if a.Failed() {
		t.Fatalf("no pod runs on this node:\n%s", a.text())
	}
	r.slow = min(slowest, max(r.slow, float64(took)/float64(usualStart)))
	progress("a first pod runs after %.1f s: limits are stretched by %.1f", took.Seconds(), r.slow)
}

// stretched is a limit on this machine.
func (r *runner) stretched(d time.Duration) time.Duration {
	return time.Duration(float64(d) * r.slow).Round(time.Second)
}

// runAll runs those that leave the node as it is side by side, then those that change it, and then the
// second tries, both one by one. t.Parallel would run as many at once as there are processors, and
// scenarios need none.
func (r *runner) runAll(t *testing.T, all []*scenario) {
	var tests sync.WaitGroup
	start := func(s *scenario, tried func()) {
		tried = sync.OnceFunc(tried)
		tests.Go(func() {
			defer tried() // also where -run leaves it out
			t.Run(s.name, func(t *testing.T) { r.run(t, s, tried) })
		})
	}
	slots := make(chan struct{}, atOnce)
	for _, s := range all {
		if !s.Node.any() {
			slots <- struct{}{}
			start(s, func() { <-slots })
		}
	}
	for range atOnce { // until the last has been tried
		slots <- struct{}{}
	}
	for _, s := range all {
		if s.Node.any() {
			done := make(chan struct{})
			start(s, func() { close(done) })
			<-done
		}
	}
	close(r.tried)
	tests.Wait()
}

// run tries a scenario, and where that fails once more when nothing else runs: a real kubelet has real
// clocks, and a machine with too much to do may be too late for a state. It calls tried after the
// first time. Only what goes wrong twice counts, and the table names what had to be tried twice.
func (r *runner) run(t *testing.T, s *scenario, tried func()) {
	out, a := r.try(t, s)
	tried()
	if a.Failed() {
		progress("again later: %s: %s", s.name, a.why())
		t.Logf("THE FIRST TRY:\n%s", a.text())
		first := a.why()
		<-r.tried
		r.alone.Lock()
		defer r.alone.Unlock()
		if r.ctx.Err() == nil {
			r.gauge(t)
		}
		out, a = r.try(t, s)
		out.first = first
		t.Log("THE SECOND TRY:")
	}
	t.Log(a.text())
	if a.Failed() {
		out.wrong = a.why()
		t.Errorf("wrong twice: %s", out.wrong)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[s.name] = out
	progress("%3d  %s", len(r.results), out)
}

// try is one attempt, and what came of it.
func (r *runner) try(t *testing.T, s *scenario) (*result, *try) {
	out := &result{scenario: s, said: "-", fix: "-", applied: "-", healthy: "-"}
	start := time.Now()
	r.atWork(s, true)
	a := attempt(r.ctx, t, func(a *try) { r.play(a, s, out) })
	r.atWork(s, false)
	out.took = time.Since(start)
	return out, a
}

func (r *runner) atWork(s *scenario, now bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now {
		r.running[s.name] = true
	} else {
		delete(r.running, s.name)
	}
}

// play brings a scenario about, asks explain, and tries the fix.
func (r *runner) play(a *try, s *scenario, out *result) {
	if err := context.Cause(r.ctx); err != nil {
		a.Fatalf("not run: %v", err)
	}
	if r.captures != "" {
		r.mayCapture(a, s)
	}
	start := time.Now()
	ns := r.cluster.Namespace(a, "sc-"+s.name)
	a.Cleanup(func() { r.client.release(a, ns) })
	r.bringAbout(a, s, ns)
	rep, text := r.ask(a, ns, s)
	a.Logf("%s\n%s", s.What, text)
	verdict := rep.verdict()
	out.said, out.fix = rep.State, "none"
	if verdict != nil {
		out.said = verdict.Rule
		if verdict.Fix != nil {
			out.fix = verdict.Fix.Applicability
		}
	}
	if s.Expect.Pending == "" {
		s.compare(a, rep, text)
	}
	if r.captures != "" {
		r.capture(a, s, ns, rep, time.Since(start))
		return
	}
	if !s.curable() || verdict == nil || a.Failed() || r.kubectl == "" {
		return
	}
	out.applied, out.healthy = "no", "no"
	if err := r.mend(a, s, verdict); err != nil {
		a.Errorf("the fix cannot be applied: %v", err)
		return
	}
	for _, cause := range s.Mend {
		i := slices.IndexFunc(rep.all, func(f report.Finding) bool { return f.Rule == cause })
		if i < 0 {
			a.Errorf("%s is not said, so its fix cannot be applied", cause)
			return
		}
		if err := r.mend(a, s, &rep.all[i]); err != nil {
			a.Errorf("the fix of %s cannot be applied: %v", cause, err)
			return
		}
	}
	out.applied = "yes"
	if err := r.healthy(a, s, ns); err != nil {
		a.Errorf("not healed: %v", err)
		return
	}
	out.healthy = "yes"
}

// bringAbout applies what a scenario is made of, step by step. The last step is not waited for: ask
// does it.
func (r *runner) bringAbout(a *try, s *scenario, ns string) {
	ctx := a.Context()
	if s.Node.any() {
		r.client.changeNode(ctx, a, s.Node)
	}
	for _, step := range s.steps {
		for _, doc := range step.objects {
			doc = strings.NewReplacer(registryName, r.cluster.Registry, "NAMESPACE", ns, "NODENAME", r.client.nodeName(a)).Replace(doc)
			if err := r.client.apply(ctx, a, ns, doc); err != nil {
				a.Fatal(err)
			}
			if kind, name, wide := clusterWide(doc); wide {
				r.mu.Lock()
				r.wide[kind+"/"+name] = ns
				r.mu.Unlock()
			}
		}
		if step.until == nil {
			return
		}
		if err := r.client.wait(ctx, ns, *step.until, r.stretched(reaching)); err != nil {
			a.Fatal(err)
		}
		if step.remove != "" {
			if err := r.client.remove(ctx, ns, step.remove); err != nil {
				a.Fatal(err)
			}
		}
	}
}

// ask waits for the state and explains it. An answer counts only where the state is the same before
// and after: kubelets restart, probe and give up whenever they please, and an answer that spans two
// states is about neither. Then it waits and asks again.
func (r *runner) ask(a *try, ns string, s *scenario) (*judged, string) {
	ctx := a.Context()
	end := time.Now().Add(2 * r.stretched(reaching))
	for {
		if err := r.client.wait(ctx, ns, s.Until, r.stretched(reaching)); err != nil {
			a.Fatal(err)
		}
		before, err := r.client.states(ctx, ns)
		if err != nil {
			a.Fatal(err)
		}
		rep, text := r.explain(a, ns, s.Target, "-o", "json"), r.plugin(a, ns, "explain", s.Target)
		left, err := s.Until.missing(ctx, r.client, ns)
		if err != nil {
			a.Fatal(err)
		}
		after, err := r.client.states(ctx, ns)
		if err != nil {
			a.Fatal(err)
		}
		if left == "" && before == after {
			return rep, text
		}
		a.Logf("asking again, the state changed meanwhile:\n%s\nthen\n%s\n%s", before, after, left)
		if time.Now().After(end) {
			a.Fatalf("the state changed again and again while it was explained: now %s", after)
		}
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
func (r *runner) explain(t testing.TB, ns, target string, flags ...string) *judged {
	t.Helper()
	return judge(t, r.plugin(t, ns, append([]string{"explain", target}, flags...)...))
}

// judge reads the JSON of one target.
func judge(t testing.TB, text string) *judged {
	t.Helper()
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
func (r *runner) plugin(t testing.TB, ns string, args ...string) string {
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
func (s *scenario) compare(t testing.TB, rep *judged, text string) {
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
	for _, want := range e.Also {
		i := slices.IndexFunc(rep.all[1:], func(f report.Finding) bool { return f.Rule == want.Cause })
		if i < 0 {
			t.Errorf("%s is not among what else is said", want.Cause)
		} else if what := want.differs(rep.all[1+i]); what != "" {
			t.Errorf("%s, which is said too: %s", want.Cause, what)
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

// mend runs the commands that the fix prints.
func (r *runner) mend(a *try, s *scenario, f *report.Finding) error {
	if f.Fix == nil || f.Fix.Command == "" {
		return fmt.Errorf("it has no command")
	}
	commands := []string{f.Fix.Command}
	for _, note := range f.Fix.Notes { // "its controller does not replace the pod by itself: then kubectl ..."
		if m := thenKubectl.FindStringSubmatch(note); m != nil {
			commands = append(commands, m[1])
		}
	}
	for _, command := range commands {
		if err := r.shell(a, s, command); err != nil {
			return err
		}
	}
	return nil
}

// healthy waits until explain calls the target healthy, and goes on doing so.
func (r *runner) healthy(a *try, s *scenario, ns string) error {
	limit := r.stretched(healing)
	end, since := time.Now().Add(limit), time.Time{}
	for {
		rep := r.explain(a, ns, s.Target, "-o", "json")
		rules := rep.current()
		switch well := rep.State == "healthy" && len(rules) == 0; {
		case !well:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) >= settled:
			return nil
		}
		if time.Now().After(end) && since.IsZero() {
			return fmt.Errorf("%s (%s) with %v %s after the fix", rep.State, rep.Text, rules, limit)
		}
		if err := sleep(a.Context(), 2*time.Second); err != nil {
			return err
		}
	}
}

// shell runs a printed command line, its placeholders filled in.
func (r *runner) shell(t testing.TB, s *scenario, command string) error {
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
		said := []string{e.Cause}
		for _, f := range e.Also {
			said = append(said, f.Cause)
		}
		for _, id := range s.Mend {
			if !slices.Contains(said, id) {
				t.Errorf("%s: mends %s, which it does not expect", s.name, id)
			}
		}
		for _, id := range said {
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
