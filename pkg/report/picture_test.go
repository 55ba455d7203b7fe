package report

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

func TestHideCredentials(t *testing.T) {
	for text, want := range map[string]string{
		"- --db=postgres://app:hunter2@db:5432/shop": "- --db=postgres://***********@db:5432/shop",
		"- --db-password=hunter2":                    "- --db-password=*******",
		"- API_KEY=abc, next":                        "- API_KEY=***, next",
		"automountServiceAccountToken: false":        "automountServiceAccountToken: false",
		"secretName: web-tls":                        "secretName: web-tls",
		"- --listen=:8080":                           "- --listen=:8080",
	} {
		lines := []source.Line{{Text: text}}
		hideCredentials(lines)
		if lines[0].Text != want {
			t.Errorf("%q is drawn as %q, want %q", text, lines[0].Text, want)
		}
	}
}

func TestHideData(t *testing.T) {
	cm := &corev1.ConfigMap{Data: map[string]string{"DB_PASSWORD": "hunter2", "app.conf": "user: app\npassword = hunter3\n", "n": "1"}}
	for text, want := range map[string]string{
		"  DB_PASSWORD: hunter2":             "  DB_PASSWORD: *******",
		`  "DB_PASSWORD": "hunter2"`:         `  "DB_PASSWORD": *********`,
		"  app.conf: |":                      "  app.conf: |",
		"    password = hunter3":             "    ******************",
		"data: {DB_PASSWORD: hunter2, n: 1}": "data: {DB_PASSWORD: *******, n: 1}",
		"  name: shop":                       "  name: shop",
	} {
		lines := []source.Line{{Text: text}}
		hideData(&snapshot.Object{Typed: cm}, lines)
		if lines[0].Text != want || strings.Contains(lines[0].Text, "hunter") {
			t.Errorf("%q is drawn as %q, want %q", text, lines[0].Text, want)
		}
	}
}
