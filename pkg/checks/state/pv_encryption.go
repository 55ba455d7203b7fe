package state

import (
	"fmt"
	"strings"

	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVEncryption finds classes whose volumes are encrypted only where somebody asks for it, and nobody does.
var PVEncryption = rule.Check{
	ID: "pv-encryption", Title: "volumes of the class are not encrypted by it", Doc: rule.ReadDoc(docs, "pv_encryption.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Kinds(snapshot.StorageClassKind),
	Applies: func(p *rule.Pass) bool {
		c, ok := p.Object.Typed.(*storagev1.StorageClass)
		return ok && encryptsOnDemand[c.Provisioner]
	},
	Run: func(p *rule.Pass) {
		c, ok := p.Object.Typed.(*storagev1.StorageClass)
		if !ok || unusedClass(p, c) {
			return
		}
		for k, v := range c.Parameters {
			if strings.EqualFold(k, "encrypted") && strings.EqualFold(v, "true") {
				return
			}
		}
		at := field.NewPath("parameters").Key("encrypted")
		f := rule.Finding{Field: at, Value: c.Parameters["encrypted"], Certainty: rule.Likely, Label: "encrypts only if it says so",
			Message: fmt.Sprintf("parameter encrypted is not set, and %s encrypts only where it is \"true\", unless the account does so for all volumes", c.Provisioner)}
		if f.Value != "" {
			f.Message = fmt.Sprintf("parameter encrypted is %q: volumes are not encrypted, unless the account does so for all volumes", f.Value)
		}
		fix := rule.Fix{
			Title: "encrypt the volumes of the class", Applicability: rule.NeedsThought,
			Caution: "parameters of a class cannot be changed: delete the class and create it anew; volumes that exist stay as they are",
		}
		fix.YAML = "parameters:\n  encrypted: \"true\"\n"
		if p.Files {
			fix.Patch = p.Put(at, "true")
		}
		p.Report(f).WithFix(fix)
	},
	Peers: map[string][]string{"kubescape": {"pv-without-encryption"}},
}

// encryptsOnDemand are drivers of clouds that encrypt a disk only when they are told to. Disks of Azure and of Google
// are encrypted always. Source: the parameters of the AWS EBS CSI driver, and the documentation of both clouds.
var encryptsOnDemand = map[string]bool{"ebs.csi.aws.com": true, "kubernetes.io/aws-ebs": true}
