package reliability

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ChaosMissing finds clusters in which nobody has tried what happens when something fails.
var ChaosMissing = rule.Check{
	ID: "chaos-missing", Title: "no fault was caused on purpose lately", Doc: rule.ReadDoc(docs, "chaos_missing.md"),
	Dimension: rule.Reliability, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs:   slices.Concat(faults, []schema.GroupKind{snapshot.ChaosMeshWorkflowKind, snapshot.LitmusEngineKind, snapshot.LitmusResultKind}),
	Numbers: map[string]rule.Number{"days": {Value: 90, Least: 1, Most: 3650}},
	Run: func(p *rule.Pass) {
		last, what := lastExperiment(p)
		days := p.Number("days")
		f := rule.Finding{NoField: "what is missing stands nowhere", Certainty: rule.Possible}
		switch {
		case last.IsZero():
			f.Message = "no experiment of Chaos Mesh or Litmus with a result is seen: what happens when a pod, a node or the network fails is an assumption"
		case p.Age(last) > time.Duration(days)*24*time.Hour:
			f.Message = fmt.Sprintf("the last experiment with a result that is seen (%s) was %s ago, more than %d days", what, rule.Human(p.Age(last)), days)
		default:
			return
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "let one pod of something that has several fail, look at what its users see, and plan that for every month", Applicability: rule.NeedsThought,
			Caution: "start where an outage costs nothing, with somebody who watches and can end it",
		})
	},
}

// faults are the kinds of Chaos Mesh that cause one. Source: the CRDs of Chaos Mesh.
var faults = func() []schema.GroupKind {
	var list []schema.GroupKind
	for _, of := range []string{"AWS", "Azure", "Block", "DNS", "GCP", "HTTP", "IO", "JVM", "Kernel", "Network", "PhysicalMachine", "Pod", "Stress", "Time"} {
		list = append(list, schema.GroupKind{Group: snapshot.ChaosMeshGroup, Kind: of + "Chaos"})
	}
	return list
}()

// lastExperiment is the newest experiment that did something and of which it is known how it ended. That one was planned, or
// started, says nothing: a schedule may select no pod.
func lastExperiment(p *rule.Pass) (last time.Time, what string) {
	add := func(o *snapshot.Object, t time.Time) {
		if t.After(last) {
			last, what = t, o.String()
		}
	}
	for _, gk := range faults {
		for _, o := range p.List(gk, "") {
			for _, record := range snapshot.ListIn(o.Content, "status", "experiment", "containerRecords") {
				// Before 2.2 nobody counted.
				if countsAny(record, "injectedCount") || rule.StatusTrue(o, "AllInjected") {
					add(o, o.Meta.GetCreationTimestamp().Time)
				}
			}
		}
	}
	for _, o := range p.List(snapshot.ChaosMeshWorkflowKind, "") {
		if rule.StatusTrue(o, "Accomplished") {
			add(o, snapshot.TimeIn(o.Content, "status", "endTime"))
		}
	}
	for _, o := range p.List(snapshot.LitmusEngineKind, "") {
		for _, e := range snapshot.ListIn(o.Content, "status", "experiments") {
			if v := snapshot.TextIn(e, "verdict"); v == "Pass" || v == "Fail" {
				add(o, snapshot.TimeIn(e, "lastUpdateTime"))
			}
		}
	}
	for _, o := range p.List(snapshot.LitmusResultKind, "") {
		// It carries no other time: of one that is old and was used again its engine tells.
		if v := snapshot.TextIn(o.Content, "status", "experimentStatus", "verdict"); v == "Pass" || v == "Fail" {
			add(o, o.Meta.GetCreationTimestamp().Time)
		}
	}
	return last, what
}
