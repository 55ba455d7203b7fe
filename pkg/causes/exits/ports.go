package exits

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PrivilegedPort finds programs that end because they may not listen on a port below 1024.
var PrivilegedPort = logCause("privileged-port", "may not listen on a port below 1024", "privileged_port.md", nil, reportPrivileged)

// PortInUse finds programs that end because somebody else listens on their port.
var PortInUse = logCause("port-in-use", "the port that it listens on is taken", "port_in_use.md", nil, reportInUse)

// firstFreePort is the lowest port that everybody may listen on unless a sysctl says otherwise.
// Source: ip(7), net.ipv4.ip_unprivileged_port_start.
const firstFreePort = 1024

var (
	bindDenied = knowledge.Regexp(`(?i)permission denied|EACCES|\(13\b`)
	bindTaken  = knowledge.Regexp(`(?i)address (?:already )?in use|EADDRINUSE|port \d+ (?:was|is) already (?:in use|allocated)`)
	bindWords  = knowledge.Regexp(`(?i)\bbind\b|\bbind\(\)|bind to|\blisten|make_sock|could not bind|BindException|EADDRINUSE|in use`)
	portWord   = knowledge.Regexp(`(?i)(?:[0-9a-f.:\]*]|^|\s):(\d{1,5})\b|\bport[ =:]+(\d{1,5})\b|'[^']*', (\d{1,5})\)|\b(?:\d{1,3}\.){3}\d{1,3}:(\d{1,5})\b`)
)

var bindReading = reading{
	words: bindWords,
	read: func(lines []string, at int, _ int32) *reason {
		line := lines[at]
		r := &reason{port: portOf(line)}
		switch {
		case bindTaken.MatchString(line):
			r.cause = "port-in-use"
			if socket := socketOf(line); socket != "" {
				r.what, r.port = socket, ""
			}
		case bindDenied.MatchString(line):
			r.cause = "privileged-port"
			if n, err := strconv.Atoi(r.port); err != nil || n < 1 || n >= firstFreePort {
				return nil
			}
		default:
			return nil
		}
		return r
	},
}

// portOf is the last port that a line names, or "".
func portOf(line string) string {
	all := portWord.FindAllStringSubmatch(line, -1)
	for i := len(all) - 1; i >= 0; i-- {
		for _, port := range all[i][1:] {
			if n, err := strconv.Atoi(port); err == nil && n > 0 && n <= 65535 {
				return port
			}
		}
	}
	return ""
}

func reportPrivileged(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	user, setting := runsAs(p, c)
	who := "its user"
	switch {
	case user != nil:
		who = fmt.Sprintf("user %d", *user)
		if *user != 0 {
			f.Marks = append(f.Marks, rule.Mark{Field: setting.Path, Label: "the program runs as this user"})
		}
	case c.SecurityContext == nil && p.Object.Pod().Spec.SecurityContext == nil:
		who = "the user of its image"
	}
	f.Message = fmt.Sprintf("%s may not listen on port %s, which is below %d%s", who, e.port, firstFreePort, e.ends())
	f.RuledOut = []string{"a port that is taken: the kernel would say address already in use"}
	f.NoField = "which setting makes it listen there is not in the spec"
	container := p.ContainerSetting(c)
	for i, port := range c.Ports {
		if strconv.Itoa(int(port.ContainerPort)) == e.port {
			point(&f, container.Child("ports").Index(i).Child("containerPort"), e.port, fmt.Sprintf("ports below %d are for root and for NET_BIND_SERVICE", firstFreePort))
		}
	}
	if s, value, ok := wordSetting(p, c, e.port, e.line); ok && f.Field == nil {
		point(&f, s, value, fmt.Sprintf("ports below %d are for root and for NET_BIND_SERVICE", firstFreePort))
	}
	f.Fix = portFix(p, e)
	p.Report(f)
}

// portFix lowers the first port that everybody in the pod may listen on. The port is one below 1024
// that was read as a number, so that none of the log's words enters the command.
func portFix(p *rule.Pass, e *ended) *rule.Fix {
	pod, spec := p.Object.Pod(), p.PodSpec()
	elsewhere := "have it listen on a port from 1024 on, such as 8080, and change containerPort, probes and the Service's targetPort with it"
	own := podSpecOf(p, spec.Object)
	if own == nil || pod.Spec.HostNetwork {
		return &rule.Fix{Title: elsewhere, Applicability: rule.NeedsThought}
	}
	port, err := strconv.Atoi(e.port)
	if err != nil {
		return &rule.Fix{Title: elsewhere, Applicability: rule.NeedsThought}
	}
	context := spec.Child("securityContext")
	sysctl := map[string]any{"name": "net.ipv4.ip_unprivileged_port_start", "value": strconv.Itoa(port)}
	var ops []rule.Op
	if own.SecurityContext == nil {
		ops = []rule.Op{{Op: "add", Path: context.Pointer(), Value: map[string]any{"sysctls": []any{sysctl}}}}
	} else {
		ops = []rule.Op{appendTo(context.Child("sysctls"), len(own.SecurityContext.Sysctls), sysctl)}
		for i, s := range own.SecurityContext.Sysctls {
			if s.Name == sysctl["name"] {
				at := context.Child("sysctls").Index(i).Child("value")
				ops = []rule.Op{{Op: "test", Path: at.Pointer(), Value: s.Value}, {Op: "replace", Path: at.Pointer(), Value: sysctl["value"]}}
			}
		}
	}
	return patched(p, spec.Object, ops, rule.Fix{
		Title:         fmt.Sprintf("let every user of the pod listen from port %d on; or %s", port, elsewhere),
		Caution:       "every container of the pod may then, in its own network alone; the sysctl is one that the kubelet allows by default",
		Applicability: rule.NeedsThought,
	})
}

func reportInUse(p *rule.Pass, c snapshot.Container, e *ended) {
	if e.what != "" {
		reportSocket(p, c, e)
		return
	}
	f := e.finding(p, c)
	container := p.ContainerSetting(c)
	port := "a port"
	if e.port != "" {
		port = "port " + e.port
	}
	f.Message = fmt.Sprintf("cannot listen on %s, which is taken%s", port, e.ends())
	f.NoField = "who listens there is not known"
	f.Fix = &rule.Fix{Title: "give one of the two another port", Applicability: rule.NeedsThought,
		Caution: "what names the port must follow: containerPort, probes, and the targetPort of the Service"}
	if own, value, ok := portSetting(p, c, e); ok {
		point(&f, own, e.port, "the port that is taken")
		if value != "" && strings.Count(value, e.port) == 1 && knowledge.Mask(value) == value {
			patch := own.ReplaceValue(value, strings.Replace(value, e.port, "<PORT>", 1))
			f.Fix.Applicability, f.Fix.Patch, f.Fix.Command = rule.Placeholders, patch, p.PatchCommand(own.Object, patch)
		}
	}
	pod := p.Object.Pod()
	other := namesPort(p, c, e.port)
	switch {
	case other != nil:
		f.Message = fmt.Sprintf("cannot listen on %s: container %s of the same pod has it%s", port, other.Name, e.ends())
		f.RuledOut = append(f.RuledOut, "another pod: each has a network of its own, and hostNetwork is not set")
		if pod.Spec.HostNetwork {
			f.RuledOut = nil
		}
		if f.Field == nil {
			point(&f, container, "", "listens on the port of container "+other.Name)
		}
	case pod.Spec.HostNetwork:
		point(&f, p.PodSpec().Child("hostNetwork"), "true", "shares its ports with the node and all its hostNetwork pods")
		f.Message = fmt.Sprintf("cannot listen on %s: the pod uses the network of its node, where somebody else has it%s", port, e.ends())
		f.Fix = &rule.Fix{Title: "do without hostNetwork, or choose a port that no other program of the node has", Applicability: rule.NeedsThought}
	case len(pod.Spec.Containers) == 1 && len(pod.Spec.InitContainers) == 0:
		f.Message = fmt.Sprintf("cannot listen on %s, which is taken, and no other container is in the pod%s: does the program listen twice?", port, e.exit())
		f.RuledOut = append(f.RuledOut, "another container or pod: this pod has one container, and a network of its own")
		f.Fix = &rule.Fix{Title: "see what in the container listens there first: a second listener of the program, or one that it left running", Applicability: rule.NeedsThought}
	default:
		f.Certainty = rule.Possible
		f.Message = fmt.Sprintf("cannot listen on %s, which is taken%s: does another container of the pod listen there?", port, e.exit())
	}
	p.Report(f)
}

// portSetting is where the container's spec has the port: a word first, since that is what makes the
// program listen, then its declaration.
func portSetting(p *rule.Pass, c snapshot.Container, e *ended) (s rule.Setting, value string, ok bool) {
	port := e.port
	if s, value, ok = wordSetting(p, c, port, e.line); ok {
		return s, value, true
	}
	for i, declared := range c.Ports {
		if port != "" && strconv.Itoa(int(declared.ContainerPort)) == port {
			return p.ContainerSetting(c).Child("ports").Index(i).Child("containerPort"), "", true
		}
	}
	return rule.Setting{}, "", false
}

// namesPort is another container of the pod that declares the port or has it in its spec.
func namesPort(p *rule.Pass, c snapshot.Container, port string) *corev1.Container {
	if port == "" {
		return nil
	}
	for _, other := range p.Object.PodContainers() {
		if other.Name == c.Name || other.Init {
			continue
		}
		for _, declared := range other.Ports {
			if strconv.Itoa(int(declared.ContainerPort)) == port {
				return other.Container
			}
		}
		if _, _, ok := wordSetting(p, other, port, ""); ok {
			return other.Container
		}
	}
	return nil
}
