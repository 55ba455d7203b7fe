package observability_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/observability"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
)

func TestChecks(t *testing.T) { ruletest.Run(t, observability.Checks...) }
