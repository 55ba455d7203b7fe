package collect_test

import (
	"os"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
)

// A selector that finds pods finds what makes them too: its own labels are often others, or none.
func TestSelectorFindsTheWorkloadOfItsPods(t *testing.T) {
	s, _, _, err := collect.Archive(os.DirFS("../../test/captures/statefulset-key-missing"))
	if err != nil {
		t.Fatal(err)
	}
	for selector, want := range map[string]int{"app=db": 1, "app=other": 0} {
		parsed, err := labels.Parse(selector)
		if err != nil {
			t.Fatal(err)
		}
		targets, err := collect.TargetsIn(s, "", parsed, nil)
		if err != nil || len(targets) != want {
			t.Errorf("-l %s: %v, %v; want %d", selector, targets, err, want)
		}
	}
}
