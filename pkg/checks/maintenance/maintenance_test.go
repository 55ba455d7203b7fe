package maintenance_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/maintenance"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
)

func TestChecks(t *testing.T) { ruletest.Run(t, maintenance.Checks...) }
