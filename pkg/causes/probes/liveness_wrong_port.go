package probes

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LivenessWrongPort finds containers that are killed because liveness or startup asks a port where
// nobody listens, while the program listens on another.
var LivenessWrongPort = rule.Cause{
	ID: "liveness-wrong-port", Title: "a probe kills it over a port where nobody listens", Doc: rule.ReadDoc(docs, "liveness_wrong_port.md"),
	Stage: rule.StageProbeKill, Beats: append([]string{"liveness-slow-start", "startup-probe-failed", "liveness-deadlock"}, beaten...), On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if _, ok := a.refused(c); ok {
					wants = append(wants, p.DeathLog(c), snapshot.WantList(snapshot.ServiceKind, p.Object.Namespace, ""))
				}
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if port, ok := a.refused(c); ok {
					if w := elsewhere(p, c, a, port); w != nil {
						reportWrongPort(p, c, a, port, w)
					}
				}
			}
		}
	},
}

// nobody is what the kubelet says of a port where nobody listens. A gRPC client tries again until its time
// is over, and does not say why.
var nobody = knowledge.Regexp(`connection refused|failed to connect service`)

// refused is the port that a probe asked in vain for all of the life that it ended.
func (a *asked) refused(c snapshot.Container) (port int32, ok bool) {
	if a.kill == nil || a.kind == "Readiness" || !a.never(c) || !nobody.MatchString(a.says()) {
		return 0, false
	}
	_, named := knowledge.ProbePort(a.probe)
	number, _, ok := resolve(c, named)
	return number, ok
}

// where is what speaks for the program listening on another port than the probe asks.
type where struct {
	sure     bool // more than declarations, which open no port
	heard    bool // its log says so
	message  string
	label    string
	evidence []rule.Evidence
	port     *intstr.IntOrString // the one to ask, where the objects name it
	by       string              // whose word that is
}

// elsewhere finds out whether the program listens on another port than the probe asks; nil where
// nothing speaks for it, or where its log says that it listens on that very port.
func elsewhere(p *rule.Pass, c snapshot.Container, a asked, port int32) *where {
	w := &where{}
	var heard []int
	for _, l := range tail(slices.Concat(p.LogLines(c), p.CurrentLogLines(c))) {
		host, n, ok := knowledge.Listens(l)
		if !ok || host != "" && host != "0.0.0.0" && host != "::" && host != p.Object.Pod().Status.PodIP && !knowledge.Loopback(host) {
			continue
		}
		if int32(n) == port {
			return nil // on 127.0.0.1, or after the kill: no wrong port
		}
		if !slices.Contains(heard, n) {
			heard = append(heard, n)
			w.evidence = append(w.evidence, p.LogEvidence(c, l))
		}
	}
	if len(heard) > 0 {
		w.sure, w.heard = true, true
		w.message = fmt.Sprintf("its log says that it listens on %s", numbers(heard))
		w.label = fmt.Sprintf("connection refused; by its log it listens on %s", numbers(heard))
		w.evidence = w.evidence[:1]
	}
	passed := false
	for _, other := range passing(c, &a) {
		_, named := knowledge.ProbePort(other.probe)
		n, _, ok := resolve(c, named)
		if !ok || n == port {
			continue
		}
		passed = true
		w.port, w.by = &named, fmt.Sprintf("with which its %s passes", other.name())
		w.evidence = append(w.evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: fmt.Sprintf("its %s passes: it asks %s", other.name(), asks(other.probe))})
		if w.message == "" {
			w.message = fmt.Sprintf("its %s passes on port %s", other.name(), named.String())
			w.label = "connection refused; " + w.message
		}
		break
	}
	w.sure = w.sure || passed
	declared(p, c, port, w, heard)
	if w.message == "" || !w.sure && stillStarting(p, c) != nil {
		return nil
	}
	return w
}

// declared adds what declarations say: the container's ports, and the Services that lead to it. They are
// hints; a port that nobody declares works as well.
func declared(p *rule.Pass, c snapshot.Container, port int32, w *where, heard []int) {
	var others []corev1.ContainerPort
	for _, cp := range tcpPorts(c) {
		if cp.ContainerPort == port {
			return
		}
		if len(heard) == 0 || slices.Contains(heard, int(cp.ContainerPort)) {
			others = append(others, cp)
		}
	}
	targets := serviceTargets(p, c)
	if len(others) == 1 {
		to := intstr.FromInt32(others[0].ContainerPort)
		if w.port == nil {
			w.port, w.by = &to, "the one that the container declares"
		}
		w.evidence = append(w.evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: "ports", Text: fmt.Sprintf("the container declares port %d, and not %d", to.IntVal, port)})
		if w.message == "" {
			w.message = fmt.Sprintf("the container declares port %d", to.IntVal)
			w.label = "connection refused; " + w.message
		}
	}
	for _, t := range targets {
		service, number := t.service, t.port
		if number == port || len(heard) > 0 && !slices.Contains(heard, int(number)) {
			continue
		}
		to := intstr.FromInt32(number)
		if w.port == nil && len(targets) == 1 {
			w.port, w.by = &to, "the one to which service/"+service+" leads"
		}
		if w.message == "" {
			w.message = fmt.Sprintf("service/%s leads to port %d", service, number)
			w.label = "connection refused; " + w.message
		}
		w.evidence = append(w.evidence, rule.Evidence{Source: rule.FromSpec, Object: snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: p.Object.Namespace, Name: service}, Field: "spec.ports", Text: fmt.Sprintf("service/%s leads to port %d", service, number)})
		break
	}
}

// target is a Service, and the port of a container to which it leads.
type target struct {
	service string
	port    int32
}

// serviceTargets are the ports of the container to which the Services of its pod lead, where each leads
// to one.
func serviceTargets(p *rule.Pass, c snapshot.Container) []target {
	var targets []target
	for _, o := range p.ServicesOf(p.Object, p.Object.Templates[0]) {
		svc, ok := o.Typed.(*corev1.Service)
		if !ok || len(svc.Spec.Ports) != 1 {
			continue
		}
		sp := svc.Spec.Ports[0]
		to := sp.TargetPort
		if to.Type == intstr.Int && to.IntVal == 0 {
			to = intstr.FromInt32(sp.Port)
		}
		if n, _, ok := resolve(c, to); ok {
			targets = append(targets, target{o.Name, n})
		}
	}
	return targets
}

func numbers(list []int) string {
	var words []string
	for _, n := range list {
		words = append(words, fmt.Sprint(n))
	}
	return strings.Join(words, " and ")
}

func reportWrongPort(p *rule.Pass, c snapshot.Container, a asked, port int32, w *where) {
	container := p.ContainerSetting(c)
	handler, named := knowledge.ProbePort(a.probe)
	setting := container.Child(a.field, handler, "port")
	var seen any = named
	if _, i, _ := resolve(c, named); i >= 0 && w.port == nil { // the name is right, and the number behind it is not
		setting, seen = container.Child("ports").Index(i).Child("containerPort"), port
	}
	what := fmt.Sprintf("port %d", port)
	if named.Type == intstr.String && named.StrVal != fmt.Sprint(port) {
		what = fmt.Sprintf("port %s (%d)", named.StrVal, port)
	}
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: fmt.Sprint(port),
		Message:   fmt.Sprintf("%s asks %s, where nobody listens: %s; %s", strings.ToLower(a.kind), what, a.outcome(p, c), w.message),
		Label:     w.label,
		Evidence:  a.evidence(p, c, w.evidence...),
		Certainty: rule.Likely,
		History:   a.past(),
		Stage:     a.stage(c),
	}
	if setting.Path.String() != container.Child(a.field, handler, "port").Path.String() {
		f.Marks = []rule.Mark{{Field: container.Child(a.field, handler, "port").Path, Label: "asks the port of that name"}}
	}
	switch {
	case w.heard:
		f.RuledOut = append(f.RuledOut, "a slow start, and listening on 127.0.0.1 only: it listens, and by its log not on that port")
	case w.sure:
		f.RuledOut = append(f.RuledOut, "a slow start: it answers on another port already")
	default:
		f.Certainty = rule.Possible
		f.Message += "; or does it take longer to start? its log would tell where it listens"
	}
	f.Fix = &rule.Fix{
		Title:         "have the probe ask the port on which the program listens",
		Applicability: rule.Placeholders,
		Caution:       "or have the program listen there; on all addresses, not on 127.0.0.1 only",
	}
	var to any = "<PORT>"
	if w.port != nil {
		to = rule.Plain(*w.port)
		f.Fix.Title = fmt.Sprintf("have the probe ask port %s, %s", w.port.String(), w.by)
		f.Fix.Applicability = rule.NeedsThought
	}
	f.Fix.Patch = p.Change(setting, rule.Plain(seen), to)
	f.Fix.Command = p.ChangeCommand(setting.Object, f.Fix.Patch, "<PORT>")
	p.Report(f)
}
