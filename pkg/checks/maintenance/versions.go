package maintenance

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// versions are the minor versions of Kubernetes 1 that run in a cluster.
type versions struct {
	server                     int // of the API server that answered; 0 where it did not say
	oldestServer, newestServer int // of that one and those whose pods show; 0 where none does
	newestKubelet              int
}

// known tells whether the version of an API server shows: where none says it, its pods may run elsewhere.
func (v versions) known() bool { return v.newestServer > 0 }

type versionsKey struct{}

func versionsOf(s *snapshot.Snapshot) versions {
	return snapshot.Derived(s, versionsKey{}, func() versions {
		var v versions
		if c := s.Itself(); c != nil {
			v.server, _ = minorOf(c.Version)
			v.oldestServer, v.newestServer = v.server, v.server
		}
		for _, o := range s.List(snapshot.NodeKind, "") {
			if n, ok := kubeletMinor(o); ok {
				v.newestKubelet = max(v.newestKubelet, n)
			}
		}
		for _, o := range s.List(snapshot.PodKind, metav1.NamespaceSystem) {
			if c, name := systemContainer(o); name == "kube-apiserver" {
				if n, ok := minorOf(imageVersion(c)); ok {
					v.newestServer = max(v.newestServer, n)
					if v.oldestServer == 0 || n < v.oldestServer {
						v.oldestServer = n
					}
				}
			}
		}
		return v
	})
}

// systemContainer is the image of a part of the control plane that runs as a pod, and the part. The label is what
// kubeadm and those built on it put on their static pods.
func systemContainer(o *snapshot.Object) (image, part string) {
	part = o.Meta.GetLabels()["component"]
	if o.Namespace != metav1.NamespaceSystem || !strings.HasPrefix(part, "kube-") || len(o.Templates) == 0 || o.Templates[0].Spec == nil {
		return "", ""
	}
	for _, c := range o.Templates[0].Spec.Containers {
		if c.Name == part {
			return c.Image, part
		}
	}
	return "", ""
}
