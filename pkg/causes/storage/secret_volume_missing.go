package storage

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SecretVolumeMissing finds volumes that are made from a Secret that does not exist.
var SecretVolumeMissing = rule.Cause{
	ID: "secret-volume-missing", Title: "a volume's Secret does not exist", Doc: rule.ReadDoc(docs, "secret_volume_missing.md"),
	Stage: rule.StageVolume, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		wants := wantParts(p, snapshot.SecretKind)
		if len(missingParts(p, snapshot.SecretKind)) > 0 {
			wants = append(wants, p.WantReferences()...)
		}
		return wants
	},
	Run: func(p *rule.Pass) { reportParts(p, snapshot.SecretKind) },
}
