package access_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/access"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// TestSecretValues holds that what is printed of a ConfigMap with a password names it, and has it not, however
// the manifest is written.
func TestSecretValues(t *testing.T) {
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n"
	for name, text := range map[string]string{
		"plain":    head + "data:\n  DB_PASSWORD: hunter2\n",
		"flow":     head + "data: {DB_PASSWORD: hunter2, A: b}\n",
		"json":     `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"web"},"data":{"DB_PASSWORD":"hunter2"}}`,
		"block":    head + "data:\n  a.properties: |\n    x=y\n    db.password=hunter2\n",
		"folded":   head + "data:\n  a.properties: \"x=y\\n\\\n    db.password=hunter2\"\n",
		"one line": head + "data:\n  a.properties: \"x=y\\ndb.password=hunter2\"\n",
		"url":      head + "data:\n  DATABASE_URL: >-\n    postgres://web:hunter2@db/web\n",
		"list":     "apiVersion: v1\nkind: List\nitems:\n- data: {DB_PASSWORD: hunter2}\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: web}\n",
	} {
		t.Run(name, func(t *testing.T) {
			s, problems, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(text), Namespace: "shop"})
			if err != nil || len(problems) > 0 {
				t.Fatal(err, problems)
			}
			eng, err := engine.New([]*rule.Check{&access.SecretInConfigMap}, nil)
			if err != nil {
				t.Fatal(err)
			}
			b := report.NewBuilder("check", s, eng)
			b.Check(eng.Check(s, nil))
			if n := len(b.Report.Findings); n != 1 {
				t.Fatalf("%d findings", n)
			}
			var out bytes.Buffer
			if err := json.NewEncoder(&out).Encode(b.Report); err != nil {
				t.Fatal(err)
			}
			if err := render.Check(&out, b.Report, render.NewTheme(false, true, 120), true); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "hunter") {
				t.Errorf("it is printed:\n%s", out.String())
			}
		})
	}
}
