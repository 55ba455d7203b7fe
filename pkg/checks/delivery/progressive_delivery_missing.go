package delivery

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ProgressiveDeliveryMissing finds clusters in which no version is tried out on a few before all get it.
var ProgressiveDeliveryMissing = rule.Check{
	ID: "progressive-delivery-missing", Title: "every version goes to everybody at once", Doc: rule.ReadDoc(docs, "progressive_delivery_missing.md"),
	Dimension: rule.Delivery, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: []schema.GroupKind{snapshot.RolloutKind, snapshot.AnalysisTemplateKind, snapshot.ClusterAnalysisTemplateKind, snapshot.FlaggerCanaryKind},
	Run: func(p *rule.Pass) {
		var why []string
		for _, o := range p.List(snapshot.RolloutKind, "") {
			because := notAnalysed(p, o)
			if because == "" {
				return
			}
			why = append(why, inNamespace(o)+" "+because)
		}
		for _, o := range p.List(snapshot.FlaggerCanaryKind, "") {
			because := notJudged(o)
			if because == "" {
				return
			}
			why = append(why, inNamespace(o)+" "+because)
		}
		f := rule.Finding{NoField: "what is missing stands nowhere", Message: "no rollout of Argo Rollouts and no canary of Flagger is in the cluster: a bad version reaches all at once, and somebody has to notice"}
		if len(why) > 0 {
			f.Message = "no version is measured before all get it: " + someWhy(why)
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "let Argo Rollouts or Flagger give a new version of one service to a few first, and go on by a metric", Applicability: rule.NeedsThought,
			Caution: "it needs a metric that tells good from bad, and traffic enough to tell soon",
		})
	},
}

// someWhy is the first of reasons, and how many there are.
func someWhy(why []string) string {
	const most = 2
	if len(why) <= most {
		return strings.Join(why, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(why[:most], "; "), len(why)-most)
}

// notAnalysed is why a Rollout measures nothing before it goes on; "" where it does.
// Source: the API of Argo Rollouts, v1alpha1.
func notAnalysed(p *rule.Pass, o *snapshot.Object) string {
	if scaledToZero(o) {
		return "has no replicas"
	}
	if text(o, "status", "phase") == "" {
		return "has no status: no controller works on it"
	}
	if rule.StatusTrue(o, "InvalidSpec") {
		return "is invalid"
	}
	templates := analyses(o)
	if len(templates) == 0 {
		return "has no analysis"
	}
	missing := ""
	for _, t := range templates {
		name := snapshot.TextIn(t, "templateName")
		list := p.List(snapshot.AnalysisTemplateKind, o.Namespace)
		if t["clusterScope"] == true {
			list = p.List(snapshot.ClusterAnalysisTemplateKind, "")
		}
		if slices.ContainsFunc(list, func(o *snapshot.Object) bool { return o.Name == name }) {
			return ""
		}
		missing = name
	}
	return "asks for an analysis template that is not there, " + missing
}

// analyses are the templates that a Rollout measures by while it goes on.
func analyses(o *snapshot.Object) []map[string]any {
	var found []map[string]any
	add := func(analysis any, list string) {
		m, _ := analysis.(map[string]any)
		items, _ := m[list].([]any)
		for _, item := range items {
			if t, ok := item.(map[string]any); ok && snapshot.TextIn(t, "templateName") != "" {
				found = append(found, t)
			}
		}
	}
	for _, path := range [][]string{{"canary", "analysis"}, {"blueGreen", "prePromotionAnalysis"}, {"blueGreen", "postPromotionAnalysis"}} {
		v, _ := o.At("spec", "strategy", path[0], path[1])
		add(v, "templates")
	}
	v, _ := o.At("spec", "strategy", "canary", "steps")
	steps, _ := v.([]any)
	for _, item := range steps {
		step, _ := item.(map[string]any)
		add(step["analysis"], "templates")
		add(step["experiment"], "analyses")
	}
	return found
}

// notJudged is why a Canary of Flagger measures nothing; "" where it does. Source: Flagger's API, v1beta1.
func notJudged(o *snapshot.Object) string {
	if skip, _ := o.At("spec", "skipAnalysis"); skip == true {
		return "skips its analysis"
	}
	switch phase := text(o, "status", "phase"); phase {
	case "":
		return "has no status: no controller works on it"
	case "Initializing", "Terminating", "Terminated":
		return "is " + phase
	}
	for _, field := range []string{"analysis", "canaryAnalysis"} {
		for _, by := range []string{"metrics", "webhooks"} {
			v, _ := o.At("spec", field, by)
			if list, _ := v.([]any); len(list) > 0 {
				return ""
			}
		}
	}
	return "has no metric to judge by"
}
