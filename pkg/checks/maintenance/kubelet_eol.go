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

// KubeletEOL finds nodes whose version of Kubernetes gets no fixes any more. Nodes of the API server's own minor version
// are server-eol's: an upgrade brings both on, and one of a hundred findings is enough to say so.
var KubeletEOL = rule.Check{
	ID: "kubelet-eol", Title: "version of Kubernetes that gets no more fixes", Doc: rule.ReadDoc(docs, "kubelet_eol.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: rule.Kinds(snapshot.NodeKind),
	Applies: func(p *rule.Pass) bool {
		minor, ok := kubeletMinor(p.Object)
		if !ok || p.Object.Meta.GetLabels()["type"] == "virtual-kubelet" { // which follows its own versions
			return false
		}
		_, ok = knowledge.EndOfLife(minor)
		return ok && minor != versionsOf(p.Snapshot).server
	},
	Run: func(p *rule.Pass) {
		node, ok := p.Object.Typed.(*corev1.Node)
		if !ok {
			return
		}
		version := node.Status.NodeInfo.KubeletVersion
		f, found := ended(p, "kubelet", version, providerOf(p.Object.Meta.GetLabels(), version))
		if !found {
			return
		}
		f.Field, f.Value = field.NewPath("status", "nodeInfo", "kubeletVersion"), version
		p.Report(f).WithFix(upgrade())
	},
	Peers: map[string][]string{"popeye": {"POP-405", "POP-406"}, "kubescape": {"CVE-2022-3172", "CVE-2021-25741"}},
}

// kubeletMinor is the minor version of a node's kubelet.
func kubeletMinor(o *snapshot.Object) (minor int, ok bool) {
	node, ok := o.Typed.(*corev1.Node)
	if !ok {
		return 0, false
	}
	return minorOf(node.Status.NodeInfo.KubeletVersion)
}

// ended says of a part of the cluster that its version gets no fixes any more, or soon; found is false where it does.
func ended(p *rule.Pass, part, version, fork string) (f rule.Finding, found bool) {
	minor, _ := minorOf(version)
	end, ok := knowledge.EndOfLife(minor)
	left := end.Sub(p.Now)
	if !ok || left > eolNotice {
		return f, false
	}
	day := end.Format(time.DateOnly)
	if minor < knowledge.OldestEnd {
		day += " at the latest"
	}
	if left <= 0 {
		f.Message = fmt.Sprintf("%s %s: the Kubernetes project has made no fixes for this version since %s", part, version, day)
		f.Label = "ended " + rule.Human(-left) + " ago"
		if -left < eolGrace {
			f.Severity = rule.Medium
		}
	} else {
		f.Severity = rule.Low
		f.Message = fmt.Sprintf("%s %s: the Kubernetes project makes no more fixes for this version from %s on, in %s", part, version, day, rule.Human(left))
		f.Label = "ends in " + rule.Human(left)
	}
	if fork != "" {
		f.Certainty = rule.Possible
		f.Severity = rule.Low
		if -left >= eolProvider {
			f.Severity = rule.Medium
		}
		f.Message += "; " + fork + " may have fixes of its own for longer"
	}
	return f, true
}

func upgrade() rule.Fix {
	return rule.Fix{
		Title: "upgrade, one minor version at a time: the control plane first, then the nodes", Applicability: rule.NeedsThought,
		Caution: "look first for manifests in versions of the API that the next one does not serve, and for budgets that allow no drain",
	}
}

// mark is how the nodes or versions of a provider are known.
type mark struct{ text, provider string }

// markedNodes are labels of the nodes of those whose versions have no mark.
var markedNodes = []mark{
	{"node.openshift.io/os_id", "OpenShift"}, {"kubernetes.azure.com/cluster", "Azure AKS"}, {"doks.digitalocean.com/node-id", "DigitalOcean"}, {"oci.oraclecloud.com/fault-domain", "Oracle OKE"},
}

var markedVersions = []mark{
	{"-eks-", "Amazon EKS"}, {"-gke.", "Google GKE"}, {"+rke2", "RKE2"}, {"+k3s", "k3s"}, {"+IKS", "IBM Cloud"}, {"+vmware", "VMware"},
	{"-aliyun.", "Alibaba Cloud"}, {"-tke.", "Tencent Cloud"},
}

// commit is how OpenShift marks its versions: v1.29.7+6abe8a1.
var commit = knowledge.Regexp(`^v1\.\d+\.\d+\+[0-9a-f]{7}$`)

// providerOf is who built a version, where that is not the Kubernetes project: providers mend versions for longer.
func providerOf(labels map[string]string, version string) string {
	for _, m := range markedNodes {
		if labels[m.text] != "" {
			return m.provider
		}
	}
	for _, m := range markedVersions {
		if strings.Contains(version, m.text) {
			return m.provider
		}
	}
	if commit.MatchString(version) {
		return "OpenShift"
	}
	return ""
}
