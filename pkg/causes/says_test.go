package causes_test

import (
	"context"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What findings say beyond their name: the numbers in a message, the words of a command, and which
// object they point to as the reason.
func TestCapturesSay(t *testing.T) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		state, without, target, rule     string
		message, label, because, command string // parts of them
	}{
		{state: "pending-selector", target: "deploy/web", rule: "sched-selector", message: "disktype=nvme, and none of 2 nodes has a label disktype", command: "label node <NODE> disktype=nvme"},
		{state: "pending-affinity", target: "deploy/web", rule: "sched-selector", message: "only with nvme", label: "there is nvme", command: `"op":"test"`},
		{state: "pending-taint", target: "deploy/web", rule: "sched-taint", message: "dedicated=gpu:NoSchedule, the taint of node/gpu-1", command: `"path":"/spec/template/spec/tolerations","value":[{"effect":"NoSchedule","key":"dedicated","operator":"Equal","value":"gpu"}]`},
		{state: "pvc-class-missing", target: "deploy/web", rule: "sched-pvc-unbound", because: "persistentvolumeclaim/data"},
		{state: "pvc-class-typo", target: "sts/db", rule: "sched-pvc-unbound", because: "persistentvolumeclaim/data-db-0"},
		{state: "pvc-class-typo", target: "sts/db", rule: "pvc-class-missing", label: "there is fast-ssd"},
		{state: "cm-volume-missing", target: "deploy/web", rule: "cm-volume-missing", label: `there is "web-settings"`},
		{state: "quota-exceeded", target: "deploy/web", rule: "replicafailure-quota", message: "allows 1 pod in the namespace: 1 of 3 exist", label: "room for 1", command: "scale deployment/web --replicas=1"},
		{state: "quota-exceeded", without: "resourcequotas.yaml", target: "deploy/web", rule: "replicafailure-quota", command: "scale deployment/web --replicas=1"},
		{state: "quota-statefulset", target: "sts/db", rule: "replicafailure-quota", message: "allows 100m of requests.cpu in the namespace, and each pod takes 40m: 2 of 3 exist", command: "scale statefulset/db --replicas=2"},
		{state: "quota-surge", target: "deploy/web", rule: "replicafailure-quota", message: "the old revision goes on with 2", command: `"maxSurge":0`},
		{state: "service-no-endpoints", target: "svc/web", rule: "svc-selector", message: "selects app=webb, and the pod of deployment/web has app=web", command: `"value":"web"`},
		{state: "never-ready", target: "svc/web", rule: "rollout-deadline", message: "for 20s: 0 of 2 new pods available", because: "pod/web-"},
		{state: "never-ready", target: "svc/web", rule: "svc-not-ready", message: "finds 2 pods", because: "pod/web-"},
		{state: "rollout-deadline", target: "deploy/web", rule: "rollout-deadline", message: "2 pods of the revision before still serve", because: "pod/web-", command: "rollout undo deployment/web"},
		{state: "service-not-ready", target: "svc/web", rule: "readiness-failing", message: "nothing listens on port 9090", label: "declares port 8080", command: `"value":8080`},
		{state: "job-backoff", target: "job/import", rule: "job-backoff", message: "2 pods failed, and backoffLimit is 1; the last ended with exit 4", because: "pod/import-"},
		{state: "job-backoff", without: "pods.yaml", target: "job/import", rule: "job-backoff", message: "why its pods failed is not known"},
		{state: "job-backoff-onfailure", target: "job/import", rule: "job-backoff", message: "no failed pod is left"},
		{state: "rollout-both-broken", target: "deploy/web", rule: "rollout-deadline", message: "of the revision before 2 pods are left, not available", because: "pod/web-"},
		{state: "evicted-ephemeral", target: "deploy/web", rule: "evicted-es-limit", message: "its 20Mi of ephemeral storage", command: "--limits=ephemeral-storage=40Mi"},
		{state: "node-not-ready", target: "deploy/web", rule: "node-notready-kubelet", message: "2 pods on it no longer count as ready"},
	} {
		t.Run(c.state+" "+c.rule, func(t *testing.T) {
			s, fetcher := partOf(t, c.state, strings.Fields(c.without), 0)
			targets, err := collect.TargetsIn(s, "", nil, []string{c.target})
			if err != nil {
				t.Fatal(err)
			}
			if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
				t.Fatal(err)
			}
			diagnoses, _ := eng.Explain(s, targets)
			for _, f := range diagnoses[0].Findings {
				if f.Rule != c.rule {
					continue
				}
				because, command := "", ""
				if f.Because != nil {
					because = f.Because.String()
				}
				if f.Fix != nil {
					command = strings.Join(f.Fix.Command, " ")
				}
				for _, part := range []struct{ name, got, want string }{
					{"message", f.Message, c.message}, {"label", f.Label, c.label}, {"because", because, c.because}, {"command", command, c.command},
				} {
					if !strings.Contains(part.got, part.want) || part.name == "because" && part.want == "" && part.got != "" {
						t.Errorf("%s: %q, want %q in it", part.name, part.got, part.want)
					}
				}
				return
			}
			t.Errorf("it is not found at all")
		})
	}
}
