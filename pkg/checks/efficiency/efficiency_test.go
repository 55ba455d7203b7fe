package efficiency_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/efficiency"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
)

func TestChecks(t *testing.T) { ruletest.Run(t, efficiency.Checks...) }
