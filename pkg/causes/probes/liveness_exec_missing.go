package probes

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LivenessExecMissing finds probes that run a program that the image does not have.
var LivenessExecMissing = rule.Cause{
	ID: "liveness-exec-missing", Title: "a probe runs a program that the image lacks", Doc: rule.ReadDoc(docs, "liveness_exec_missing.md"),
	Stage: rule.StageProbeKill, Beats: append([]string{"liveness-slow-start", "startup-probe-failed", "liveness-deadlock", "readiness-failing"}, beaten...), On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if a.probe.Exec != nil { // that a probe cannot run at all shows in events only: liveness then never fails
					return []snapshot.Want{snapshot.WantEvents(p.Object.Ref)}
				}
			}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if program, counts := a.noProgram(); program != "" {
					reportExecMissing(p, c, a, program, counts)
				}
			}
		}
	},
}

// What the kubelet says of a program that could not be run. Of a probe that "errored" it throws the result
// away: neither a failure nor a success. Older container runtimes reported the same as a failure.
// Sources: kubelet's prober worker; runc and containerd for the words behind it.
var (
	errored   = knowledge.Regexp(`probe errored`)
	noRun     = knowledge.Regexp(`exec failed: |exec: "[^"]{1,200}": `)
	noProgram = knowledge.Regexp(`executable file not found|no such file or directory|permission denied|exec format error|is a directory|not a directory`)
	shellSays = knowledge.Regexp(`(?:^|[\s/])(?:ba|da|a|z|k)?sh: (?:line )?(?:\d+: )?([A-Za-z0-9_./+-]{1,80}): (?:command )?not found`)
)

// noProgram is the program that a probe should run and that is not there or cannot be run; counts tells
// whether the kubelet takes that as a failure of the container. What a program that runs says of files
// is its own affair.
func (a *asked) noProgram() (program string, counts bool) {
	if a.probe.Exec == nil || len(a.probe.Exec.Command) == 0 {
		return "", false
	}
	says := a.says()
	counts = !errored.MatchString(says)
	if m := shellSays.FindStringSubmatch(says); m != nil && counts {
		return m[1], true
	}
	if noRun.MatchString(says) && noProgram.MatchString(says) {
		return a.probe.Exec.Command[0], counts
	}
	return "", false
}

func reportExecMissing(p *rule.Pass, c snapshot.Container, a asked, program string, counts bool) {
	probe := p.ContainerSetting(c).Child(a.field)
	command := a.probe.Exec.Command
	setting := probe.Child("exec", "command").Index(0)
	if program != command[0] {
		setting = probe.Child("exec", "command")
	}
	f := rule.Finding{
		Object: probe.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: command[0],
		Label:     "cannot be run in this image",
		Evidence:  a.evidence(p, c),
		Certainty: a.certain(),
		History:   a.past(),
		Stage:     a.stage(c),
		RuledOut:  []string{"an application that is not well: the probe has not asked it"},
	}
	shown := rule.Quote(program)
	switch {
	case counts && a.kill != nil:
		f.Message = fmt.Sprintf("its %s runs %s, which cannot be run in its image: %s", a.name(), shown, a.outcome(p, c))
	case counts && a.holdsBack(c), a.kind == "Readiness" && a.holdsBack(c):
		f.Message = fmt.Sprintf("its %s runs %s, which cannot be run in its image, and so never passes: %s", a.name(), shown, a.outcome(p, c))
	case a.kind == "Startup" && a.holdsBack(c):
		f.Message = fmt.Sprintf("its startup probe runs %s, which cannot be run in its image, and so neither passes nor kills: %s", shown, a.outcome(p, c))
		f.Label += "; liveness and readiness wait until it passes"
	case a.kind == "Liveness" && !counts:
		f.Message = fmt.Sprintf("its liveness probe runs %s, which cannot be run in its image: it never fails, and guards nothing", shown)
		f.Stage, f.Severity = rule.StageHistory, rule.Medium
	default:
		return // it passes all the same, or its faults are of the past
	}
	f.Fix = execFix(p, c, a, probe)
	p.Report(f)
}

// execFix has the kubelet ask itself what the program should have asked. Where the command names what that
// is, it is put into the patch.
func execFix(p *rule.Pass, c snapshot.Container, a asked, probe rule.Setting) *rule.Fix {
	handler, value := askInstead(a.probe.Exec.Command)
	fix := &rule.Fix{
		Title:         fmt.Sprintf("have the kubelet ask by itself, with %s: that needs no program in the image", handler),
		Caution:       "the kubelet asks the address of the pod: what listens on 127.0.0.1 only does not answer it",
		Applicability: rule.NeedsThought,
	}
	if value == nil {
		handler, value = "httpGet", map[string]any{"path": "<PATH>", "port": "<PORT>"}
		fix.Title = "have the kubelet ask by itself, with httpGet, tcpSocket or grpc; or run a program that the image has"
		fix.Applicability = rule.Placeholders
	}
	fix.Patch = &rule.Patch{Type: "json", Body: []rule.Op{
		{Op: "test", Path: p.ContainerSetting(c).Child("name").Pointer(), Value: c.Name},
		{Op: "test", Path: probe.Child("exec", "command").Index(0).Pointer(), Value: a.probe.Exec.Command[0]}, // its arguments may hold a password
		{Op: "remove", Path: probe.Child("exec").Pointer()},
		{Op: "add", Path: probe.Child(handler).Pointer(), Value: value},
	}}
	fix.Command = p.ChangeCommand(probe.Object, fix.Patch, "<PORT>")
	return fix
}

// askInstead is the handler that asks what a command asks: an address of the container itself in the
// arguments of curl, wget or grpc_health_probe, with nothing that a handler has not.
func askInstead(command []string) (handler string, value map[string]any) {
	if len(command) > 2 && (strings.HasSuffix(command[0], "sh") && command[1] == "-c") {
		command = strings.Fields(command[2])
	}
	if len(command) == 0 {
		return "", nil
	}
	program := command[0][strings.LastIndexByte(command[0], '/')+1:]
	for _, w := range command[1:] {
		switch program {
		case "curl", "wget":
			if strings.HasPrefix(w, "-") || !strings.Contains(w, "localhost") && !strings.Contains(w, "127.0.0.1") {
				continue
			}
			if !strings.Contains(w, "://") {
				w = "http://" + w
			}
			u, err := url.Parse(w)
			if err != nil || u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" || u.User != nil {
				return "", nil
			}
			port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
			if u.Port() != "" {
				port = u.Port()
			}
			n, err := strconv.Atoi(port)
			if err != nil {
				return "", nil
			}
			path := u.RequestURI()
			return "httpGet", map[string]any{"path": path, "port": n, "scheme": strings.ToUpper(u.Scheme)}
		case "grpc_health_probe", "grpc-health-probe":
			addr, ok := strings.CutPrefix(strings.TrimLeft(w, "-"), "addr=")
			if !ok {
				continue
			}
			n, err := strconv.Atoi(addr[strings.LastIndexByte(addr, ':')+1:])
			if err != nil || strings.Contains(strings.Join(command, " "), "-tls") {
				return "", nil
			}
			return "grpc", map[string]any{"port": n}
		}
	}
	return "", nil
}
