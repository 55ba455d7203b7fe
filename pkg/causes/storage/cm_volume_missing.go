package storage

import (
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// CMVolumeMissing finds volumes that are made from a ConfigMap that does not exist.
var CMVolumeMissing = rule.Cause{
	ID: "cm-volume-missing", Title: "a volume's ConfigMap does not exist", Doc: rule.ReadDoc(docs, "cm_volume_missing.md"),
	Stage: rule.StageVolume, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		wants := wantParts(p, snapshot.ConfigMapKind)
		if len(missingParts(p, snapshot.ConfigMapKind)) > 0 {
			wants = append(append(wants, snapshot.WantList(snapshot.ConfigMapKind, p.Object.Namespace, "")), p.WantReferences()...)
		}
		return wants
	},
	Run: func(p *rule.Pass) { reportParts(p, snapshot.ConfigMapKind) },
}
