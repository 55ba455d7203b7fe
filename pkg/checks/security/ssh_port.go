package security

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SSHPort finds pods into which one may log in past Kubernetes.
var SSHPort = rule.Check{
	ID: "ssh-port", Title: "port 22 is open", Doc: rule.ReadDoc(docs, "ssh_port.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Everything,
	Applies: func(p *rule.Pass) bool {
		workload := len(p.Object.Templates) > 0 && p.Owner(p.Object) == nil
		return notSystem(p) && (workload || p.Object.GroupKind() == snapshot.ServiceKind)
	},
	Run: func(p *rule.Pass) {
		if svc, ok := p.Object.Typed.(*corev1.Service); ok {
			sshService(p, svc)
			return
		}
		for _, t := range p.Object.Templates {
			for _, c := range t.Containers() {
				if i := sshIn(c); i >= 0 && !servesSSH(c) && !sshServer(p.Object.Name) {
					f := inContainer(p, c, c.Path.Child("ports").Index(i).Child("containerPort"))
					f.Value = "22"
					f.Message = named(one(c)) + " listens on port 22, that of SSH: who logs in there is known to no audit log and to no RBAC"
					f.Fix = &rule.Fix{
						Title: "take the SSH server out of the image, and use kubectl exec or kubectl debug", Applicability: rule.NeedsThought,
						Caution: "what copies files over SSH needs another way first; a server whose purpose SSH is, a git server or a jump host, is right as it is",
					}
					p.Report(f)
				}
			}
		}
	},
	Peers: map[string][]string{
		"kube-linter": {"ssh-port"},
		"kubescape":   {"rule-can-ssh-to-pod-v1"},
	},
}

const sshPort = 22

// sshIn is the position of port 22 among the ports that a container declares, or -1.
func sshIn(c snapshot.Container) int {
	for i, port := range c.Ports {
		if port.ContainerPort == sshPort && (port.Protocol == "" || port.Protocol == corev1.ProtocolTCP) {
			return i
		}
	}
	return -1
}

// servers begin the words in the names of images and containers that serve SSH on purpose: git servers, file
// drops, jump hosts.
var servers = []string{"git", "forgejo", "gogs", "gerrit", "bitbucket", "sftp", "bastion", "jumphost", "teleport"}

func servesSSH(c snapshot.Container) bool {
	return sshServer(path.Base(c.Image) + " " + c.Name)
}

// sshServer tells whether a name says that SSH is what something is for.
func sshServer(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.ContainsFunc(words, func(word string) bool {
		return slices.ContainsFunc(servers, func(server string) bool { return strings.HasPrefix(word, server) })
	})
}

func sshService(p *rule.Pass, svc *corev1.Service) {
	if svc.Spec.Type == corev1.ServiceTypeExternalName || len(svc.Spec.Selector) == 0 || sshServer(svc.Name) {
		return // it leads to no pod of its own, or is there for SSH
	}
	for i, port := range svc.Spec.Ports {
		direct := port.TargetPort.Type == intstr.Int && port.TargetPort.IntVal == sshPort
		if port.Port != sshPort && !direct || port.Protocol != "" && port.Protocol != corev1.ProtocolTCP {
			continue
		}
		declared, meant := behind(p, svc)
		outside := svc.Spec.Type == corev1.ServiceTypeLoadBalancer || svc.Spec.Type == corev1.ServiceTypeNodePort || len(svc.Spec.ExternalIPs) > 0
		if meant || declared && !outside { // the pods' own finding tells it
			return
		}
		at := field.NewPath("spec", "ports").Index(i)
		f := rule.Finding{Field: at.Child("port"), Value: fmt.Sprint(port.Port)}
		if port.Port != sshPort {
			f.Field, f.Value = at.Child("targetPort"), port.TargetPort.String()
		}
		f.Message = "leads to port 22 of its pods, that of SSH: who logs in there is known to no audit log and to no RBAC"
		if outside {
			f.Severity = rule.Medium
			f.Message = fmt.Sprintf("opens SSH to the outside of the cluster (type %s): who logs in there is known to no audit log and to no RBAC", typeOf(svc))
		}
		f.Fix = &rule.Fix{
			Title: "take the port out of the Service, and use kubectl exec or kubectl port-forward", Applicability: rule.NeedsThought,
			Caution: "who logs in this way now is locked out; where SSH is what the pods are for, say who may reach it: loadBalancerSourceRanges, a NetworkPolicy",
		}
		p.Report(f)
		return
	}
}

func typeOf(svc *corev1.Service) string {
	if svc.Spec.Type == "" {
		return string(corev1.ServiceTypeClusterIP)
	}
	return string(svc.Spec.Type)
}

// behind tells of the pods of a Service whether they declare port 22, and whether SSH is what they are for.
func behind(p *rule.Pass, svc *corev1.Service) (declared, meant bool) {
	for _, found := range p.SelectedTemplates(svc.Namespace, labels.SelectorFromSet(svc.Spec.Selector)) {
		for _, c := range found.Template.Containers() {
			declared = declared || sshIn(c) >= 0
			meant = meant || servesSSH(c)
		}
	}
	return declared, meant
}
