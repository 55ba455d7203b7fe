package observability

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// OTelNotInjected finds pods that were to be instrumented, and run without.
var OTelNotInjected = rule.Check{
	ID: "otel-not-injected", Title: "asks for instrumentation, and its pods have none", Doc: rule.ReadDoc(docs, "otel_not_injected.md"),
	Dimension: rule.Observability, Severity: rule.Medium, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		for _, t := range p.Object.Templates {
			if asked(t) != "" {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			key := asked(t)
			if key == "" {
				continue
			}
			var without []snapshot.Ref
			pods := 0
			for _, o := range p.PodsOf(p.Object) {
				pod := o.Pod()
				if pod == nil || pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning {
					continue
				}
				pods++
				if !instrumented(&pod.Spec) {
					without = append(without, o.Ref)
				}
			}
			if len(without) == 0 {
				continue
			}
			f := rule.Finding{
				Field: annotation(t, key), Value: t.Annotations[key], Pods: without, Label: "asks for instrumentation",
				Message: fmt.Sprintf("%d of %s run without what %s asks for: the operator's webhook was not there when they were made, or found nothing to inject", len(without), rule.Count(pods, "pod"), key),
			}
			fix := rule.Fix{Title: "see that the operator runs, and restart the pods", Applicability: rule.NeedsThought, Caution: "the restart replaces all pods once"}
			if p.ListRead(snapshot.InstrumentationKind, p.Object.Namespace) && len(p.List(snapshot.InstrumentationKind, p.Object.Namespace)) == 0 && t.Annotations[key] == "true" && !p.Files {
				f.Message = fmt.Sprintf("%d of %s run without what %s asks for: there is no Instrumentation in namespace %s to take it from", len(without), rule.Count(pods, "pod"), key, p.Object.Namespace)
				fix.Title = "make an Instrumentation there, or name one as NAMESPACE/NAME, and restart the pods"
			}
			if !p.Files && restartable(p.Object) {
				fix.Command = []string{"rollout", "restart", p.Object.String()}
			}
			p.Report(f).WithFix(fix)
		}
	},
}

func restartable(o *snapshot.Object) bool {
	switch o.GroupKind() {
	case snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind:
		return true
	}
	return false
}

// injected is how the names of the containers start that the operator adds. Source: its internal/instrumentation package.
const injected = "opentelemetry-auto-instrumentation"

// asked is the annotation of a template that asks for a language whose instrumentation comes as a container.
func asked(t snapshot.Template) string {
	if len(t.Annotations) == 0 {
		return ""
	}
	for _, language := range []string{"java", "nodejs", "python", "dotnet", "go"} {
		key := "instrumentation.opentelemetry.io/inject-" + language
		if v := t.Annotations[key]; v != "" && v != "false" {
			return key
		}
	}
	return ""
}

func instrumented(spec *corev1.PodSpec) bool {
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			if strings.HasPrefix(list[i].Name, injected) {
				return true
			}
		}
	}
	return false
}
