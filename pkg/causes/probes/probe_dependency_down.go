package probes

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ProbeDependencyDown finds what is down behind a probe that kills: the container says no since something that
// it calls does not answer.
var ProbeDependencyDown = rule.Cause{
	ID: "probe-dependency-down", Title: "what its probe depends on is down", Doc: rule.ReadDoc(docs, "probe_dependency_down.md"),
	Stage: rule.StageExit, Beats: append([]string{"liveness-deadlock", "liveness-slow-start", "probe-fails-from-start", "startup-probe-failed"}, beaten...), On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		wants := wantsOfKilled(p)
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if b := behind(p, c, a); b != nil {
					wants = append(append(wants, p.WantVariables(c)...), b.wants(p)...)
				}
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if b := behind(p, c, a); b != nil {
					reportBehind(p, c, a, b)
					break
				}
			}
		}
	},
}

// dependency is something that a container calls and that is down, and who says so.
type dependency struct {
	knowledge.Down
	said rule.Evidence
}

// behind is what is down behind a probe that ended the last life: the probe was told no, and the log of that
// life, or the command of the probe itself, names what does not answer. Nil where either is missing.
func behind(p *rule.Pass, c snapshot.Container, a asked) *dependency {
	if a.kill == nil || a.kill.unsure || a.kind == "Readiness" {
		return nil
	}
	text, ran := a.output()
	if !ran && !unwell.MatchString(a.says()) {
		return nil
	}
	if d, at := knowledge.DownIn(strings.Split(text, "\n")); ran && at >= 0 {
		if knowledge.Loopback(d.Host) { // its own server, which does not listen yet
			return nil
		}
		return &dependency{d, rule.Evidence{Source: rule.FromEvent, Object: p.Object.In(c.Name), Text: "the command wrote " + rule.Quote(strings.Split(text, "\n")[at])}}
	}
	lines := tail(p.LogLines(c))
	d, at := knowledge.DownIn(lines)
	if at < 0 || knowledge.Loopback(d.Host) && d.Port == probePort(a.probe) {
		return nil
	}
	return &dependency{d, p.LogEvidence(c, lines[at])}
}

// service is the Service that a name inside of the cluster means; ok is false for others.
func (d *dependency) service(p *rule.Pass) (ref snapshot.Ref, ok bool) {
	parts := strings.Split(d.Host, ".")
	ref = snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: p.Object.Namespace, Name: parts[0]}
	switch {
	case parts[0] == "" || d.Host == "localhost" || strings.Contains(d.Host, ":") || strings.Trim(d.Host, "0123456789.") == "":
		return ref, false
	case len(parts) > 2 && parts[2] == "svc":
		ref.Namespace = parts[1]
	case len(parts) > 1:
		return ref, false
	}
	return ref, true
}

func (d *dependency) wants(p *rule.Pass) []snapshot.Want {
	svc, ok := d.service(p)
	if !ok {
		return nil
	}
	wants := []snapshot.Want{snapshot.WantGet(snapshot.ServiceKind, svc.Namespace, svc.Name)}
	if o, _ := p.Lookup(snapshot.ServiceKind, svc.Namespace, svc.Name); o != nil {
		wants = append(wants, snapshot.WantEndpoints(svc.Namespace, svc.Name))
	}
	return wants
}

// where is what names the address in the spec of the container, or in a ConfigMap that it takes variables from;
// a value that holds a password is not pointed at itself.
func (d *dependency) where(p *rule.Pass, c snapshot.Container, a asked) (s rule.Setting, ok bool) {
	type words struct {
		setting rule.Setting
		words   []string
	}
	container := p.ContainerSetting(c)
	lists := []words{{container.Child("args"), c.Args}, {container.Child("command"), c.Command}}
	if e := a.probe.Exec; e != nil {
		lists = append([]words{{container.Child(a.field, "exec", "command"), e.Command}}, lists...)
	}
	for _, word := range []string{d.Address(), d.Host} {
		for _, list := range lists {
			for i, w := range list.words {
				switch {
				case !hasAddress(w, word):
				case knowledge.Mask(w) == w:
					return list.setting.Index(i), true
				default:
					return list.setting, true
				}
			}
		}
		variables, _ := p.Variables(c)
		for _, v := range variables {
			switch {
			case !v.Known || !hasAddress(v.Value, word):
			case knowledge.Mask(v.Value) == v.Value && !knowledge.SecretName(v.Name):
				return v.Setting, true
			default:
				return container.Child("env"), true
			}
		}
	}
	return rule.Setting{}, false
}

// hasAddress tells whether text holds the address as a whole: not "mydb:5432" where "db:5432" is meant.
func hasAddress(text, address string) bool {
	const name = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	for from := 0; address != ""; {
		at := strings.Index(text[from:], address)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(address)
		if (at == 0 || !strings.ContainsRune(name, rune(text[at-1]))) && (end == len(text) || !strings.ContainsRune(name, rune(text[end]))) {
			return true
		}
		from = at + 1
	}
	return false
}

func reportBehind(p *rule.Pass, c snapshot.Container, a asked, d *dependency) {
	container := p.ContainerSetting(c)
	f := rule.Finding{
		Object: container.Object, Seen: p.Object.In(c.Name),
		NoField:   fmt.Sprintf("no literal value of the container names %s", d.Address()),
		Message:   fmt.Sprintf("%s %s, and so it %s: %s", d.Address(), d.How, a.no(), a.outcome(p, c)),
		Evidence:  a.evidence(p, c, d.said),
		Certainty: rule.Likely,
		History:   a.past(),
		RuledOut:  []string{"a program that hangs or crashes: it said no by itself, and named what it lacks"},
		Fix: &rule.Fix{
			Title:         fmt.Sprintf("bring up what is to answer at %s, or name the address that is meant; no restart of this container helps", d.Address()),
			Applicability: rule.NeedsThought,
		},
	}
	if c.Init {
		f.Stage = rule.StageInit
	}
	if s, ok := d.where(p, c, a); ok {
		f.Object, f.Field, f.NoField, f.Value, f.Label = s.Object, s.Path, "", d.Address(), "where the program connects to"
	}
	if knowledge.Loopback(d.Host) {
		f.Message += "; that address is the pod itself"
		f.Fix.Caution = "in a pod, localhost is the pod itself: another pod has a name of its own"
	}
	svcOf(p, d, &f)
	p.Report(f)
}

// svcOf adds what is known of the Service that is called.
func svcOf(p *rule.Pass, d *dependency, f *rule.Finding) {
	ref, ok := d.service(p)
	if !ok {
		return
	}
	where := ref.String()
	if ref.Namespace != p.Object.Namespace {
		where += " in namespace " + ref.Namespace
	}
	svc, out := p.Lookup(snapshot.ServiceKind, ref.Namespace, ref.Name)
	switch {
	case svc == nil && out.State == snapshot.Absent && out.Proven:
		f.Message += fmt.Sprintf("; there is no %s", where)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: ref, Text: where + ": not found"})
		return
	case svc == nil:
		return
	}
	switch ready, known := p.ReadyEndpoints(svc); {
	case known && ready == 0:
		f.Because = &svc.Ref
		f.Message += fmt.Sprintf("; %s has no ready pod behind it", where)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: svc.Ref, Text: where + ": 0 ready endpoints"})
		f.Fix.Title = fmt.Sprintf("bring up what %s selects; no restart of this container helps", where)
		f.Fix.Lines = []string{p.Explain(snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: ref.Namespace, Name: ref.Name})}
	case known:
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a Service without pods: %s has %s now", where, rule.Count(ready, "ready endpoint")))
	}
}
