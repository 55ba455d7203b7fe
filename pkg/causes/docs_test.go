package causes_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

func TestDocs(t *testing.T) {
	if err := rule.ValidateDocs(nil, causes.All()); err != nil {
		t.Error(err)
	}
}
