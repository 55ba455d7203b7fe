package causes_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// supplies are kinds that have no health of their own.
var supplies = []string{"ConfigMap", "Secret", "ServiceAccount", "ControllerRevision", "IngressClass", "StorageClass", "PriorityClass", "CSINode", "CSIDriver", "RuntimeClass"}

// must are kinds of which something healthy must be among the captures.
var must = []string{
	"Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Service", "Ingress", "Gateway", "HTTPRoute", "PersistentVolumeClaim",
	"HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Node", "Namespace", "ReplicationController", "EndpointSlice", "Widget", "Certificate", "Rollout",
}

// TestHealthy explains every object of the folders of healthy things by its name, and each folder as a whole:
// nothing may be said of any of them but what is past.
func TestHealthy(t *testing.T) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, pattern := range []string{captures + "/healthy*", captures + "/odd-but-healthy", composed + "/healthy*"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		dirs = append(dirs, found...)
	}
	judged, kinds := 0, map[string]bool{}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			s, fetcher, problems, err := collect.Archive(os.DirFS(dir))
			if err != nil || len(problems) > 0 {
				t.Fatal(err, problems)
			}
			explain := func(namespace string, args ...string) []engine.Diagnosis {
				targets, err := collect.TargetsIn(s, namespace, nil, args)
				if err != nil || len(targets) == 0 && len(args) > 0 {
					t.Fatal(args, targets, err)
				}
				if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
					t.Fatal(err)
				}
				diagnoses, failed := eng.Explain(s, targets)
				if len(failed) > 0 {
					t.Errorf("%v: %v", args, failed)
				}
				return diagnoses
			}
			said := func(d engine.Diagnosis, as string) {
				for _, f := range d.Findings {
					if !f.History {
						t.Errorf("%s%s: %s %s: %s", d.Target, as, f.Certainty, f.Rule, f.Message)
					}
				}
				if d.Health.State == engine.Unhealthy || d.Health.State == engine.Unknown {
					t.Errorf("%s%s is %s: %s", d.Target, as, d.Health.State, d.Health.Text)
				}
			}
			for _, o := range s.All() {
				if slices.Contains(supplies, o.Kind) {
					continue
				}
				diagnoses := explain(o.Namespace, o.Type()+"/"+o.Name)
				judged++
				kinds[o.Kind] = true
				said(diagnoses[0], "")
			}
			for _, d := range engine.Overview(s, explain("")) {
				said(d, " among all")
			}
		})
	}
	// Whose folder holds something that is not well too.
	for target, state := range map[string]string{"hpa/good": "hpa-at-max", "ing/fine": "ingress-broken", "sts/db": "odd-but-healthy", "httproute/fine": "../composed/routes-refused"} {
		s, fetcher, _, err := collect.Archive(os.DirFS(filepath.Join(captures, state)))
		if err != nil {
			t.Fatal(err)
		}
		targets, err := collect.TargetsIn(s, "", nil, []string{target})
		if err != nil {
			t.Fatal(err)
		}
		if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
			t.Fatal(err)
		}
		for _, d := range first(eng.Explain(s, targets)) {
			judged++
			kinds[d.Target.Kind] = true
			if len(d.Findings) > 0 || d.Health.State != engine.Healthy {
				t.Errorf("%s of %s is %s: %s", target, state, d.Health.State, d.Health.Text)
			}
		}
	}
	if judged < 100 {
		t.Errorf("%d objects, want at least 100", judged)
	}
	for _, kind := range must {
		if !kinds[kind] {
			t.Errorf("nothing healthy is of kind %s", kind)
		}
	}
}

func first(d []engine.Diagnosis, _ []engine.NotEvaluated) []engine.Diagnosis { return d }

// Who looks at a namespace without naming anything is told of what stands before and beside workloads too.
func TestOverview(t *testing.T) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	for state, want := range map[string]string{
		"ingress-broken":    "ingress/backend-typo ingress/backend-unknown ingress/class-typo ingress/no-class ingress/port-name ingress/port-number ingress/tls-missing ingress/tls-other",
		"hpa-no-metrics":    "horizontalpodautoscaler/web",
		"pdb-multiple":      "poddisruptionbudget/team poddisruptionbudget/web",
		"evictions-blocked": "deployment/sick poddisruptionbudget/alone poddisruptionbudget/sick", // what the others forbid, nobody has tried
		"ns-terminating":    "namespace/s-ns-terminating",
		"healthy":           "",
	} {
		s, fetcher, _, err := collect.Archive(os.DirFS(filepath.Join(captures, state)))
		if err != nil {
			t.Fatal(err)
		}
		targets, err := collect.TargetsIn(s, "", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
			t.Fatal(err)
		}
		diagnoses, _ := eng.Explain(s, targets)
		var unwell []string
		for _, d := range engine.Overview(s, diagnoses) {
			if slices.ContainsFunc(d.Findings, func(f *rule.Finding) bool { return !f.History }) {
				unwell = append(unwell, d.Target.String())
			}
		}
		slices.Sort(unwell)
		if got := strings.Join(unwell, " "); got != want {
			t.Errorf("%s: got  %s\nwant %s", state, got, want)
		}
	}
}
