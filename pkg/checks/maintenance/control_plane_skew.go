package maintenance

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ControlPlaneSkew finds parts of the control plane, and kube-proxy, that are too far from the API server.
var ControlPlaneSkew = rule.Check{
	ID: "control-plane-skew", Title: "part of the cluster too far from its API server", Doc: rule.ReadDoc(docs, "control_plane_skew.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: rule.Kinds(snapshot.PodKind, snapshot.DaemonSetKind),
	Applies: func(p *rule.Pass) bool {
		_, _, ok := systemPart(p.Object)
		return ok && versionsOf(p.Snapshot).known()
	},
	Run: func(p *rule.Pass) {
		part, at, _ := systemPart(p.Object)
		own, _ := minorOf(imageVersion(at.Image))
		v := versionsOf(p.Snapshot)
		most := 1
		if part == kubeProxy {
			most = maxSkew
		}
		f := rule.Finding{Field: at.Path.Child("image"), Value: at.Image}
		switch {
		case own > v.oldestServer:
			f.Label = fmt.Sprintf("kube-apiserver is 1.%d", v.oldestServer)
			f.Message = fmt.Sprintf("%s 1.%d is newer than kube-apiserver 1.%d: it may use what the server does not know", part, own, v.oldestServer)
		case v.newestServer-own > most:
			f.Label = fmt.Sprintf("kube-apiserver is 1.%d", v.newestServer)
			f.Message = fmt.Sprintf("%s 1.%d is %d minor versions behind kube-apiserver 1.%d, and %d is the most that is supported", part, own, v.newestServer-own, v.newestServer, most)
		default:
			return
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "finish the upgrade: bring it to the version of kube-apiserver", Applicability: rule.NeedsThought,
			Caution: "upgrade the API servers first, one minor version at a time, then this",
		})
	},
}

const kubeProxy = "kube-proxy"

// systemPart is which part of the cluster an object is, and the container that holds it: a static pod of the control
// plane, or the DaemonSet of kube-proxy.
func systemPart(o *snapshot.Object) (part string, at snapshot.Container, ok bool) {
	switch {
	case o.Namespace != metav1.NamespaceSystem || len(o.Templates) == 0:
		return "", at, false
	case o.GroupKind() == snapshot.DaemonSetKind && o.Name == kubeProxy:
		part = kubeProxy
	case o.GroupKind() == snapshot.PodKind:
		switch part = o.Meta.GetLabels()["component"]; part {
		case "kube-controller-manager", "kube-scheduler":
		default:
			return "", at, false
		}
	default:
		return "", at, false
	}
	for _, c := range o.Templates[0].Containers() {
		if c.Name == part {
			_, ok = minorOf(imageVersion(c.Image))
			return part, c, ok
		}
	}
	return "", at, false
}
