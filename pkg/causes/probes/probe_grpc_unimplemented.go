package probes

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ProbeGRPCUnimplemented finds gRPC probes that the server cannot answer: it has no health service, or
// knows nothing of the service that the probe names.
var ProbeGRPCUnimplemented = rule.Cause{
	ID: "probe-grpc-unimplemented", Title: "a gRPC probe asks what the server does not know", Doc: rule.ReadDoc(docs, "probe_grpc_unimplemented.md"),
	Stage: rule.StageProbeKill, Beats: append([]string{"liveness-slow-start", "startup-probe-failed", "liveness-deadlock", "readiness-failing"}, beaten...), On: rule.Pods,
	Wants: wantsOfKilled,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if a.probe.GRPC == nil || a.kill == nil && !a.holdsBack(c) {
					continue
				}
				switch says := a.says(); {
				case noHealth.MatchString(says):
					reportGRPC(p, c, a, false)
				case noService.MatchString(says):
					reportGRPC(p, c, a, true)
				case a.kill != nil && strings.Contains(says, "failed to connect service"):
					if line := listensThere(p, c, a.probe.GRPC.Port); line != "" {
						reportNoGRPC(p, c, a, line)
					}
				}
			}
		}
	},
}

// What the kubelet says of a server without the health service, and of one that has it and does not know
// the service that was asked for. Sources: kubelet's gRPC probe; grpc.health.v1 answers NotFound.
var (
	noHealth  = knowledge.Regexp(`does not implement the grpc health protocol`)
	noService = knowledge.Regexp(`code = NotFound|SERVICE_UNKNOWN`)
)

func reportGRPC(p *rule.Pass, c snapshot.Container, a asked, service bool) {
	probe := p.ContainerSetting(c).Child(a.field)
	f := rule.Finding{
		Object: probe.Object, Seen: p.Object.In(c.Name), Field: probe.Child("grpc").Path,
		Value:     fmt.Sprintf("port %d", a.probe.GRPC.Port),
		Message:   fmt.Sprintf("%s asks port %d for gRPC's health service, which the server does not have: %s", strings.ToLower(a.kind), a.probe.GRPC.Port, a.outcome(p, c)),
		Label:     "the server speaks gRPC, and has no grpc.health.v1.Health",
		Evidence:  a.evidence(p, c, p.LastLogLines(c, 1)...),
		Certainty: a.certain(),
		History:   a.past(),
		Stage:     a.stage(c),
		RuledOut:  []string{"a wrong port, and a slow start: a gRPC server answers there"},
	}
	name := ""
	if a.probe.GRPC.Service != nil {
		name = *a.probe.GRPC.Service
	}
	if service && name != "" {
		setting := probe.Child("grpc", "service")
		f.Field, f.Value = setting.Path, name
		f.Message = fmt.Sprintf("%s asks gRPC's health service on port %d for %s, of which it knows nothing: %s", strings.ToLower(a.kind), a.probe.GRPC.Port, rule.Quote(name), a.outcome(p, c))
		f.Label = "the server knows no service of that name"
		patch := &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: setting.Pointer(), Value: name}, {Op: "remove", Path: setting.Pointer()}}}
		f.Fix = &rule.Fix{
			Title:         "ask for the server as a whole: leave the service out",
			Caution:       "or have the program set the status of that service, by exactly this name",
			Applicability: rule.NeedsThought,
			Patch:         patch,
			Command:       p.PatchCommand(probe.Object, patch),
		}
		p.Report(f)
		return
	}
	patch := &rule.Patch{Type: "json", Body: []rule.Op{
		{Op: "test", Path: probe.Child("grpc", "port").Pointer(), Value: a.probe.GRPC.Port},
		{Op: "remove", Path: probe.Child("grpc").Pointer()},
		{Op: "add", Path: probe.Child("tcpSocket").Pointer(), Value: map[string]any{"port": a.probe.GRPC.Port}},
	}}
	f.Fix = &rule.Fix{
		Title:         "register grpc.health.v1.Health in the program; until then ask for a connection only",
		Caution:       "a connection tells that something listens, and no more: a server that hangs takes it as well",
		Applicability: rule.NeedsThought,
		Patch:         patch,
		Command:       p.PatchCommand(probe.Object, patch),
	}
	if service {
		f.Message = fmt.Sprintf("%s asks gRPC's health service on port %d, which knows nothing of the server as a whole: %s", strings.ToLower(a.kind), a.probe.GRPC.Port, a.outcome(p, c))
		f.Label = "no status is set for the empty service name"
		f.Fix.Title = "name a service whose status the program sets, or have it set one for the empty name; until then ask for a connection only"
	}
	p.Report(f)
}

// listensThere is the line of the log in which the program says that it listens on a port, for others than
// itself; "" for none.
func listensThere(p *rule.Pass, c snapshot.Container, port int32) string {
	for _, l := range tail(p.LogLines(c)) {
		if host, n, ok := knowledge.Listens(l); ok && int32(n) == port && !knowledge.Loopback(host) { //nolint:gosec // a port is small
			return l
		}
	}
	return ""
}

// reportNoGRPC asks whether a server that listens speaks gRPC at all: the kubelet tries again and again to
// connect, and keeps to itself what it met.
func reportNoGRPC(p *rule.Pass, c snapshot.Container, a asked, line string) {
	probe := p.ContainerSetting(c).Child(a.field)
	port := a.probe.GRPC.Port
	patch := &rule.Patch{Type: "json", Body: []rule.Op{
		{Op: "test", Path: probe.Child("grpc", "port").Pointer(), Value: port},
		{Op: "remove", Path: probe.Child("grpc").Pointer()},
		{Op: "add", Path: probe.Child("tcpSocket").Pointer(), Value: map[string]any{"port": port}},
	}}
	p.Report(rule.Finding{
		Object: probe.Object, Seen: p.Object.In(c.Name), Field: probe.Child("grpc").Path, Value: fmt.Sprintf("port %d", port),
		Message:   fmt.Sprintf("%s asks port %d by gRPC and no connection comes about, and its log says that it listens there: does it speak HTTP or TLS? %s", strings.ToLower(a.kind), port, a.outcome(p, c)),
		Label:     "speaks gRPC without TLS",
		Evidence:  a.evidence(p, c, p.LogEvidence(c, line)),
		Certainty: rule.Possible,
		History:   a.past(),
		Stage:     a.stage(c),
		Fix: &rule.Fix{
			Title:         "ask in the way that the server speaks: httpGet where it is HTTP; until that is known, for a connection only",
			Caution:       "a connection tells that something listens, and no more: a server that hangs takes it as well",
			Applicability: rule.NeedsThought,
			Patch:         patch,
			Command:       p.PatchCommand(probe.Object, patch),
		},
	})
}
