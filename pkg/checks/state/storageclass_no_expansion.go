package state

import (
	"fmt"

	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// StorageClassNoExpansion finds classes whose volumes cannot be made larger, although their driver could.
var StorageClassNoExpansion = rule.Check{
	ID: "storageclass-no-expansion", Title: "volumes of the class cannot be made larger", Doc: rule.ReadDoc(docs, "storageclass_no_expansion.md"),
	Dimension: rule.State, Severity: rule.Low, On: rule.Kinds(snapshot.StorageClassKind),
	Applies: func(p *rule.Pass) bool {
		c, ok := p.Object.Typed.(*storagev1.StorageClass)
		return ok && driverOf(c.Provisioner).grows
	},
	Run: func(p *rule.Pass) {
		c, ok := p.Object.Typed.(*storagev1.StorageClass)
		if !ok || c.AllowVolumeExpansion != nil && *c.AllowVolumeExpansion || unusedClass(p, c) {
			return
		}
		at := field.NewPath("allowVolumeExpansion")
		f := rule.Finding{Field: at, Label: "claims cannot ask for more", Message: "allowVolumeExpansion is not set, and false by default"}
		if c.AllowVolumeExpansion != nil {
			f.Value, f.Message = "false", "allowVolumeExpansion is false"
		}
		f.Message += fmt.Sprintf(": a full volume has to be copied to a larger one, although %s can make it larger", c.Provisioner)
		patch := p.Put(at, true)
		p.Report(f).WithFix(rule.Fix{Title: "allow claims to ask for more", Applicability: rule.Safe, Caution: "who may edit claims can then order more storage; a ResourceQuota bounds that", Patch: patch, Command: p.Live(patch), YAML: "allowVolumeExpansion: true\n"})
	},
}
