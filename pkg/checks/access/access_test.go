package access_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/access"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
)

func TestChecks(t *testing.T) { ruletest.Run(t, access.Checks...) }
