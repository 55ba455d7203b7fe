// Package bench holds benchmarks of whole jobs. They report ratios within one run, since the speed of
// a machine changes from one to the next.
package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

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
  labels:
    app.kubernetes.io/name: web-%[1]d
    app.kubernetes.io/part-of: shop
    team: shop
spec:
  replicas: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: web-%[1]d
  template:
    metadata:
      labels:
        app.kubernetes.io/name: web-%[1]d
        app.kubernetes.io/part-of: shop
        team: shop
    spec:
      containers:
        - name: web
          image: registry.example.com/shop/web:1.4.%[1]d
          imagePullPolicy: IfNotPresent
          args: ["--listen=:8080", "--verbose"]
          env:
            - name: LOG_LEVEL
              value: info
            - name: DB_PASSWORD
              valueFrom:
                secretKeyRef:
                  name: db
                  key: password
          ports:
            - name: http
              containerPort: 8080
              protocol: TCP
          readinessProbe:
            httpGet:
              path: /readyz
              port: http
            periodSeconds: 10
          livenessProbe:
            httpGet:
              path: /livez
              port: http
            periodSeconds: 20
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              memory: 256Mi
          volumeMounts:
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: tmp
          emptyDir: {}
---
apiVersion: v1
kind: Service
metadata:
  name: web-%[1]d
  labels:
    app.kubernetes.io/name: web-%[1]d
    app.kubernetes.io/part-of: shop
spec:
  selector:
    app.kubernetes.io/name: web-%[1]d
  ports:
    - name: http
      port: 80
      targetPort: http
---
`, i)
	}
	return b.String()
}

// mostOfParsing is how many times the CPU time of parsing alone all checks together may take.
const mostOfParsing = 3

// BenchmarkCheckFiles reads and judges 2,000 Deployments and 2,000 Services, and puts the findings into a report.
// "x-of-parsing" is its time on all CPUs over that of parsing the same text into the nodes of a YAML library; it
// fails where that is more than it may be.
func BenchmarkCheckFiles(b *testing.B) {
	text := manifests(2000)
	eng, err := engine.New(checks.All(), nil)
	if err != nil {
		b.Fatal(err)
	}
	eng.NoFixes = true // as for people
	parsing := cpu(b)
	const rounds = 3
	for range rounds {
		for doc := range strings.SplitSeq(text, "---\n") {
			var node yaml.Node
			if err := yaml.Unmarshal([]byte(doc), &node); err != nil {
				b.Fatal(err)
			}
		}
	}
	parsing = (cpu(b) - parsing) / rounds
	var reading, judging time.Duration
	for b.Loop() {
		t0 := cpu(b)
		s, problems, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(text), Namespace: "default", Now: time.Now()})
		if err != nil || len(problems) > 0 {
			b.Fatal(err, problems)
		}
		t1 := cpu(b)
		builder := report.NewBuilder("check", s, eng)
		builder.Check(eng.Check(s, nil))
		t2 := cpu(b)
		reading += t1 - t0
		judging += t2 - t1
	}
	per := func(d time.Duration) float64 { return float64(d) / float64(b.N) / float64(parsing) }
	b.ReportMetric(per(reading+judging), "x-of-parsing")
	b.ReportMetric(per(reading), "x-reading")
	b.ReportMetric(per(judging), "x-judging")
	b.SetBytes(int64(len(text)))
	if of := per(reading + judging); of > mostOfParsing {
		b.Errorf("%.1f times the time of parsing alone; it may be %d", of, mostOfParsing)
	}
}
