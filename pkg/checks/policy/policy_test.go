package policy_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/policy"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
)

func TestChecks(t *testing.T) { ruletest.Run(t, policy.Checks...) }
