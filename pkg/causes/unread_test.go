package causes_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What was not read is not absent, and what is long ago is not now: the same captures with parts of
// them left out, or looked at earlier and later.
func TestCapturesInPart(t *testing.T) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		state   string
		without string        // files, separated by spaces
		later   time.Duration // than the capture
		target  string
		want    string // verdict, certainty and what else is said; then the state
	}{
		{"pending-selector", "nodes.yaml", 0, "deploy/web", "sched-selector certain unhealthy"},
		{"pending-selector", "deployments.yaml replicasets.yaml nodes.yaml", 0, "pods", "sched-selector certain unhealthy"},
		{"pending-taint", "nodes.yaml", 0, "deploy/web", "sched-taint possible unhealthy"},
		{"pending-affinity", "nodes.yaml", 0, "deploy/web", "sched-taint possible unhealthy"},
		{"pending-taint", "deployments.yaml replicasets.yaml", 0, "pods", "sched-taint certain unhealthy"},
		{"pvc-class-missing", "events.yaml", 0, "deploy/web", "sched-pvc-unbound certain unhealthy"},
		{"pvc-class-missing", "persistentvolumeclaims.yaml", 0, "deploy/web", "sched-pvc-unbound certain unhealthy"},
		{"pvc-class-typo", "events.yaml", 0, "sts/db", "pvc-class-missing likely +sched-pvc-unbound unhealthy"},
		{"secret-volume-missing", "events.yaml", time.Hour, "deploy/web", "- unhealthy"},
		{"cm-volume-missing", "events.yaml", time.Hour, "deploy/web", "cm-volume-missing likely unhealthy"},
		{"cm-volume-missing", "configmaps.yaml", 0, "deploy/web", "cm-volume-missing certain starting"},
		{"quota-exceeded", "events.yaml", 0, "deploy/web", "replicafailure-quota certain unhealthy"},
		{"quota-exceeded", "resourcequotas.yaml deployments.yaml", 0, "rs", "replicafailure-quota certain unhealthy"},
		{"quota-statefulset", "events.yaml", 0, "sts/db", "- starting"},
		{"service-no-endpoints", "pods.yaml", 0, "svc/web", "- unhealthy"},
		{"service-no-endpoints", "endpointslices.yaml", 0, "svc/web", "svc-selector likely unknown"},
		{"services-odd-ports", "pods.yaml snapshot.yaml", 0, "svc/udp", "svc-targetport-name likely unhealthy"},
		{"services-odd-ports", "pods.yaml snapshot.yaml", 0, "svc/half", "svc-targetport-name possible healthy"},
		{"services-odd-ports", "pods.yaml snapshot.yaml", 0, "svc/headless", "- healthy"},
		{"services-odd-ports", "resourcequotas.yaml snapshot.yaml", 0, "svc/unlisted", "svc-slices-refused certain unhealthy"},
		{"services-odd-ports", "events.yaml snapshot.yaml", 0, "svc/unlisted", "- unhealthy"},
		{"services-odd-ports", "endpointslices.yaml snapshot.yaml", 0, "svc/by-hand", "- unknown"},
		{"services-odd-ports", "namespaces.yaml snapshot.yaml", 0, "svc/spaced", "- healthy"},
		{"services-odd-ports", "replicasets.yaml snapshot.yaml", 0, "svc/refused", "- unhealthy"},
		{"service-ports", "pods.yaml snapshot.yaml", 0, "svc/number-elsewhere", "- healthy"},
		{"never-ready", "pods.yaml", 0, "svc/web", "svc-not-ready certain unhealthy"},
		{"never-ready", "replicasets.yaml", 0, "deploy/web", "rollout-deadline certain unhealthy"},
		{"never-ready", "events.yaml", time.Hour, "deploy/web", "readiness-failing likely +rollout-deadline unhealthy"},
		{"service-not-ready", "", -60 * time.Second, "svc/web", "- starting"},
		{"service-not-ready", "", -60 * time.Second, "deploy/web", "- starting"},
		{"job-backoff", "pods.yaml", 0, "job/import", "job-backoff certain unhealthy"},
		{"evicted-ephemeral", "events.yaml", 0, "deploy/web", "evicted-es-limit certain unhealthy"},
		{"evicted-ephemeral", "", time.Hour, "deploy/web", "evicted-es-limit certain history healthy"},
		{"evicted-graceful", "", time.Hour, "deploy/web", "evicted-es-limit certain history healthy"},
		{"evicted-graceful", "events.yaml", 0, "deploy/web", "- unhealthy"},
		{"quota-must-specify", "events.yaml", 0, "deploy/web", "quota-must-specify certain +rollout-deadline unhealthy"},
		{"quota-must-specify", "events.yaml", 0, "job/import", "- starting"},
		{"cron-bad-schedule", "events.yaml", 0, "cronjob/february", "cron-bad-schedule likely unhealthy"},
		{"cron-bad-schedule", "", 48 * time.Hour, "cronjob/nightly", "cron-missed possible healthy"},
		{"cron-forbid", "events.yaml", 0, "cronjob/backup", "cron-forbid likely healthy"},
		{"cron-forbid", "jobs.yaml", 0, "cronjob/backup", "cron-forbid certain healthy"},
		{"cron-refused", "events.yaml", 0, "cronjob/report", "cron-missed possible healthy"},
		{"sts-rollback-trap", "pods.yaml", 0, "sts/web", "- unhealthy"},
		{"sts-ordered-blocked", "", -18 * time.Minute, "sts/web", "- starting"},
		{"evictions-blocked", "pods.yaml", 0, "pdb/sick", "eviction-blocked certain unhealthy"},
		{"pdb-multiple", "pods.yaml", 0, "pdb/web", "- healthy"},
		{"rollout-paused-broken", "pods.yaml replicasets.yaml", 0, "deploy/web", "rollout-paused certain unhealthy"},
		{"node-not-ready", "events.yaml", 0, "deploy/web", "node-notready-kubelet certain unhealthy"},
		{"node-not-ready", "nodes.yaml", 0, "deploy/web", "- unhealthy"},
		{"node-not-ready", "nodes.yaml", 0, "svc/web", "svc-not-ready certain unhealthy"},
		{"pullsecrets", "events.yaml snapshot.yaml", time.Hour, "deploy/missing", "pullsecret-missing likely unhealthy"},
		{"pullsecrets", "secrets.yaml events.yaml snapshot.yaml", 0, "deploy/generic", "image-auth certain unhealthy"},
		{"pullsecrets", "secrets.yaml events.yaml snapshot.yaml", time.Hour, "deploy/no-such-tag", "image-not-found certain unhealthy"},
		{"image-always", "nodes.yaml", 0, "deploy/there", "image-registry-unreachable certain unhealthy"},
		{"image-never", "nodes.yaml", 0, "deploy/other-tag", "image-never certain unhealthy"},
		{"image-slow-pull", "events.yaml", 0, "deploy/ill", "- unhealthy"},
		{"image-platform", "nodes.yaml", 0, "deploy/web", "image-platform certain unhealthy"},
		{"sa-missing", "events.yaml snapshot.yaml", time.Hour, "deploy/web", "sa-missing certain unhealthy"},
		{"sa-missing", "events.yaml snapshot.yaml", time.Hour, "sts/db", "- unhealthy"},
		{"hostpath-type", "events.yaml snapshot.yaml", time.Hour, "deploy/folder", "- unhealthy"},
		{"subpath-mismatch", "configmaps.yaml", 0, "deploy/no-such-key", "subpath-mismatch certain unhealthy"},
		{"pending-neighbours", "snapshot.yaml nodes.yaml", 0, "deploy/anti", "sched-anti-affinity likely unhealthy"},
		{"pending-neighbours", "snapshot.yaml pods.yaml", 0, "deploy/anti", "- starting"},
		{"pending-neighbours", "snapshot.yaml nodes.yaml", 0, "deploy/spread", "sched-spread likely unhealthy"},
		{"pending-neighbours", "snapshot.yaml nodes.yaml", 0, "deploy/port", "sched-hostport likely unhealthy"},
		{"pending-room", "snapshot.yaml nodes.yaml", 0, "deploy/cordoned", "sched-cordoned likely unhealthy"},
		{"pending-room", "snapshot.yaml nodes.yaml", 0, "deploy/gpu", "sched-extended likely unhealthy"},
		{"pending-room", "snapshot.yaml nodes.yaml", 0, "deploy/mixed", "sched-insufficient likely unhealthy"},
		{"pending-claims", "snapshot.yaml persistentvolumes.yaml", 0, "deploy/far", "sched-pv-zone certain unhealthy"},
		{"pending-claims", "snapshot.yaml persistentvolumeclaims.yaml", 0, "deploy/single", "sched-rwop certain unhealthy"},
		{"pending-claims", "snapshot.yaml persistentvolumeclaims.yaml", 0, "deploy/gone", "sched-pvc-missing certain unhealthy"},
		{"pending-held", "snapshot.yaml", -30 * time.Second, "deploy/scheduler", "- starting"},
		{"claims-pending", "snapshot.yaml events.yaml", 0, "deploy/no-class", "pvc-no-default likely +sched-pvc-unbound unhealthy"},
		{"claims-pending", "snapshot.yaml events.yaml storageclasses.yaml", 0, "deploy/no-class", "sched-pvc-unbound certain unhealthy"},
		{"claims-pending", "snapshot.yaml events.yaml", 0, "deploy/size", "pvc-static-mismatch likely +sched-pvc-unbound unhealthy"},
		{"claims-pending", "snapshot.yaml persistentvolumes.yaml", 0, "deploy/size", "pvc-class-missing certain +sched-pvc-unbound unhealthy"},
		{"claims-pending", "snapshot.yaml csidrivers.yaml", 0, "deploy/driver", "pvc-driver-missing possible +sched-pvc-unbound unhealthy"},
		{"claims-pending", "snapshot.yaml pods.yaml", 0, "pvc/idle", "- unhealthy"},
		{"evicted-emptydir", "snapshot.yaml events.yaml", 0, "deploy/web", "evicted-emptydir certain unhealthy"},
		{"pods-stuck", "snapshot.yaml", -60 * time.Second, "pod/kept", "- starting"},
		{"multi-attach", "snapshot.yaml events.yaml", 0, "deploy/web", "- starting"},
	} {
		t.Run(strings.TrimSpace(fmt.Sprintf("%s %s without %s %s", c.state, c.target, c.without, c.later)), func(t *testing.T) {
			s, fetcher := partOf(t, c.state, strings.Fields(c.without), c.later)
			targets, err := collect.TargetsIn(s, "", nil, []string{c.target})
			if err != nil || len(targets) == 0 {
				t.Fatal(targets, err)
			}
			targets = targets[:1]
			if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
				t.Fatal(err)
			}
			diagnoses, failed := eng.Explain(s, targets)
			if len(failed) > 0 {
				t.Error(failed)
			}
			if got := worded(diagnoses[0]); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func worded(d engine.Diagnosis) string {
	words := []string{"-"}
	for i, f := range d.Findings {
		if i > 0 {
			words = append(words, "+"+f.Rule)
			continue
		}
		words = []string{f.Rule, string(f.Certainty)}
		if f.History {
			words = append(words, "history")
		}
	}
	return strings.Join(append(words, string(d.Health.State)), " ")
}

// partOf reads a capture without some of its files, at another time.
func partOf(t *testing.T, state string, without []string, later time.Duration) (*snapshot.Snapshot, collect.Fetcher) {
	t.Helper()
	whole := os.DirFS(filepath.Join(captures, state))
	s, _, problems, err := collect.Archive(whole)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	part := fstest.MapFS{"snapshot.yaml": {Data: []byte("at: " + s.Now.Add(later).Format(time.RFC3339))}}
	files, err := os.ReadDir(filepath.Join(captures, state))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if slices.Contains(without, f.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(captures, state, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		part[f.Name()] = &fstest.MapFile{Data: data}
	}
	s, fetcher, problems, err := collect.Archive(part)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	return s, fetcher
}
