package probes

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ProbeHost finds containers whose probe fails since it asks another host than the pod: the kubelet connects to what
// host names from its node, where localhost is the node.
var ProbeHost = rule.Cause{
	ID: "probe-host", Title: "its probe asks a host that is not the pod", Doc: rule.ReadDoc(docs, "probe_host.md"),
	Stage: rule.StageProbeKill, On: rule.Pods,
	Beats: append([]string{
		"liveness-slow-start", "startup-probe-failed", "liveness-deadlock", "liveness-wrong-port", "liveness-wrong-path", "liveness-timeout",
		"probe-fails-from-start", "readiness-failing", "app-binds-localhost", "cpu-starved-start",
	}, beaten...),
	Run: func(p *rule.Pass) {
		if p.Object.Pod().Spec.HostNetwork { // there localhost is the pod's own
			return
		}
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if host, handler := a.host(); host != "" && host != p.Object.Pod().Status.PodIP && a.fails(c) {
					reportHost(p, c, a, host, handler)
				}
			}
		}
	},
}

// host is what the probe names to be connected to instead of the pod, and below which handler; "" for nothing.
func (a *asked) host() (host, handler string) {
	switch h := a.probe.ProbeHandler; {
	case h.HTTPGet != nil:
		return h.HTTPGet.Host, "httpGet"
	case h.TCPSocket != nil:
		return h.TCPSocket.Host, "tcpSocket"
	}
	return "", ""
}

// fails tells whether the probe is known to fail: it has ended the last life, or holds the container back and
// has met something bad in this one.
func (a *asked) fails(c snapshot.Container) bool {
	if a.kill != nil {
		return !a.kill.unsure && (a.kind == "Startup" || a.kill.unproven(c))
	}
	return a.event != nil && a.holdsBack(c)
}

func reportHost(p *rule.Pass, c snapshot.Container, a asked, host, handler string) {
	setting := p.ContainerSetting(c).Child(a.field, handler, "host")
	_, port := knowledge.ProbePort(a.probe)
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: host,
		Message:   fmt.Sprintf("%s asks %s, which is not the pod but what the node reaches by that name: %s", strings.ToLower(a.kind), rule.Quote(host+":"+port.String()), a.outcome(p, c)),
		Label:     "the kubelet connects to this from its node; without it, to the pod",
		Evidence:  a.evidence(p, c),
		Certainty: rule.Likely,
		History:   a.past(),
		Stage:     a.stage(c),
		Fix: &rule.Fix{
			Title:         "leave host out: the kubelet then asks the pod's own address",
			Caution:       "the program must listen on all addresses for that, not only on 127.0.0.1",
			Applicability: rule.NeedsThought,
		},
	}
	if knowledge.Loopback(host) {
		f.Certainty = a.certain()
		f.Message = fmt.Sprintf("%s asks %s, which is the node itself and not the pod: %s", strings.ToLower(a.kind), rule.Quote(host+":"+port.String()), a.outcome(p, c))
		f.Label = "the kubelet connects to this from its node, where it is the node itself"
		f.RuledOut = []string{"a container that shares the node's network: hostNetwork is not set"}
	}
	if handler == "httpGet" {
		f.Fix.Caution += "; a server that goes by the name needs it as the header Host, in httpHeaders"
	}
	f.Fix.Patch = &rule.Patch{Type: "json", Body: []rule.Op{
		{Op: "test", Path: setting.Pointer(), Value: host},
		{Op: "remove", Path: setting.Pointer()},
	}}
	f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
	p.Report(f)
}
