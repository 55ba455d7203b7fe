package reliability_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/reliability"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
)

func TestChecks(t *testing.T) { ruletest.Run(t, reliability.Checks...) }
