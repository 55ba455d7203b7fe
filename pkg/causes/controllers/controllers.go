// Package controllers holds the causes of controllers that do not get what they ask for.
package controllers

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{
	&JobBackoff,
	&ReplicaFailureQuota,
	&RolloutDeadline,
}
