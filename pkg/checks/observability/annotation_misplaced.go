package observability

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AnnotationMisplaced finds annotations that are read from pods, on what makes the pods.
var AnnotationMisplaced = rule.Check{
	ID: "annotation-misplaced", Title: "an annotation for pods stands on their controller", Doc: rule.ReadDoc(docs, "annotation_misplaced.md"),
	Dimension: rule.Observability, Severity: rule.Medium,
	On: rule.Kinds(snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.ReplicaSetKind, snapshot.JobKind, snapshot.CronJobKind),
	Applies: func(p *rule.Pass) bool {
		return len(p.Object.Meta.GetAnnotations()) > 0 && p.Owner(p.Object) == nil
	},
	Run: func(p *rule.Pass) {
		if len(p.Object.Templates) != 1 {
			return
		}
		t, own := p.Object.Templates[0], p.Object.Meta.GetAnnotations()
		groups := map[string][]string{} // by who reads them
		for key, value := range own {
			reader := readerOf(key, value)
			if _, twice := t.Annotations[key]; reader != "" && !twice {
				groups[reader] = append(groups[reader], key)
			}
		}
		for _, reader := range slices.Sorted(maps.Keys(groups)) {
			keys := groups[reader]
			slices.Sort(keys)
			if reader == "Prometheus" && (own[scrape] != "true" || fetched(p, t)) {
				continue // nothing is to be scraped, or it is for what stands elsewhere
			}
			values := make([]rule.Value, 0, len(keys))
			for _, k := range keys {
				values = append(values, rule.Value{Path: annotation(t, k), Value: own[k]})
			}
			patch := rule.PutAllIn(p.Object, values...)
			yaml := "template:\n  metadata:\n    annotations:\n"
			for _, k := range keys {
				yaml += fmt.Sprintf("      %s: %q\n", k, own[k])
			}
			at := field.NewPath("metadata", "annotations").Key(keys[0])
			if slices.Contains(keys, scrape) {
				at = field.NewPath("metadata", "annotations").Key(scrape)
			}
			p.Report(rule.Finding{
				Field: at, AtKey: true, Value: own[keys[0]], Label: "nobody reads it here",
				Message: fmt.Sprintf("%s stands on the %s: %s reads it from pods, which have the annotations of the template only", strings.Join(keys, ", "), p.Object.Kind, reader),
			}).WithFix(rule.Fix{
				Title: "put it into the template's metadata", Applicability: rule.NeedsThought, Caution: "then it takes effect: the pods are rolled once, and scraped, injected or kept as it says",
				Patch: patch, Command: p.Live(patch), YAML: yaml,
			})
		}
	},
}

// readerOf is who reads an annotation from pods, and nowhere on their controllers; "" for all others.
// Source: the documentation of each project.
func readerOf(key, value string) string {
	switch key {
	case scrape, scrapePort, "prometheus.io/path", "prometheus.io/scheme":
		return "Prometheus"
	case "sidecar.opentelemetry.io/inject":
		return "the OpenTelemetry operator"
	case "cluster-autoscaler.kubernetes.io/safe-to-evict":
		return "the cluster autoscaler"
	case "vault.hashicorp.com/agent-inject":
		return "Vault's injector"
	case "linkerd.io/inject":
		return "Linkerd's injector"
	case "sidecar.istio.io/inject":
		return "Istio's injector"
	case "backup.velero.io/backup-volumes":
		return "Velero"
	}
	prefix, _, ok := strings.Cut(key, "/")
	switch {
	case !ok:
	case strings.HasPrefix(key, "instrumentation.opentelemetry.io/inject-") && value != "false":
		return "the OpenTelemetry operator"
	case prefix == "ad.datadoghq.com":
		return "the Datadog agent"
	case prefix == "co.elastic.logs" || prefix == "co.elastic.metrics":
		return "Elastic's Beats"
	}
	return ""
}
