// Package policy holds the checks of rules that a cluster holds everybody to: admission, quotas, namespaces.
package policy

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this package, by name.
var Checks = []*rule.Check{
	&AgentSandbox,
	&AnnotationEmail,
	&DefaultNamespace,
	&InstanceLabel,
	&KeysUnsorted,
	&KyvernoAudit,
	&KyvernoNotReady,
	&LabelInvalid,
	&LabelOwner,
	&LabelsCommon,
	&LimitRangeMissing,
	&NamespaceUnbounded,
	&PolicyBindingOrphan,
	&PolicyBindingSilent,
	&PolicyDefaultsMissing,
	&PolicyEngineMissing,
	&PolicyExceptionForever,
	&PolicyFailOpen,
	&PolicyNotEnforced,
	&PolicyTypeWarning,
	&PolicyUnbound,
	&PolicyViolations,
	&PSABelowBaseline,
	&PSANamespace,
	&PSANotRestricted,
	&PSAPrivileged,
	&QuotaMissing,
	&QuotaOverCapacity,
}
