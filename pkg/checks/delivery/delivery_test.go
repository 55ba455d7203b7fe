package delivery_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/delivery"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
)

func TestChecks(t *testing.T) { ruletest.Run(t, delivery.Checks...) }
