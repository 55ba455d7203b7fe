package probes

import (
	"fmt"
	"reflect"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LivenessChecksDependency finds containers that liveness kills because something else is not well: they say
// so themselves, and a restart mends nothing.
var LivenessChecksDependency = rule.Cause{
	ID: "liveness-checks-dependency", Title: "liveness kills it over a dependency", Doc: rule.ReadDoc(docs, "liveness_checks_dependency.md"),
	Stage: rule.StageProbeKill, Beats: append([]string{"liveness-deadlock", "liveness-slow-start", "probe-fails-from-start"}, beaten...), On: rule.Pods,
	Wants: wantsOfKilled,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if a.kind != "Liveness" || a.kill == nil || a.kill.unsure {
					continue
				}
				if _, ran := a.output(); ran || a.probe.Exec == nil && unwell.MatchString(a.says()) {
					judgeDependency(p, c, a)
				}
			}
		}
	},
}

var (
	// unwell is an answer with which a program says itself that it cannot serve.
	unwell = knowledge.Regexp(`statuscode: 5\d\d\b|responded with "NOT_SERVING"`)
	// otherSide is how programs speak of something else that does not answer them.
	otherSide = knowledge.Regexp(`(?i)dial tcp|connection (?:to \S+ )?(?:refused|timed out|reset)|econnrefused|etimedout|enotfound|no such host|name or service not known|(?:could|can) ?not connect|unable to connect|failed to connect|upstream|deadline exceeded`)
)

// together is within what time of each other the pods of one workload must be killed for that to be no
// chance: each probes in its own rhythm.
const together = time.Minute

// judgeDependency reports where what the container wrote names something that is down; or else where two of
// three signals agree: liveness asks what readiness asks, the log speaks of another side, and several pods
// were killed at once.
func judgeDependency(p *rule.Pass, c snapshot.Container, a asked) {
	same := c.ReadinessProbe != nil && reflect.DeepEqual(c.ReadinessProbe.ProbeHandler, a.probe.ProbeHandler)
	down := behind(p, c, a)
	at := killedWith(p, c, a)
	said := otherSideIn(p, c)
	if down != nil {
		said = &down.said
	}
	signals := 0
	for _, s := range []bool{same, said != nil, at > 0} {
		if s {
			signals++
		}
	}
	if down == nil && (signals < 2 || a.probe.HTTPGet == nil) {
		return
	}
	what := "something else is not well"
	if down != nil {
		what = fmt.Sprintf("%s %s", down.Address(), down.How)
	}
	f := rule.Finding{
		Seen:      p.Object.In(c.Name),
		Message:   fmt.Sprintf("liveness asks %s, which %s while %s: %s", asks(a.probe), a.told(), what, a.outcome(p, c)),
		Label:     "asks for more than whether the program is alive",
		Evidence:  a.evidence(p, c),
		Certainty: rule.Likely,
		History:   a.past(),
		Stage:     a.stage(c),
		RuledOut:  []string{"a program that hangs: it " + a.told()},
	}
	setting := onlyAlive(p, c, a, &f)
	if same {
		f.Label += ": readiness asks the same"
		f.Marks = append(f.Marks, rule.Mark{Field: p.ContainerSetting(c).Child("readinessProbe").Path.Child(setting[0], setting[1:]...), Label: "here it belongs"})
	}
	if said != nil {
		f.Evidence = a.evidence(p, c, *said)
	}
	if at > 0 {
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a fault of this one pod: %s of the workload killed within %s of it", rule.Count(at, "other pod"), rule.Human(together)))
	}
	p.Report(f)
}

// told is what became of the question, for a message.
func (a *asked) told() string {
	if answer := a.kill.answer(); answer != "" {
		return "answers " + answer
	}
	return "fails"
}

// otherSideIn is the last line of the log of the life that ended which speaks of another side that does not answer.
func otherSideIn(p *rule.Pass, c snapshot.Container) *rule.Evidence {
	lines := tail(p.LogLines(c))
	for i := len(lines) - 1; i >= 0; i-- {
		if otherSide.MatchString(lines[i]) {
			e := p.LogEvidence(c, lines[i])
			return &e
		}
	}
	return nil
}

// onlyAlive makes the finding point at what liveness asks, and its fix ask for the program alone; it returns the
// steps to that setting from a probe.
func onlyAlive(p *rule.Pass, c snapshot.Container, a asked, f *rule.Finding) (steps []string) {
	probe := p.ContainerSetting(c).Child(a.field)
	fix := &rule.Fix{
		Title:         "have liveness ask whether the program itself is alive, and leave the dependency to readiness",
		Caution:       "then see to the dependency: until it answers, the pod is not ready, and no restart helps",
		Applicability: rule.Placeholders,
	}
	var numbers []string
	switch h := a.probe.ProbeHandler; {
	case h.HTTPGet != nil:
		steps, f.Value = []string{"httpGet", "path"}, pathOf(h.HTTPGet)
		fix.Patch = p.Change(probe.Child("httpGet", "path"), h.HTTPGet.Path, "<PATH>")
	case h.GRPC != nil:
		steps, f.Value = []string{"grpc"}, asks(a.probe)
		fix.Patch = p.Change(probe.Child("grpc", "service"), h.GRPC.Service, "<SERVICE>")
	default:
		steps, numbers = []string{"exec"}, []string{"<PORT>"}
		fix.Patch = &rule.Patch{Type: "json", Body: []rule.Op{
			{Op: "test", Path: p.ContainerSetting(c).Child("name").Pointer(), Value: c.Name},
			{Op: "test", Path: probe.Child("exec", "command").Index(0).Pointer(), Value: h.Exec.Command[0]}, // its arguments may hold a password
			{Op: "remove", Path: probe.Child("exec").Pointer()},
			{Op: "add", Path: probe.Child("httpGet").Pointer(), Value: map[string]any{"path": "<PATH>", "port": "<PORT>"}},
		}}
	}
	setting := probe.Child(steps[0], steps[1:]...)
	f.Object, f.Field = setting.Object, setting.Path
	fix.Command = p.ChangeCommand(setting.Object, fix.Patch, numbers...)
	fix.Object = setting.Object
	f.Fix = fix
	return steps
}

// killedWith counts the other pods of the workload that their liveness probe killed at about the same
// time.
func killedWith(p *rule.Pass, c snapshot.Container, a asked) int {
	n := 0
	for _, o := range p.PodsOf(p.TopOwner(p.Object)) {
		if o.Same(p.Object.Ref) {
			continue
		}
		other := rule.NewPass(p.Snapshot, o, nil, nil, rule.Sink{})
		for _, oc := range o.PodContainers() {
			if oc.Name != c.Name || oc.Status == nil {
				continue
			}
			k := killedBy(other, oc, "Liveness", oc.LivenessProbe)
			if k != nil && k.death.FinishedAt.Sub(a.kill.death.FinishedAt.Time).Abs() <= together {
				n++
			}
		}
	}
	return n
}
