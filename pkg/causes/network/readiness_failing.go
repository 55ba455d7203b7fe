package network

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ReadinessFailing finds containers that run and do not pass their readiness probe.
var ReadinessFailing = rule.Cause{
	ID: "readiness-failing", Title: "runs, and fails its readiness probe", Doc: rule.ReadDoc(docs, "readiness_failing.md"),
	Peers: map[string][]string{"popeye": {"POP-204"}},
	Stage: rule.StageNotReady, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, c := range p.Object.PodContainers() {
			if notReady(p, c) != nil {
				wants = append(wants, snapshot.WantLog(p.Object.Namespace, p.Object.Name, c.Name, false))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if u := notReady(p, c); u != nil {
				reportReadiness(p, c, u)
			}
		}
	},
}

// settling is how much longer than its probe's arithmetic a container may take before that it is not
// ready counts as a failure, and starting how long nothing may listen.
const (
	settling = 10 * time.Second
	starting = time.Minute
)

// The kubelet's words of what the probe met.
var (
	statusCode = knowledge.Regexp(`statuscode: (\d+)`)
	refused    = "connection refused"
	timedOut   = knowledge.Regexp(`context deadline exceeded|Client\.Timeout exceeded|command timed out|timeout: health rpc|i/o timeout`)
)

// unready is a container that runs and is not ready.
type unready struct {
	since time.Duration // that it has run
	event *corev1.Event // what the probe saw last, in this life; nil when events are gone
}

// notReady tells whether the container has run for longer than its readiness probe needs, without
// passing it. What dies is another cause's, and what has just started is given time.
func notReady(p *rule.Pass, c snapshot.Container) *unready {
	pod := p.Object.Pod()
	if c.ReadinessProbe == nil || c.Init || c.Status == nil || c.Status.Ready || c.Status.State.Running == nil || pod.DeletionTimestamp != nil {
		return nil
	}
	if c.Status.Started != nil && !*c.Status.Started {
		return nil // its startup probe has not passed yet, and holds readiness back
	}
	if d, failed := p.Failed(c); failed && !d.Over && d.Restarts > 0 {
		return nil
	}
	started := c.Status.State.Running.StartedAt.Time
	if started.IsZero() {
		return nil
	}
	u := &unready{since: p.Age(started)}
	if e := p.ContainerEvent(c.Name, "Unhealthy", "Readiness probe"); e != nil && !snapshot.EventTime(e).Before(started.Truncate(time.Second)) {
		u.event = e
	}
	if p.Age(p.AskedSince(c)) < patience(c, u.event) {
		return nil
	}
	return u
}

// patience is how long a container may run before that it is not ready counts as a failure.
func patience(c snapshot.Container, e *corev1.Event) time.Duration {
	t := knowledge.TimingOf(c.ReadinessProbe)
	wait := t.InitialDelay + time.Duration(t.Failures)*t.Period + settling
	if e == nil || strings.Contains(e.Message, refused) {
		return max(wait, starting)
	}
	return wait
}

func reportReadiness(p *rule.Pass, c snapshot.Container, u *unready) {
	container := p.ContainerSetting(c)
	probe := container.Child("readinessProbe")
	f := rule.Finding{
		Object: probe.Object, Seen: p.Object.In(c.Name), Field: probe.Path, Certainty: rule.Likely,
		Value:   asks(c.ReadinessProbe),
		Message: fmt.Sprintf("runs for %s and is not ready: it does not pass its readiness probe (%s)", rule.Human(u.since), asks(c.ReadinessProbe)),
		Label:   "until this passes no Service sends it traffic, and a rollout waits",
		Evidence: []rule.Evidence{{
			Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status.ready",
			Text: fmt.Sprintf("running for %s, ready: false, %s", rule.Human(u.since), rule.Count(int(c.Status.RestartCount), "restart")),
		}},
		Fix: &rule.Fix{Title: "find out why it does not answer the probe: its log, and what it waits for", Applicability: rule.NeedsThought},
	}
	if c.Status.RestartCount == 0 {
		f.RuledOut = append(f.RuledOut, "a crash: it has never restarted")
	}
	if left := p.PassesLeft(c); left > 0 {
		reportPasses(p, c, probe, u, left, &f)
		p.Report(f)
		return
	}
	if u.event != nil {
		f.Certainty = rule.Certain
		f.Evidence = append([]rule.Evidence{rule.EventEvidence(u.event)}, f.Evidence...)
		seen(p, c, probe, u, &f)
	}
	if lines := p.CurrentLogLines(c); len(lines) > 0 {
		f.Evidence = append(f.Evidence, p.LogEvidence(c, lines[len(lines)-1]))
	}
	p.Report(f)
}

// reportPasses words a probe that passes, and has not done so often enough in a row yet.
func reportPasses(p *rule.Pass, c snapshot.Container, probe rule.Setting, u *unready, left time.Duration, f *rule.Finding) {
	t, n := knowledge.TimingOf(c.ReadinessProbe), c.ReadinessProbe.SuccessThreshold
	setting := probe.Child("successThreshold")
	f.Field, f.Value = setting.Path, fmt.Sprint(n)
	f.Message = fmt.Sprintf("runs for %s and is not ready yet: its readiness probe is to pass %d times in a row, %s apart; %s more", rule.Human(u.since), n, rule.Seconds(t.Period), rule.Human(left))
	f.Label = fmt.Sprintf("%d x %s = %s until it is ready, and again after each time that it was not", n, rule.Seconds(t.Period), rule.Human(time.Duration(n)*t.Period))
	f.RuledOut = append(f.RuledOut, "a probe that fails: the kubelet says nothing of that in this time")
	f.Fix = &rule.Fix{
		Title:         "wait, or have it pass once: that is the default",
		Caution:       "a higher number is for a program that flickers; every rollout waits for it in each pod",
		Applicability: rule.NeedsThought,
		Patch:         setting.ReplaceValue(n, 1),
	}
	f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
	if !p.EventsCover(p.Now.Add(-u.since)) {
		f.Certainty, f.RuledOut = rule.Possible, nil
		f.Message += ", if it passes: its events, which would tell, are not known"
	}
}

// asks words what a probe does: "GET /readyz on port 8080".
func asks(probe *corev1.Probe) string {
	h := probe.ProbeHandler
	switch {
	case h.HTTPGet != nil:
		path := h.HTTPGet.Path
		if path == "" {
			path = "/"
		}
		return fmt.Sprintf("GET %s on port %s", path, h.HTTPGet.Port.String())
	case h.TCPSocket != nil:
		return "a connection to port " + h.TCPSocket.Port.String()
	case h.GRPC != nil:
		return fmt.Sprintf("a gRPC health check on port %d", h.GRPC.Port)
	case h.Exec != nil && len(h.Exec.Command) > 0:
		return "the command " + h.Exec.Command[0]
	}
	return "its command"
}

// seen words what the probe met, and points to the field that decides it.
func seen(p *rule.Pass, c snapshot.Container, probe rule.Setting, u *unready, f *rule.Finding) {
	h, message := c.ReadinessProbe.ProbeHandler, u.event.Message
	answer := statusCode.FindStringSubmatch(message)
	switch {
	case answer != nil && h.HTTPGet != nil:
		code, _ := strconv.Atoi(answer[1])
		f.Message = fmt.Sprintf("runs for %s and is not ready: %s answers %d", rule.Human(u.since), asks(c.ReadinessProbe), code)
		f.RuledOut = append(f.RuledOut, "a wrong port: something answers there")
		if code >= 500 {
			f.Fix.Title = fmt.Sprintf("make it answer 2xx: it listens, and says itself with %d that it is not ready", code)
			f.Fix.Caution = "look at its log, and at what it waits for (a database, a migration); the probe only passes on what it says"
			return
		}
		if code == 400 { // which part of the request it does not like, it does not say
			f.Field = probe.Child("httpGet").Path
			f.Label = "the server does not understand the request: only 200 to 399 counts as ready"
			f.Fix = &rule.Fix{
				Title:         "ask in the way that the server expects: a Host header in httpHeaders, scheme HTTPS, or another path",
				Caution:       "some frameworks refuse the pod's address as a host name: give httpHeaders a name that they accept",
				Applicability: rule.NeedsThought,
				YAML:          rule.Nest("[{name: Host, value: <HOST_NAME>}]", "readinessProbe", "httpGet", "httpHeaders"),
			}
			return
		}
		f.Field = probe.Child("httpGet", "path").Path
		f.Value = h.HTTPGet.Path
		f.Label = fmt.Sprintf("answers %d, and only 200 to 399 counts as ready", code)
		f.Fix.Title = fmt.Sprintf("ask a path that answers 2xx without logging in; %d says that this one does not", code)
	case strings.Contains(message, refused):
		reportRefused(p, c, probe, u, f)
	case timedOut.MatchString(message):
		t := knowledge.TimingOf(c.ReadinessProbe)
		f.Field = probe.Child("timeoutSeconds").Path
		f.Value = fmt.Sprint(int(t.Timeout.Seconds()))
		f.Message = fmt.Sprintf("runs for %s and is not ready: %s gets no answer within %s", rule.Human(u.since), asks(c.ReadinessProbe), rule.Seconds(t.Timeout))
		f.Label = "an answer that takes longer counts as none"
		f.Fix.Title = "find out why the answer takes so long; if it always does, allow more time"
		f.Fix.Caution = "too little CPU makes every answer slow: look at its CPU limit as well"
	case h.Exec != nil && len(h.Exec.Command) > 0:
		seenCommand(p, c, probe, u, f)
	}
}

// seenCommand words a command that ran in the container and failed.
func seenCommand(p *rule.Pass, c snapshot.Container, probe rule.Setting, u *unready, f *rule.Finding) {
	command := c.ReadinessProbe.Exec.Command
	_, output, ran := strings.Cut(u.event.Message, "probe failed: ")
	if !ran {
		return
	}
	f.Message = fmt.Sprintf("runs for %s and is not ready: the command of its readiness probe fails", rule.Human(u.since))
	if lines := strings.Split(strings.TrimSpace(output), "\n"); lines[len(lines)-1] != "" {
		f.Message += ": " + rule.Quote(lines[len(lines)-1])
	}
	f.Label = "runs in the container, and counts as passed where it exits with 0"
	f.Fix.Title = "run the command in the container, and see why it fails"
	if shown := strings.Join(command, " "); knowledge.Mask(shown) == shown { // what is drawn must hold no password
		f.Field, f.Value = probe.Child("exec", "command").Path, command[0]
		f.Fix.Lines = []string{p.Line(append([]string{"exec", p.Object.Name, "-c", c.Name, "--"}, command...)...)}
	}
}

// reportRefused words a port at which nothing listens. That no container declares the port is only
// a hint: an undeclared one works as well.
func reportRefused(p *rule.Pass, c snapshot.Container, probe rule.Setting, u *unready, f *rule.Finding) {
	handler, port := knowledge.ProbePort(c.ReadinessProbe)
	if handler == "" {
		return
	}
	f.Field = probe.Child(handler, "port").Path
	f.Value = port.String()
	f.Message = fmt.Sprintf("runs for %s and is not ready: nothing listens on port %s, which the readiness probe asks", rule.Human(u.since), port.String())
	f.Label = "connection refused"
	f.Fix.Title = fmt.Sprintf("probe the port on which it listens, or make it listen on %s", port.String())
	f.Fix.Caution = "it must listen on all addresses, not only on 127.0.0.1"
	var others []string
	var only corev1.ContainerPort
	for _, cp := range c.Ports {
		if cp.Protocol == corev1.ProtocolUDP || cp.Protocol == corev1.ProtocolSCTP {
			continue
		}
		if cp.ContainerPort == port.IntVal || port.Type == intstr.String && cp.Name == port.StrVal {
			return
		}
		others = append(others, fmt.Sprint(cp.ContainerPort))
		only = cp
	}
	switch len(others) {
	case 0:
	case 1:
		f.Label = fmt.Sprintf("connection refused; the container declares port %s", others[0])
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: "ports", Text: fmt.Sprintf("the container declares port %s, and not %s", others[0], port.String())})
		patch := (rule.Setting{Object: f.Object, Path: f.Field}).ReplaceValue(port, only.ContainerPort)
		f.Fix.Title = fmt.Sprintf("probe port %s, the one that the container declares", others[0])
		f.Fix.Caution = "that it declares the port is only a hint; its log may say where it listens"
		f.Fix.Patch, f.Fix.Command = patch, p.PatchCommand(f.Object, patch)
	default:
		f.Label = fmt.Sprintf("connection refused; the container declares ports %s", strings.Join(others, ", "))
	}
}
