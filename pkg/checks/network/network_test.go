package network_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/network"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
)

func TestChecks(t *testing.T) { ruletest.Run(t, network.Checks...) }
