// Package controllers holds the causes of controllers that do not get what they ask for.
package controllers

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{}
