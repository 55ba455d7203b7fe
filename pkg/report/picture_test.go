package report

import (
	"testing"

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
