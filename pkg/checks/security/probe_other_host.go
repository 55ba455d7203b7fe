package security

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ProbeOtherHost finds probes and hooks that ask another machine than their pod.
var ProbeOtherHost = rule.Check{
	ID: "probe-other-host", Title: "probe asks another host than its pod", Doc: rule.ReadDoc(docs, "probe_other_host.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Workloads, Applies: ofUser,
	Run: standard(probeOtherHost, "", "hostProbesAndHostLifecycle"),
}

// hosts hands over each host that a probe or hook of a container names.
func hosts(c snapshot.Container, say func(what string, path *field.Path, host string)) {
	handler := func(name string, at *field.Path, get *corev1.HTTPGetAction, tcp *corev1.TCPSocketAction) {
		if get != nil && get.Host != "" {
			say(name, at.Child("httpGet", "host"), get.Host)
		}
		if tcp != nil && tcp.Host != "" {
			say(name, at.Child("tcpSocket", "host"), tcp.Host)
		}
	}
	for _, probe := range []struct {
		name string
		*corev1.Probe
	}{{"startupProbe", c.StartupProbe}, {"readinessProbe", c.ReadinessProbe}, {"livenessProbe", c.LivenessProbe}} {
		if probe.Probe != nil {
			handler(probe.name, c.Path.Child(probe.name), probe.HTTPGet, probe.TCPSocket)
		}
	}
	if c.Lifecycle == nil {
		return
	}
	for _, hook := range []struct {
		name string
		*corev1.LifecycleHandler
	}{{"postStart", c.Lifecycle.PostStart}, {"preStop", c.Lifecycle.PreStop}} {
		if hook.LifecycleHandler != nil {
			handler(hook.name, c.Path.Child("lifecycle", hook.name), hook.HTTPGet, hook.TCPSocket)
		}
	}
}

// loopback tells the names by which a machine calls itself.
func loopback(host string) bool {
	switch host {
	case "localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0":
		return true
	}
	return false
}

// ofLink tells an address that leads no further than the machines beside the node, where an agent of the node's network
// listens on one that is the node's own, as NodeLocal DNSCache does; that of the cloud's metadata is none of those.
func ofLink(host string) bool {
	at, err := netip.ParseAddr(host)
	return err == nil && at.IsLinkLocalUnicast() && host != "169.254.169.254"
}

func probeOtherHost(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var found []rule.Finding
	for _, c := range containers(t) {
		var f *rule.Finding
		var patch *rule.Patch
		hosts(c, func(what string, path *field.Path, host string) {
			severity := rule.Medium
			message := fmt.Sprintf("%s of %s asks %s, whatever becomes of its own pod", what, named(one(c)), host)
			switch {
			case t.Spec.HostNetwork && (loopback(host) || ofLink(host)):
				severity = rule.Info
				message = fmt.Sprintf("%s of %s asks %s, which with hostNetwork is its own pod; the baseline standard allows no host", what, named(one(c)), host)
			case loopback(host):
				message = fmt.Sprintf("%s of %s asks %s: the kubelet asks, so that is the node and not the pod", what, named(one(c)), host)
			}
			if f == nil {
				first := inContainer(p, c, path)
				f, patch = &first, p.Drop(path)
				f.Severity, f.Value, f.Message = severity, host, message
				return
			}
			patch = patch.And(p.Drop(path))
			mark := path
			if severity.Rank() < f.Severity.Rank() {
				mark = f.Field
				f.Field, f.Severity, f.Value, f.Message = path, severity, host, message
			}
			f.Marks = append(f.Marks, rule.Mark{Field: mark})
		})
		if f == nil {
			continue
		}
		caution := "a program that listens on another address than its pod's is not found any more"
		if f.Severity == rule.Info {
			caution = "the probe then asks the node's address: a program that listens on 127.0.0.1 only does not answer there"
		}
		if broken(p, c.Name, func(s *corev1.ContainerStatus) bool { return !s.Ready || s.RestartCount > 0 }) {
			f.Severity = toldElsewhere
		}
		found = append(found, withFix(*f, c, harden(p, "take host out: the probe then asks its own pod", caution, patch, "")))
	}
	return found
}
