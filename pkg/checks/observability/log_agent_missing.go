package observability

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LogAgentMissing finds nodes from which nobody collects the logs of pods.
var LogAgentMissing = rule.Check{
	ID: "log-agent-missing", Title: "nobody collects the logs of a node", Doc: rule.ReadDoc(docs, "log_agent_missing.md"),
	Dimension: rule.Observability, Severity: rule.Low, Off: true, On: rule.Kinds(snapshot.NodeKind),
	Needs:   []schema.GroupKind{snapshot.PodKind, snapshot.DaemonSetKind},
	Applies: func(p *rule.Pass) bool { return (!p.Files || p.Closed) && hosts(p) },
	Run: func(p *rule.Pass) {
		var elsewhere, maybe *program
		for _, g := range programs(p) {
			how := readsLogs(g)
			if how == no {
				continue
			}
			here := g.nodes[p.Object.Name]
			switch {
			case here && how == yes:
				return
			case here:
				maybe = g
			case how == yes && elsewhere == nil:
				elsewhere = g
			}
		}
		if maybe != nil {
			p.Unknown("%s of %s may collect logs: its configuration is not read", maybe.container, maybe.of)
			return
		}
		f := rule.Finding{NoField: nowhere, Message: "no ready pod of a log agent runs on it: what its pods print is gone with them"}
		fix := rule.Fix{Title: "run a log agent as a DaemonSet that tolerates all taints", Applicability: rule.NeedsThought, Caution: "logs may hold what not everybody may read, and keeping them costs"}
		if node, _ := p.Object.Typed.(*corev1.Node); node != nil && node.Labels[corev1.LabelOSStable] == "windows" {
			f.Message = "no ready pod of a log agent runs on it, a Windows node: what its pods print is gone with them"
			fix.Title = "run a log agent that is built for Windows as a DaemonSet of its own"
		} else if elsewhere != nil {
			f.Message = fmt.Sprintf("%s runs on %s, and has no ready pod on it: what its pods print is gone with them", elsewhere.of, rule.Count(len(elsewhere.nodes), "node"))
			fix = rule.Fix{Title: fmt.Sprintf("see why %s has no ready pod there", elsewhere.of), Applicability: rule.NeedsThought, Caution: "a nodeSelector, a taint that is not tolerated, or a pod that does not start"}
			if !p.Files && elsewhere.of.Pod() == nil {
				fix.Lines = []string{p.Explain(elsewhere.of.Ref)}
			}
		}
		p.Report(f).WithFix(fix)
	},
}

// nowhere is why a finding on what a cluster lacks marks no field.
const nowhere = "what is missing stands nowhere"

// young is how long a node may take until the pods of its DaemonSets are ready.
const young = 10 * time.Minute

// hosts tells whether a node is one on which pods of DaemonSets are to be ready: not one that is taken out of service, that is
// not ready itself or has just joined, nor one that is no machine. Source: the labels and taints of virtual-kubelet and of EKS.
func hosts(p *rule.Pass) bool {
	node, ok := p.Object.Typed.(*corev1.Node)
	if !ok || node.Spec.Unschedulable || !node.CreationTimestamp.IsZero() && p.Age(node.CreationTimestamp.Time) < young {
		return false
	}
	if node.Labels["type"] == "virtual-kubelet" || node.Labels["eks.amazonaws.com/compute-type"] == "fargate" {
		return false
	}
	for _, t := range node.Spec.Taints {
		if strings.HasPrefix(t.Key, "virtual-kubelet.io/") {
			return false
		}
	}
	ready := rule.NodeReady(p.Object)
	return ready == corev1.ConditionTrue || ready == ""
}

// answer is whether something is so, as far as that can be seen.
type answer int

const (
	no answer = iota
	perhaps
	yes
)

// logAgents are what collects logs and does nothing else. Source: the images of each project, and the DaemonSets of GKE, AKS,
// Alibaba and IBM.
var logAgents = []string{"fluent-bit", "fluentbit", "fluentd", "promtail", "filebeat", "journalbeat", "logdna-agent", "mezmo-agent", "ama-logs", "ilogtail", "loongcollector", "logtail", "loggie", "syslog-ng", "axosyslog"}

// fullAgents collect logs too where they are told to, and have the files of the node then.
var fullAgents = map[string]bool{
	"elastic-agent": true, "cloudwatch-agent": true, "datadog-agent": true, "oneagent": true, "dynatrace-oneagent": true, "dynatrace-logmodule": true, "logstash": true, "cribl": true, "cribl-edge": true,
}

// readsLogs tells whether a program collects the logs of the pods of its node. A container beside others sees those of its own pod.
func readsLogs(g *program) answer {
	if !g.daemon {
		return no
	}
	only := func(name string) bool {
		for _, a := range logAgents {
			if strings.Contains(name, a) {
				return true
			}
		}
		return name == "vector" || strings.HasPrefix(name, "vector-rhel") || strings.HasPrefix(name, "logging-vector")
	}
	full := func(name string) bool { return fullAgents[name] || collector(name) }
	switch {
	case g.called(only):
		return yes
	case !g.called(full) || g.disabled("DD_LOGS_ENABLED"):
		return no
	case g.seesLogs():
		return yes
	case g.called(alloy): // it can ask the API for them
		return perhaps
	}
	return no
}

// template is that of the pods of a program.
func (g *program) template() *snapshot.Template {
	if len(g.of.Templates) == 0 {
		return nil
	}
	return &g.of.Templates[0]
}

// disabled tells whether a variable of a program says no.
func (g *program) disabled(variable string) bool {
	t := g.template()
	if t == nil {
		return false
	}
	for _, c := range t.Containers() {
		for i := range c.Env {
			if e := &c.Env[i]; e.Name == variable && c.Name == g.container && e.ValueFrom == nil && strings.EqualFold(e.Value, "false") {
				return true
			}
		}
	}
	return false
}

// seesLogs tells whether a program has the files of the node in which runtimes keep what containers print.
func (g *program) seesLogs() bool {
	t := g.template()
	if t == nil {
		return false
	}
	for i := range t.Spec.Volumes {
		host := t.Spec.Volumes[i].HostPath
		if host == nil {
			continue
		}
		path := strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(host.Path, `\`, "/")), "c:")
		path = "/" + strings.Trim(path, "/")
		for _, logs := range []string{"/var/log/pods", "/var/log/containers", "/var/lib/docker/containers"} {
			if path == "/" || path == logs || strings.HasPrefix(logs, path+"/") || strings.HasPrefix(path, logs+"/") {
				return true
			}
		}
	}
	return false
}
