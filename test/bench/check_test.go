// Package bench holds benchmarks of whole jobs. They report ratios within one run, since the speed of
// a machine changes from one to the next.
package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
)

// manifests are n Deployments and n Services that select them, as text.
func manifests(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%[1]d
  labels: {app: web-%[1]d, team: shop}
spec:
  replicas: 3
  selector:
    matchLabels: {app: web-%[1]d}
  template:
    metadata:
      labels: {app: web-%[1]d, team: shop}
    spec:
      containers:
      - name: web
        image: registry.example.com/shop/web:1.4.%[1]d
        args: ["--listen=:8080", "--verbose"]
        env:
        - {name: LOG_LEVEL, value: info}
        - name: DB_PASSWORD
          valueFrom: {secretKeyRef: {name: db, key: password}}
        ports:
        - {name: http, containerPort: 8080}
        readinessProbe:
          httpGet: {path: /readyz, port: http}
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 256Mi}
        volumeMounts:
        - {name: tmp, mountPath: /tmp}
      volumes:
      - {name: tmp, emptyDir: {}}
---
apiVersion: v1
kind: Service
metadata:
  name: web-%[1]d
spec:
  selector: {app: web-%[1]d}
  ports:
  - {port: 80, targetPort: http}
---
`, i)
	}
	return b.String()
}

// BenchmarkCheckFiles reads and judges 2,000 Deployments and 2,000 Services. "x-of-parsing" is its
// time over that of parsing the same text into JSON-like values with sigs.k8s.io/yaml.
func BenchmarkCheckFiles(b *testing.B) {
	text := manifests(2000)
	eng, err := engine.New(checks.All(), nil)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	for doc := range strings.SplitSeq(text, "---\n") {
		var v any
		if err := yaml.Unmarshal([]byte(doc), &v); err != nil {
			b.Fatal(err)
		}
	}
	parsing := time.Since(start)
	var total, reading, judging time.Duration
	for b.Loop() {
		t0 := time.Now()
		s, problems, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(text), Namespace: "default", Now: t0})
		if err != nil || len(problems) > 0 {
			b.Fatal(err, problems)
		}
		t1 := time.Now()
		builder := report.NewBuilder("check", s, eng)
		builder.Check(eng.Check(s, nil))
		t2 := time.Now()
		reading += t1.Sub(t0)
		judging += t2.Sub(t1)
		total += t2.Sub(t0)
	}
	per := func(d time.Duration) float64 { return float64(d) / float64(b.N) / float64(parsing) }
	b.ReportMetric(per(total), "x-of-parsing")
	b.ReportMetric(per(reading), "x-reading")
	b.ReportMetric(per(judging), "x-judging")
	b.SetBytes(int64(len(text)))
}
