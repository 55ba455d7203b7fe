package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

const beside = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {LEVEL: info}
---
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: hunter2}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
`

const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers:
      - name: app
        image: registry.example.com/web:1.2.3
        env:
        - {name: LEVEL, valueFrom: {configMapKeyRef: {name: settings, key: LEVEL}}}
        - {name: LOGLEVEL, valueFrom: {configMapKeyRef: {name: settings, key: LOGLEVEL}}}
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: login, key: password}}}
        envFrom: [{configMapRef: {name: setings}}]
`

// Names that files do not contain are looked up in a real cluster, as far as one may; what is there is not judged.
func TestCheckWithCluster(t *testing.T) {
	c := testcluster.Control(t)
	ns := c.Namespace(t, "beside")
	c.Apply(t, ns, []byte(beside))
	file := filepath.Join(t.TempDir(), "web.yaml")
	if err := os.WriteFile(file, []byte(manifests), 0o600); err != nil {
		t.Fatal(err)
	}
	alone := maturity(t, c.Kubeconfig, "check", "-f", file, "-n", ns, "--fail-on", "none", "-o", "json").exits(t, 0).report(t)
	if len(alone.Unresolved) < 3 || alone.Summary.Objects != 1 {
		t.Errorf("without the cluster %d names are unresolved of %d objects", len(alone.Unresolved), alone.Summary.Objects)
	}
	s := maturity(t, c.Kubeconfig, "check", "-f", file, "-n", ns, "--with-cluster", "--fail-on", "none", "-o", "json").exits(t, 0)
	r := s.report(t)
	if len(r.Unresolved) > 0 || len(r.NotEvaluated) > 0 || r.Summary.Objects != 1 || r.Context == "" {
		t.Errorf("unresolved %v, not evaluated %v, %d objects, context %q", r.Unresolved, r.NotEvaluated, r.Summary.Objects, r.Context)
	}
	if strings.Contains(s.out, "hunter2") {
		t.Error("a value of a Secret was read")
	}
	missing := ""
	for _, f := range r.Findings {
		switch {
		case f.Rule == "env-ref-missing" && f.Certainty == "certain":
			missing += f.Message + "\n"
		case f.Rule == "pdb-missing":
			t.Error("the budget of the cluster was not seen")
		}
	}
	if !strings.Contains(missing, `configmap/setings is neither in the input nor in the cluster`) || !strings.Contains(missing, "LOGLEVEL") || strings.Contains(missing, "login") {
		t.Errorf("missing are\n%s", missing)
	}

	// Who may read nothing is told so, and the files are judged all the same.
	r = maturity(t, c.User(t, "nobody-beside"), "check", "-f", file, "-n", ns, "--with-cluster", "--fail-on", "none", "-o", "json").exits(t, 0).report(t)
	if len(r.Unresolved) != len(alone.Unresolved) || len(r.Findings) == 0 {
		t.Errorf("%d names are unresolved, want %d; %d findings", len(r.Unresolved), len(alone.Unresolved), len(r.Findings))
	}
	for _, u := range r.Unresolved {
		if u.Reason != "forbidden" {
			t.Errorf("%s is unresolved: %q", u.Target, u.Reason)
		}
	}
}
