// Package access holds the checks of who may do what: roles, bindings, service accounts and secrets.
package access

import (
	"embed"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

//go:embed *.md
var docs embed.FS

// Checks are the checks of this package, by name.
var Checks = []*rule.Check{
	&ConfigMapUnused,
	&PullSecretMissing,
	&RBACAnonymous,
	&RBACAuthenticated,
	&RBACClusterAdmin,
	&RBACCreatePods,
	&RBACDelete,
	&RBACEscalate,
	&RBACExec,
	&RBACMissingRef,
	&RBACPortForward,
	&RBACSecrets,
	&RBACSensitive,
	&RBACUnused,
	&RBACWildcard,
	&RBACWorkloadAdmin,
	&SADefault,
	&SADefaultBound,
	&SADeprecatedField,
	&SATokenAutomount,
	&SAUnused,
	&SecretEnvRef,
	&SecretInConfigMap,
	&SecretUnused,
}
