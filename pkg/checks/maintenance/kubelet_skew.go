package maintenance

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// maxSkew is how many minor versions a kubelet or kube-proxy may be older than an API server.
// Source: https://kubernetes.io/releases/version-skew-policy/.
const maxSkew = 3

// KubeletSkew finds kubelets that are too far from the version of the cluster.
var KubeletSkew = rule.Check{
	ID: "kubelet-skew", Title: "kubelet of another version than the cluster", Doc: rule.ReadDoc(docs, "kubelet_skew.md"),
	Dimension: rule.Maintenance, Severity: rule.Medium, On: rule.Kinds(snapshot.NodeKind),
	Applies: func(p *rule.Pass) bool {
		node, ok := p.Object.Typed.(*corev1.Node)
		if !ok {
			return false
		}
		_, ok = minorOf(node.Status.NodeInfo.KubeletVersion)
		return ok
	},
	Run: func(p *rule.Pass) {
		node, ok := p.Object.Typed.(*corev1.Node)
		if !ok {
			return
		}
		own, _ := minorOf(node.Status.NodeInfo.KubeletVersion)
		v := versionsOf(p.Snapshot)
		newest, of := v.newestKubelet, "the newest kubelet"
		if v.known() {
			newest, of = v.newestServer, "kube-apiserver"
		}
		f := rule.Finding{Field: field.NewPath("status", "nodeInfo", "kubeletVersion"), Value: node.Status.NodeInfo.KubeletVersion, Label: fmt.Sprintf("%s is 1.%d", of, newest)}
		behind := newest - own
		switch {
		case v.known() && own > v.oldestServer:
			f.Severity = rule.High
			f.Label = fmt.Sprintf("kube-apiserver is 1.%d", v.oldestServer)
			f.Message = fmt.Sprintf("kubelet %s is newer than kube-apiserver 1.%d: nobody supports that, and its pods may miss what the server does not know", node.Status.NodeInfo.KubeletVersion, v.oldestServer)
		case behind > maxSkew:
			f.Severity = rule.High
			f.Message = fmt.Sprintf("kubelet %s is %d minor versions behind %s, 1.%d: more than %d nobody supports", node.Status.NodeInfo.KubeletVersion, behind, of, newest, maxSkew)
		case behind == maxSkew:
			f.Message = fmt.Sprintf("kubelet %s is %d minor versions behind %s, 1.%d: the next upgrade of the control plane is one too many", node.Status.NodeInfo.KubeletVersion, behind, of, newest)
		case behind == maxSkew-1:
			f.Severity = rule.Low
			f.Message = fmt.Sprintf("kubelet %s is %d minor versions behind %s, 1.%d", node.Status.NodeInfo.KubeletVersion, behind, of, newest)
		default:
			return
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "bring the node to the version of the control plane, or replace it by one that has it", Applicability: rule.NeedsThought,
			Caution: "drain it first: a kubelet of another minor version may start all containers anew",
		})
	},
}
