package engine

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func TestPolarity(t *testing.T) {
	for kinds, want := range map[string]polarity{
		"Ready Available Healthy Succeeded Synced Reconciled Established Accepted Programmed ResolvedRefs DeploymentAvailable AllReplicasReady ConfigurationsReady ReconcileSuccess StorageReady": positive,
		"Degraded Stalled MemoryPressure DiskPressure NetworkUnavailable ReplicaFailure Failed ReconcileError KernelDeadlock ReadonlyFilesystem NotReady Conflicted InvalidSpec":                  negative,
		"Progressing Reconciling Issuing Paused Suspended Active Upgradeable Fallback Completed NoWarnings NotDegraded NoFailure LastBackupSucceeded EtcdIsVoter ScalingLimited UpToDate":         neutral,
	} {
		for _, kind := range strings.Fields(kinds) {
			if got := polarityOf(kind); got != want {
				t.Errorf("%s: %d, want %d", kind, got, want)
			}
		}
	}
}

// What conditions say together, at 12:00 of an object that was made at 8:00.
func TestConditionHealth(t *testing.T) {
	for _, c := range []struct{ status, want string }{
		{`conditions: [{type: Ready, status: "True"}]`, "healthy: ready"},
		{`conditions: [{type: Ready, status: "False", reason: SecretMissing, message: no secret, lastTransitionTime: "2026-01-01T09:00:00Z"}]`, "unhealthy: Ready is False for 3h (SecretMissing): no secret"},
		{`conditions: [{type: Ready, status: "False", lastTransitionTime: "2026-01-01T11:59:30Z"}]`, "starting: Ready is False for 30s"},
		{`conditions: [{type: Ready, status: "False", lastTransitionTime: "2026-01-01T11:55:00Z"}, {type: Reconciling, status: "True"}]`, "starting: Ready is False for 5m"},
		{`conditions: [{type: Ready, status: "False", lastTransitionTime: "2026-01-01T11:55:00Z"}, {type: Reconciling, status: "True", reason: ProgressingWithRetry}]`, "unhealthy: Ready is False for 5m"},
		{`conditions: [{type: Ready, status: Unknown, lastTransitionTime: "2026-01-01T09:00:00Z"}]`, "unknown: Ready is Unknown for 3h"},
		{`conditions: [{type: Succeeded, status: Unknown, reason: Running, lastTransitionTime: "2026-01-01T09:00:00Z"}]`, "starting: runs for 3h"},
		{`conditions: [{type: Degraded, status: "False"}, {type: Stalled, status: "False"}]`, "healthy: Degraded is False, Stalled is False"},
		{`conditions: [{type: Ready, status: "True"}, {type: Stalled, status: "True", lastTransitionTime: "2026-01-01T09:00:00Z"}]`, "unhealthy: Stalled is True for 3h"},
		{`conditions: [{type: Available, status: "True"}, {type: Progressing, status: "False", reason: AsExpected}, {type: Upgradeable, status: "False"}]`, "healthy: available"},
		{`conditions: [{type: Available, status: "True"}, {type: Progressing, status: "False", reason: ProgressDeadlineExceeded}]`, "unhealthy: Progressing is False for 4h (ProgressDeadlineExceeded)"},
		{`conditions: [{type: Ready, status: "True"}, {type: RoutesReady, status: "False"}]`, "healthy: ready; RoutesReady is False"}, // a part: the whole says that it works
		{`conditions: [{type: Ready, status: "True"}, {type: Synced, status: "False", message: refused}]`, "unhealthy: Synced is False for 4h: refused"},
		{`conditions: [{type: Ready, status: "False"}, {type: Synced, status: "False", message: refused}]`, "unhealthy: Synced is False for 4h: refused"}, // which gives a reason
		{`conditions: [{type: Ready, status: "True", observedGeneration: 1}]`, "unknown: Ready is True of an older spec"},
		{`{observedGeneration: 1, conditions: [{type: Ready, status: "False"}]}`, "unknown: Ready is False of an older spec"},
		{`conditions: [{type: Paused, status: "True"}]`, "unknown: " + silent},
		{`conditions: [{type: ComparisonError, message: cannot render}]`, "unhealthy: ComparisonError is True for 4h: cannot render"},
		{`{phase: Paused, conditions: [{type: Ready, status: "False"}]}`, "idle: phase Paused"},
		{`{phase: Degraded, message: aborted, conditions: [{type: Available, status: "True"}]}`, "unhealthy: phase Degraded: aborted"},
		{`{phase: Running}`, "healthy: phase Running"},
		{`{phase: Pending}`, "unknown: phase Pending"}, // since when, nobody says
		{`{phase: Hungry}`, "unknown: " + silent},
		{`{health: {status: Degraded, message: a pod crashes}}`, "unhealthy: health Degraded: a pod crashes"},
		{`{}`, "unknown: " + silent},
		{`conditions: [1, {status: "True"}, {type: 3}]`, "unknown: " + silent},
	} {
		u := &unstructured.Unstructured{}
		text := "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a, namespace: b, generation: 2, creationTimestamp: \"2026-01-01T08:00:00Z\"}\nstatus:\n"
		for line := range strings.SplitSeq(c.status, "\n") {
			text += "  " + line + "\n"
		}
		data, err := yaml.YAMLToJSON([]byte(text))
		if err == nil {
			err = u.UnmarshalJSON(data)
		}
		if err != nil {
			t.Fatal(c.status, err)
		}
		s := snapshot.New(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
		o, err := s.Add(u.GroupVersionKind(), u, nil)
		if err != nil {
			t.Fatal(err)
		}
		if h := HealthOf(s, o); !strings.HasPrefix(string(h.State)+": "+h.Text, c.want) {
			t.Errorf("%s\ngot  %s: %s\nwant %s", c.status, h.State, h.Text, c.want)
		}
	}
}
