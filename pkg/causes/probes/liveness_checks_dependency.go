package probes

import (
	"fmt"
	"reflect"
	"regexp"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LivenessChecksDependency finds containers that liveness kills because something else is not well: they say
// so themselves, and a restart mends nothing.
var LivenessChecksDependency = rule.Cause{
	ID: "liveness-checks-dependency", Title: "liveness kills it over a dependency", Doc: rule.ReadDoc(docs, "liveness_checks_dependency.md"),
	Stage: rule.StageProbeKill, Beats: append([]string{"liveness-deadlock", "liveness-slow-start"}, beaten...), On: rule.Pods,
	Wants: wantsOfKilled,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if a.kind == "Liveness" && a.probe.HTTPGet != nil && a.kill != nil && !a.kill.unsure && unwell.MatchString(a.says()) {
					judgeDependency(p, c, a)
				}
			}
		}
	},
}

var (
	// unwell is an answer with which a program says itself that it cannot serve.
	unwell = regexp.MustCompile(`statuscode: 5\d\d\b|responded with "NOT_SERVING"`)
	// otherSide is how programs speak of something else that does not answer them.
	otherSide = regexp.MustCompile(`(?i)dial tcp|connection (?:to \S+ )?(?:refused|timed out|reset)|econnrefused|etimedout|enotfound|no such host|name or service not known|(?:could|can) ?not connect|unable to connect|failed to connect|upstream|deadline exceeded`)
)

// together is within what time of each other the pods of one workload must be killed for that to be no
// chance: each probes in its own rhythm.
const together = time.Minute

// judgeDependency reports only where two of three signals agree: liveness asks what readiness asks,
// the log speaks of another side, and several pods were killed at once.
func judgeDependency(p *rule.Pass, c snapshot.Container, a asked) {
	same := c.ReadinessProbe != nil && reflect.DeepEqual(c.ReadinessProbe.ProbeHandler, a.probe.ProbeHandler)
	var said *rule.Evidence
	lines := tail(p.LogLines(c))
	for i := len(lines) - 1; i >= 0 && said == nil; i-- {
		if otherSide.MatchString(lines[i]) {
			e := p.LogEvidence(c, lines[i])
			said = &e
		}
	}
	at := killedWith(p, c, a)
	signals := 0
	for _, s := range []bool{same, said != nil, at > 0} {
		if s {
			signals++
		}
	}
	if signals < 2 {
		return
	}
	setting := p.ContainerSetting(c).Child(a.field, "httpGet", "path")
	code := a.kill.answer()
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: pathOf(a.probe.HTTPGet),
		Message:   fmt.Sprintf("liveness asks %s, which answers %s while something else is not well: %s", asks(a.probe), code, a.outcome(p, c)),
		Label:     "asks for more than whether the program is alive",
		Evidence:  a.evidence(p, c),
		Certainty: rule.Likely,
		History:   a.past(),
		Stage:     a.stage(c),
		RuledOut:  []string{"a program that hangs: it answers, with " + code},
		Fix: &rule.Fix{
			Title:         "have liveness ask whether the program itself is alive, and leave the dependency to readiness",
			Caution:       "then see to the dependency: until it answers, the pod is not ready, and no restart helps",
			Applicability: rule.Placeholders,
			Patch:         p.Change(setting, a.probe.HTTPGet.Path, "<PATH>"),
		},
	}
	f.Fix.Command = p.ChangeCommand(setting.Object, f.Fix.Patch)
	if same {
		f.Label += ": readiness asks the same"
		f.Marks = append(f.Marks, rule.Mark{Field: p.ContainerSetting(c).Child("readinessProbe", "httpGet", "path").Path, Label: "here it belongs"})
	}
	if said != nil {
		f.Evidence = a.evidence(p, c, *said)
	}
	if at > 0 {
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a fault of this one pod: %s of the workload killed within %s of it", rule.Count(at, "other pod"), rule.Human(together)))
	}
	p.Report(f)
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
