package config

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What the kubelet says of a container that it cannot create. Source: kubelet's
// makeEnvironmentVariables, and verifyRunAsNonRoot.
var (
	keyMissing    = knowledge.Regexp(`couldn't find key (\S+) in (Secret|ConfigMap) ([^/\s]+)/(\S+)`)
	objectMissing = knowledge.Regexp(`^(secret|configmap) "([^"]+)" not found`)
	imageIsRoot   = knowledge.Regexp(`^container has runAsNonRoot and image will run as root`)
)

// configError matches what the kubelet says of a container that it cannot create.
func configError(c snapshot.Container, pattern *knowledge.Pattern) []string {
	if c.Status == nil || c.Status.State.Waiting == nil || c.Status.State.Waiting.Reason != "CreateContainerConfigError" {
		return nil
	}
	return pattern.FindStringSubmatch(c.Status.State.Waiting.Message)
}

// waitingEvidence quotes why a container waits.
func waitingEvidence(p *rule.Pass, c snapshot.Container) rule.Evidence {
	w := c.Status.State.Waiting
	return rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: w.Reason + ": " + w.Message}
}
