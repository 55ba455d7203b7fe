package state_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/state"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
)

func TestChecks(t *testing.T) { ruletest.Run(t, state.Checks...) }
