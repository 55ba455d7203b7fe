package efficiency_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/efficiency"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func TestChecks(t *testing.T) { ruletest.Run(t, efficiency.Checks...) }

func read(t *testing.T, file string) *snapshot.Snapshot {
	t.Helper()
	s, problems, err := collect.Files(collect.FileOptions{Paths: []string{file}, Namespace: "default", Now: time.Unix(0, 0)})
	if err != nil || len(problems) > 0 {
		t.Fatal(file, err, problems)
	}
	return s
}

func findings(s *snapshot.Snapshot, c *rule.Check) []*rule.Finding {
	var found []*rule.Finding
	for _, o := range s.Workloads("") {
		c.Run(rule.NewPass(s, o, c, nil, rule.Sink{Report: func(f *rule.Finding) { found = append(found, f) }}))
	}
	return found
}

func TestSeverities(t *testing.T) {
	for _, tt := range []struct {
		check *rule.Check
		file  string
		want  []rule.Severity
		apply rule.Applicability
	}{
		{&efficiency.CPURequestMissing, "missing", []rule.Severity{rule.Medium, rule.Medium, rule.Medium}, rule.Placeholders},
		{&efficiency.CPURequestMissing, "job", []rule.Severity{rule.Low}, rule.Placeholders},
		{&efficiency.MemoryRequestMissing, "missing", []rule.Severity{rule.Medium, rule.Medium, rule.Medium}, rule.Placeholders},
		{&efficiency.MemoryLimitMissing, "missing", []rule.Severity{rule.Medium, rule.Medium, rule.Medium}, rule.Placeholders},
		{&efficiency.MemoryLimitFarFromRequest, "far", []rule.Severity{rule.Medium, rule.Low, rule.Low}, rule.NeedsThought},
		{&efficiency.ImageLatest, "moving", []rule.Severity{rule.Medium, rule.Medium, rule.Medium, rule.Medium}, rule.Placeholders},
		{&efficiency.MemoryUnitSlip, "slips", []rule.Severity{rule.High, rule.High, rule.High, rule.High, rule.High}, rule.NeedsThought},
	} {
		var got []rule.Severity
		for _, f := range findings(read(t, "testdata/"+tt.check.ID+"/"+tt.file+".yaml"), tt.check) {
			got = append(got, f.Severity)
			if f.Fix == nil || f.Fix.Applicability != tt.apply {
				t.Errorf("%s: %q: fix %+v", tt.check.ID, f.Message, f.Fix)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s of %s: %v, want %v", tt.check.ID, tt.file, got, tt.want)
		}
	}
}

// TestGuess holds that only cores are guessed at: nobody means 128 thousandths of a byte.
func TestGuess(t *testing.T) {
	var got []string
	for _, f := range findings(read(t, "testdata/memory-unit-slip/slips.yaml"), &efficiency.MemoryUnitSlip) {
		got = append(got, f.Seen.Container+" "+string(f.Certainty))
	}
	if want := []string{"init certain", "milli certain", "bytes certain", "cores likely", "implied likely"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestCommands holds the commands for objects of a cluster: the short ones for the kinds that they
// know, patches for others.
func TestCommands(t *testing.T) {
	for _, tt := range []struct {
		check *rule.Check
		file  string
		want  string // of the first finding
	}{
		{&efficiency.CPURequestMissing, "missing", "set resources deployment/web -c proxy --requests=cpu=<CPU>"},
		{&efficiency.MemoryRequestMissing, "cronjob", "set resources cronjob/report -c app --requests=memory=<MEMORY>"},
		{&efficiency.MemoryLimitMissing, "missing", "set resources statefulset/db -c backup --limits=memory=<MEMORY>"},
		{&efficiency.MemoryLimitMissing, "rollout", `patch rollout.argoproj.io/web --type=json -p [{"op":"test","path":"/spec/template/spec/containers/0/name","value":"app"},{"op":"add","path":"/spec/template/spec/containers/0/resources","value":{"limits":{"memory":"<MEMORY>"}}}]`},
		{&efficiency.ImageLatest, "moving", "set image deployment/web init=registry.example:5000/tools/init:<TAG>"},
		{&efficiency.MemoryUnitSlip, "slips", `patch deployment/web --type=json -p [{"op":"test","path":"/spec/template/spec/initContainers/0/name","value":"init"},{"op":"test","path":"/spec/template/spec/initContainers/0/resources/limits/memory","value":"512k"},{"op":"replace","path":"/spec/template/spec/initContainers/0/resources/limits/memory","value":"512Mi"}]`},
	} {
		s := read(t, "testdata/"+tt.check.ID+"/"+tt.file+".yaml")
		s.Files = false
		found := findings(s, tt.check)
		if len(found) == 0 {
			t.Errorf("%s of %s: silent", tt.check.ID, tt.file)
			continue
		}
		if got := strings.Join(found[0].Fix.Command, " "); got != tt.want {
			t.Errorf("%s of %s:\n%s\nwant\n%s", tt.check.ID, tt.file, got, tt.want)
		}
	}
}

// TestRunningPod holds that a LimitRange which came after a pod gives that pod nothing, while it
// completes the pods that a controller makes.
func TestRunningPod(t *testing.T) {
	s := read(t, "testdata/memory-limit-missing/lookalike-effective.yaml")
	live := snapshot.New(s.Now)
	for _, o := range s.All() {
		if _, err := live.Add(o.Typed.GetObjectKind().GroupVersionKind(), o.Typed, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := findings(live, &efficiency.MemoryLimitMissing); len(got) != 0 {
		t.Errorf("%q", got[0].Message)
	}
	for _, o := range live.List(snapshot.DeploymentKind, "a") {
		pod := o.Templates[0].Spec.DeepCopy()
		pod.NodeName = "n"
		running := podOf(pod)
		if _, err := live.Add(running.GroupVersionKind(), running, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := findings(live, &efficiency.MemoryLimitMissing); len(got) != 1 {
		t.Errorf("%d findings, want that of the running pod", len(got))
	}
}

func podOf(spec *corev1.PodSpec) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: "running", Namespace: "a"},
		Spec:       *spec,
	}
}

// TestLimitRangeUnread holds that a request is not called missing where a LimitRange that may not be read could
// fill it in.
func TestLimitRangeUnread(t *testing.T) {
	for _, readable := range []bool{true, false} {
		s := snapshot.New(time.Unix(0, 0))
		for _, o := range read(t, "testdata/hpa-requests-missing/zero.yaml").All() {
			for i := range o.Templates {
				o.Templates[i].Spec.Containers[0].Resources = corev1.ResourceRequirements{}
			}
			if _, err := s.Add(o.Typed.GetObjectKind().GroupVersionKind(), o.Typed, nil); err != nil {
				t.Fatal(err)
			}
		}
		out := snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonForbidden}
		if readable {
			out = snapshot.Outcome{State: snapshot.Present}
		}
		s.SetOutcome(snapshot.WantList(snapshot.LimitRangeKind, "", ""), out)
		said := map[bool]int{}
		for _, o := range s.List(snapshot.HPAKind, "") {
			efficiency.HPARequestsMissing.Run(rule.NewPass(s, o, &efficiency.HPARequestsMissing, nil, rule.Sink{
				Report: func(*rule.Finding) { said[true]++ }, Unknown: func(string) { said[false]++ },
			}))
		}
		if said[readable] != 1 || said[!readable] != 0 {
			t.Errorf("readable %v: %v", readable, said)
		}
	}
}
