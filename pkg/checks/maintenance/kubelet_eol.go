package maintenance

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// eolNotice is how long before its end a version is spoken of: an upgrade takes weeks to prepare.
const eolNotice = 60 * 24 * time.Hour

const (
	eolGrace    = 90 * 24 * time.Hour  // after its end a version lacks few fixes, and an upgrade may be on its way
	eolProvider = 365 * 24 * time.Hour // which those who build versions of their own go on mending them at least
)

// KubeletEOL finds nodes whose version of Kubernetes gets no fixes any more.
var KubeletEOL = rule.Check{
	ID: "kubelet-eol", Title: "version of Kubernetes that gets no more fixes", Doc: rule.ReadDoc(docs, "kubelet_eol.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: rule.Kinds(snapshot.NodeKind),
	Applies: func(p *rule.Pass) bool {
		_, ok := endOf(p.Object)
		return ok && p.Object.Meta.GetLabels()["type"] != "virtual-kubelet" // which follows its own versions
	},
	Run: func(p *rule.Pass) {
		node, ok := p.Object.Typed.(*corev1.Node)
		if !ok {
			return
		}
		version := node.Status.NodeInfo.KubeletVersion
		end, _ := endOf(p.Object)
		left := end.Sub(p.Now)
		if left > eolNotice {
			return
		}
		f := rule.Finding{Field: field.NewPath("status", "nodeInfo", "kubeletVersion"), Value: version}
		day := end.Format(time.DateOnly)
		if minor, _ := minorOf(version); minor < knowledge.OldestEnd {
			day += " at the latest"
		}
		if left <= 0 {
			f.Message = fmt.Sprintf("kubelet %s: the Kubernetes project has made no fixes for this version since %s", version, day)
			f.Label = "ended " + rule.Human(-left) + " ago"
			if -left < eolGrace {
				f.Severity = rule.Medium
			}
		} else {
			f.Severity = rule.Low
			f.Message = fmt.Sprintf("kubelet %s: the Kubernetes project makes no more fixes for this version from %s on, in %s", version, day, rule.Human(left))
			f.Label = "ends in " + rule.Human(left)
		}
		if fork := providerOf(p.Object, version); fork != "" {
			f.Certainty = rule.Possible
			f.Severity = rule.Low
			if -left >= eolProvider {
				f.Severity = rule.Medium
			}
			f.Message += "; " + fork + " may have fixes of its own for longer"
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "upgrade, one minor version at a time: the control plane first, then the nodes", Applicability: rule.NeedsThought,
			Caution: "look first for manifests in versions of the API that the next one does not serve, and for budgets that allow no drain",
		})
	},
	Peers: map[string][]string{"popeye": {"POP-405", "POP-406"}, "kubescape": {"CVE-2022-3172", "CVE-2021-25741"}},
}

func endOf(o *snapshot.Object) (time.Time, bool) {
	node, ok := o.Typed.(*corev1.Node)
	if !ok {
		return time.Time{}, false
	}
	minor, ok := minorOf(node.Status.NodeInfo.KubeletVersion)
	if !ok {
		return time.Time{}, false
	}
	return knowledge.EndOfLife(minor)
}

// providerOf is who built a version, where that is not the Kubernetes project: providers mend versions for longer.
func providerOf(o *snapshot.Object, version string) string {
	for label, name := range map[string]string{ // of those whose versions have no mark
		"kubernetes.azure.com/cluster": "Azure AKS", "node.openshift.io/os_id": "OpenShift", "doks.digitalocean.com/node-id": "DigitalOcean", "oci.oraclecloud.com/fault-domain": "Oracle OKE",
	} {
		if o.Meta.GetLabels()[label] != "" {
			return name
		}
	}
	for mark, name := range map[string]string{"-eks-": "Amazon EKS", "-gke.": "Google GKE", "+rke2": "RKE2", "+k3s": "k3s", "+IKS": "IBM Cloud", "+vmware": "VMware"} {
		if strings.Contains(version, mark) {
			return name
		}
	}
	return ""
}
