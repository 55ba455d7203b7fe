package config

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

// sidecarYouth is how long a sidecar may take to start before that is worth a word.
const sidecarYouth = time.Minute

// SidecarNotStarted finds pods whose containers wait for a sidecar that runs and whose startup probe has
// not passed yet.
var SidecarNotStarted = rule.Cause{
	ID: "sidecar-not-started", Title: "the containers wait for a sidecar to start", Doc: rule.ReadDoc(docs, "sidecar_not_started.md"),
	Stage: rule.StageInit, On: rule.Pods,
	Run: func(p *rule.Pass) {
		if p.Object.Pod().DeletionTimestamp != nil {
			return
		}
		for _, c := range p.Object.PodContainers() {
			if !c.Beside || c.StartupProbe == nil || c.Status == nil || c.Status.State.Running == nil || c.Status.Started != nil && *c.Status.Started {
				continue
			}
			ran := p.Age(c.Status.State.Running.StartedAt.Time)
			waiting := notBegun(p, c)
			if ran < sidecarYouth || c.Status.RestartCount > 0 || len(waiting) == 0 {
				continue // once it is killed for that, the startup probe has a cause of its own
			}
			reportSidecar(p, c, ran, waiting)
		}
	},
}

// notBegun are the containers that come after a sidecar and have not been created.
func notBegun(p *rule.Pass, sidecar snapshot.Container) []string {
	var names []string
	after := false
	for _, c := range p.Object.PodContainers() {
		if after && c.Status != nil && c.Status.State.Waiting != nil && c.Status.State.Waiting.Reason == "PodInitializing" {
			names = append(names, c.Name)
		}
		after = after || c.Name == sidecar.Name
	}
	return names
}

func reportSidecar(p *rule.Pass, c snapshot.Container, ran time.Duration, waiting []string) {
	probe := p.ContainerSetting(c).Child("startupProbe")
	f := rule.Finding{
		Object: probe.Object, Seen: p.Object.In(c.Name), Field: probe.Path, Certainty: rule.Certain,
		Message: fmt.Sprintf("sidecar %s has run for %s and its startup probe has not passed: %s not started before it does", c.Name, rule.Human(ran), areWord(waiting)),
		Label:   "all later containers wait for this to pass",
		Evidence: []rule.Evidence{
			{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: fmt.Sprintf("running for %s, started: false", rule.Human(ran))},
			{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Text: "waiting, PodInitializing: " + strings.Join(waiting, ", ")},
		},
		RuledOut: []string{"a sidecar that ends: it runs, and has not been restarted"},
		Fix: &rule.Fix{
			Title:         "see why the sidecar does not answer its probe: its log, the port and the path of the probe",
			Caution:       "without the probe the others start as soon as the sidecar runs, ready or not",
			Applicability: rule.NeedsThought,
			Lines:         []string{p.Line("logs", p.Object.String(), "-c", c.Name, "--tail=50")},
		},
	}
	e := p.ContainerEvent(c.Name, "Unhealthy", "Startup probe failed")
	if e != nil {
		f.Evidence = append(f.Evidence, rule.EventEvidence(e))
	}
	if port, at, only := onlyPort(c); e != nil && strings.Contains(e.Message, "connection refused") && only != 0 && port.Type == intstr.Int && port.IntVal != only {
		setting := probe.Child(at, "port")
		f.Field, f.Value = setting.Path, port.String()
		f.Label = fmt.Sprintf("nothing listens here; the sidecar declares %d", only)
		patch := setting.ReplaceValue(port.IntVal, only)
		f.Fix.Title, f.Fix.Caution = fmt.Sprintf("probe port %d, the one that the sidecar declares", only), "a declared port is a note: that the sidecar listens there, only it knows"
		f.Fix.Patch, f.Fix.Command, f.Fix.Lines = patch, p.PatchCommand(setting.Object, patch), nil
	}
	p.Report(f)
}

func areWord(names []string) string {
	if len(names) == 1 {
		return "container " + names[0] + " is"
	}
	return "containers " + strings.Join(names, ", ") + " are"
}

// onlyPort is the port of a container's startup probe, the probe's kind, and the one TCP port that the
// container declares; 0 for several.
func onlyPort(c snapshot.Container) (port intstr.IntOrString, at string, only int32) {
	switch {
	case c.StartupProbe.HTTPGet != nil:
		port, at = c.StartupProbe.HTTPGet.Port, "httpGet"
	case c.StartupProbe.TCPSocket != nil:
		port, at = c.StartupProbe.TCPSocket.Port, "tcpSocket"
	default:
		return port, "", 0
	}
	for _, declared := range c.Ports {
		if declared.Protocol == corev1.ProtocolUDP || declared.Protocol == corev1.ProtocolSCTP {
			continue
		}
		if only != 0 {
			return port, at, 0
		}
		only = declared.ContainerPort
	}
	return port, at, only
}

const (
	// orderWindow is how long after a neighbour's start a refused connection is still a matter of who was
	// first.
	orderWindow = 15 * time.Second
	// orderLines is how far from the end of a log the refused connection may be.
	orderLines = 10
	// orderLetters is how much of one line is looked at.
	orderLetters = 2000
)

// ownPod is a refused connection to the program's own pod.
var ownPod = knowledge.Regexp(`(?:127\.0\.0\.1|localhost|\[::1\]):([0-9]{1,5})\b`)

// SidecarOldOrder finds containers that end because a neighbour in the pod, which they need, starts at the
// same time or after them.
var SidecarOldOrder = rule.Cause{
	ID: "sidecar-old-order", Title: "it needs a neighbour that starts no earlier than itself", Doc: rule.ReadDoc(docs, "sidecar_old_order.md"),
	Stage: rule.StageExit, Beats: []string{"dependency-refused", "app-exit", "app-panic"}, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		return p.DeathLogs(func(c snapshot.Container) bool {
			d, failed := p.Failed(c)
			return failed && !c.Init && !c.Beside && !d.Over && d.ExitCode != 0 && hasNeighbours(p, c)
		})
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			d, failed := p.Failed(c)
			if !failed || c.Init || c.Beside || d.ExitCode == 0 || d.Over || p.Object.Pod().DeletionTimestamp != nil {
				continue
			}
			if line, port := refusedAtHome(p, c, d); port != 0 {
				if n := neighbour(p, c, port); n != nil && tooEarly(n, d) {
					reportOrder(p, c, d, *n, port, line)
				}
			}
		}
	},
}

func hasNeighbours(p *rule.Pass, c snapshot.Container) bool {
	for _, other := range p.Object.PodContainers() {
		if other.Name != c.Name && !other.Init && !other.Beside && len(other.Ports) > 0 {
			return true
		}
	}
	return false
}

// refusedAtHome is the last line of a log that tells of a refused connection to the pod itself, and the
// port.
func refusedAtHome(p *rule.Pass, c snapshot.Container, d *rule.Death) (line string, port int) {
	text, _ := p.LastText(c, d)
	lines := rule.Lines(text)
	lines = lines[max(0, len(lines)-orderLines):]
	for i := len(lines) - 1; i >= 0; i-- {
		l := lines[i][:min(len(lines[i]), orderLetters)]
		if !strings.Contains(strings.ToLower(l), "refused") {
			continue
		}
		if m := ownPod.FindStringSubmatch(l); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				return l, n
			}
		}
		return "", 0
	}
	return "", 0
}

// neighbour is the plain container of the pod that declares the port.
func neighbour(p *rule.Pass, c snapshot.Container, port int) *snapshot.Container {
	for _, other := range p.Object.PodContainers() {
		if other.Name == c.Name || other.Init || other.Beside {
			continue
		}
		for _, declared := range other.Ports {
			if int(declared.ContainerPort) == port {
				return &other
			}
		}
	}
	return nil
}

// tooEarly tells whether the container ended before its neighbour was up, or shortly after: a neighbour
// that has been running for long and refuses does not listen, and order would not help.
func tooEarly(n *snapshot.Container, d *rule.Death) bool {
	if n.Status == nil || n.Status.State.Running == nil {
		return false
	}
	up := n.Status.State.Running.StartedAt.Time
	return n.Status.RestartCount == 0 && d.FinishedAt.Time.Before(up.Add(orderWindow))
}

func reportOrder(p *rule.Pass, c snapshot.Container, d *rule.Death, n snapshot.Container, port int, line string) {
	setting := p.ContainerSetting(n)
	up := n.Status.State.Running.StartedAt.Time
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Child("name").Path, Value: n.Name, Certainty: rule.Likely,
		Message: fmt.Sprintf("ends because port %d of its own pod refuses: container %s listens there, and containers of a pod start side by side, with no order", port, n.Name),
		Label:   "nothing waits for this one",
		Evidence: []rule.Evidence{
			p.DeathEvidence(c, d), p.WordsEvidence(c, d, line),
			{Source: rule.FromStatus, Object: p.Object.In(n.Name), Field: "status", Time: up, Text: fmt.Sprintf("container %s started, %s", n.Name, beforeOrAfter(up, d.FinishedAt.Time))},
		},
		RuledOut: []string{fmt.Sprintf("a neighbour that ends: %s runs and was never restarted", n.Name)},
		History:  c.Status.Ready && c.Status.State.Running != nil,
	}
	f.Fix = sidecarFix(p, n, setting, port)
	p.Report(f)
}

func beforeOrAfter(up, end time.Time) string {
	if up.After(end) {
		return rule.Seconds(up.Sub(end)) + " after that end"
	}
	return rule.Seconds(end.Sub(up)) + " before that end"
}

// sidecarFix makes a neighbour a sidecar: an init container that goes on running, and for which all others
// wait.
func sidecarFix(p *rule.Pass, n snapshot.Container, setting rule.Setting, port int) *rule.Fix {
	fix := &rule.Fix{
		Title:         fmt.Sprintf("make %s a sidecar: an init container with restartPolicy Always, whose startup probe the others wait for", n.Name),
		Caution:       "needs Kubernetes 1.29 or newer. The pod is made anew; a Job then ends although the sidecar runs",
		Applicability: rule.NeedsThought, Object: setting.Object,
	}
	spec := p.PodSpec()
	own := n.Container
	inits := 0
	for _, t := range p.TopOwner(p.Object).Templates {
		inits = len(t.Spec.InitContainers)
		for _, tc := range t.Containers() {
			if tc.Name == n.Name && !tc.Init && !tc.Beside {
				own = tc.Container
			}
		}
	}
	body, ok := rule.Plain(own).(map[string]any)
	if !ok {
		return fix
	}
	body["restartPolicy"] = string(corev1.ContainerRestartPolicyAlways)
	if body["startupProbe"] == nil {
		body["startupProbe"] = map[string]any{"tcpSocket": map[string]any{"port": port}}
	}
	ops := []rule.Op{{Op: "test", Path: setting.Child("name").Pointer(), Value: n.Name}, {Op: "remove", Path: setting.Pointer()}}
	if inits == 0 {
		ops = append(ops, rule.Op{Op: "add", Path: spec.Child("initContainers").Pointer(), Value: []any{body}})
	} else {
		ops = append(ops, rule.Op{Op: "add", Path: spec.Child("initContainers").Pointer() + "/0", Value: body})
	}
	fix.Patch = &rule.Patch{Type: "json", Body: ops}
	fix.Command = p.PatchCommand(setting.Object, fix.Patch)
	return fix
}
