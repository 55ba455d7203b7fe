package delivery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/delivery"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// TestRefusedName holds that of a name which a kubelet has refused the check says nothing more: it is told as
// what is broken now.
func TestRefusedName(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: app, image: \"registry.example/Web:1\"}]\n"
	for text, want := range map[string]int{
		pod: 1,
		pod + "status: {containerStatuses: [{name: app, state: {waiting: {reason: InvalidImageName}}}]}\n":  0,
		pod + "status: {containerStatuses: [{name: app, state: {waiting: {reason: ContainerCreating}}}]}\n": 1,
	} {
		s, problems, err := collect.Files(collect.FileOptions{Paths: []string{"-"}, In: strings.NewReader(text), Namespace: "shop", Now: time.Unix(0, 0)})
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		s.Files = false
		found := 0
		for _, o := range s.Workloads("") {
			delivery.ImageUnqualified.Run(rule.NewPass(s, o, &delivery.ImageUnqualified, nil, rule.Sink{Report: func(*rule.Finding) { found++ }}))
		}
		if found != want {
			t.Errorf("%d findings, want %d:\n%s", found, want, text)
		}
	}
}
