// Package images holds the causes of images that cannot be had.
package images

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// Causes are the causes of this group, by name.
var Causes = []*rule.Cause{}
