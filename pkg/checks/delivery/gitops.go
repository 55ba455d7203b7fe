package delivery

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// text is the word at a path of an object, "" where there is none.
func text(o *snapshot.Object, keys ...string) string {
	v, _ := o.At(keys...)
	s, _ := v.(string)
	return s
}

// conditions are those in an object's status.
func conditions(o *snapshot.Object) []map[string]any {
	v, _ := o.At("status", "conditions")
	return snapshot.MapsIn(v)
}

// ArgoNotSynced finds applications of Argo CD whose manifests are not what runs.
var ArgoNotSynced = rule.Check{
	ID: "argo-not-synced", Title: "application of Argo CD that is not synced", Doc: rule.ReadDoc(docs, "argo_not_synced.md"),
	Dimension: rule.Delivery, Severity: rule.High, On: rule.Kinds(snapshot.ApplicationKind),
	Applies: func(p *rule.Pass) bool {
		return text(p.Object, "status", "sync", "status") != "" || len(conditions(p.Object)) > 0
	},
	Run: func(p *rule.Pass) {
		o := p.Object
		at := field.NewPath("spec", "source")
		if _, several := o.At("spec", "sources"); several {
			at = field.NewPath("spec", "sources")
		}
		f := rule.Finding{Field: at}
		phase := text(o, "status", "operationState", "phase")
		automated, _ := o.At("spec", "syncPolicy", "automated")
		if enabled, set := o.At("spec", "syncPolicy", "automated", "enabled"); set && enabled == false {
			automated = nil
		}
		revision := text(o, "status", "sync", "revision")
		switch bad := applicationError(o); {
		case bad != nil:
			f.Message = fmt.Sprintf("%s%s: nothing new is deployed until that is mended", snapshot.TextIn(bad, "type"), quoted(snapshot.TextIn(bad, "message")))
			f.Label = "Argo CD cannot work with it"
			f.Evidence = said(o, bad)
		case phase == "Running":
			return
		case phase == "Failed" || phase == "Error":
			f.Message = "its last sync failed"
			if done, err := time.Parse(time.RFC3339, text(o, "status", "operationState", "finishedAt")); err == nil {
				f.Message += " " + rule.Human(p.Age(done)) + " ago"
			}
			f.Message += quoted(text(o, "status", "operationState", "message")) + ": what is in Git does not reach the cluster"
			f.Label = "does not get into the cluster"
			f.Evidence = []rule.Evidence{{Source: rule.FromStatus, Object: o.Ref, Field: "status.operationState.message", Text: rule.Quote(text(o, "status", "operationState", "message"))}}
		case text(o, "status", "sync", "status") == "OutOfSync" && automated != nil:
			f.Severity = rule.Medium
			f.Message = "OutOfSync although it is synced by itself: something changes objects behind its back, or selfHeal is off"
			f.Label = "differs from what runs"
		case text(o, "status", "sync", "status") == "OutOfSync":
			f.Severity = rule.Low
			f.Message = "OutOfSync: what runs is not what is in Git, and somebody has to sync it"
			f.Label = "differs from what runs"
		default:
			return
		}
		if revision != "" && f.Severity != "" {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: o.Ref, Field: "status.sync.revision", Text: "compared with revision " + rule.Quote(revision)})
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "see which objects differ, and sync them or put into Git what runs", Applicability: rule.NeedsThought,
			Caution: "a sync takes back what was changed by hand, which may be what keeps it running: look at the difference first",
			Lines:   []string{"argocd app diff " + rule.ShellQuote(o.Name)},
		})
	},
}

// applicationError is the first condition of an application that says that Argo CD cannot work with it. Names of its
// conditions end in Error or Warning. Source: pkg/apis/application/v1alpha1 of argo-cd.
func applicationError(o *snapshot.Object) map[string]any {
	for _, c := range conditions(o) {
		if kind := snapshot.TextIn(c, "type"); strings.HasSuffix(kind, "Error") && kind != "SyncError" { // which the operation tells better
			return c
		}
	}
	return nil
}

// quoted is what a status says, behind what it is about; "" where it says nothing.
func quoted(words string) string {
	if words == "" {
		return ""
	}
	return ", " + rule.Quote(words)
}

func said(o *snapshot.Object, c map[string]any) []rule.Evidence {
	words := snapshot.TextIn(c, "reason")
	if message := snapshot.TextIn(c, "message"); message != "" {
		words = strings.TrimPrefix(words+": ", ": ") + rule.Quote(message)
	}
	return []rule.Evidence{{Source: rule.FromStatus, Object: o.Ref, Field: "status.conditions", Time: snapshot.TimeIn(c, "lastTransitionTime"), Text: words}}
}

var fluxKinds = rule.Kinds(
	snapshot.KustomizationKind, snapshot.HelmReleaseKind, snapshot.GitRepositoryKind, snapshot.OCIRepositoryKind,
	snapshot.HelmRepositoryKind, snapshot.HelmChartKind, snapshot.BucketKind,
)

// tries is how long Flux may take for a change before a failure counts: it tries again by itself.
const tries = 10 * time.Minute

// FluxNotReady finds what Flux fails to fetch or to apply.
var FluxNotReady = rule.Check{
	ID: "flux-not-ready", Title: "what Flux fails to fetch or to apply", Doc: rule.ReadDoc(docs, "flux_not_ready.md"),
	Dimension: rule.Delivery, Severity: rule.High, On: fluxKinds,
	Applies: func(p *rule.Pass) bool { return !suspended(p.Object) && ready(p.Object) != nil },
	Run: func(p *rule.Pass) {
		c := ready(p.Object)
		since := snapshot.TimeIn(c, "lastTransitionTime")
		if snapshot.TextIn(c, "status") != "False" || !since.IsZero() && p.Age(since) < tries {
			return
		}
		f := rule.Finding{Field: sourceOf(p.Object), Evidence: said(p.Object, c), Label: snapshot.TextIn(c, "reason")}
		what := "what it fetches is as old as its last success"
		switch p.Object.GroupKind() {
		case snapshot.KustomizationKind:
			what = "changes do not reach the cluster"
		case snapshot.HelmReleaseKind:
			what = "the release is not what is in Git"
		}
		f.Message = "not ready"
		if !since.IsZero() {
			f.Message += " for " + rule.Human(p.Age(since))
		}
		f.Message += fmt.Sprintf(", %s%s: %s", snapshot.TextIn(c, "reason"), quoted(snapshot.TextIn(c, "message")), what)
		fix := rule.Fix{Title: "mend what its status says, then let it try again", Applicability: rule.NeedsThought, Caution: "what waited since then is applied at once: look at what has changed meanwhile"}
		if !p.Files {
			fix.Command = []string{"annotate", "--overwrite", p.Object.String(), "reconcile.fluxcd.io/requestedAt=" + p.Now.UTC().Format(time.RFC3339)}
		}
		p.Report(f).WithFix(fix)
	},
}

// FluxSuspended finds what Flux was told to leave alone.
var FluxSuspended = rule.Check{
	ID: "flux-suspended", Title: "what Flux was told to leave alone", Doc: rule.ReadDoc(docs, "flux_suspended.md"),
	Dimension: rule.Delivery, Severity: rule.Low, On: fluxKinds,
	Run: func(p *rule.Pass) {
		if !suspended(p.Object) {
			return
		}
		at := field.NewPath("spec", "suspend")
		patch := p.Put(at, false)
		p.Report(rule.Finding{Field: at, Value: "true", Label: "nothing is fetched or applied", Message: "suspended: changes in Git do not reach the cluster, and what is changed in the cluster stays"}).
			WithFix(rule.Fix{Title: "let Flux go on", Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch), Caution: "whatever changed since then is applied at once, and what was done by hand is undone: see flux diff first"})
	},
}

func suspended(o *snapshot.Object) bool {
	v, _ := o.At("spec", "suspend")
	yes, _ := v.(bool)
	return yes
}

func ready(o *snapshot.Object) map[string]any {
	for _, c := range conditions(o) {
		if snapshot.TextIn(c, "type") == "Ready" {
			return c
		}
	}
	return nil
}

// sourceOf is the field that says what to fetch or to apply.
func sourceOf(o *snapshot.Object) *field.Path {
	for _, name := range []string{"chartRef", "chart", "sourceRef", "url", "bucketName"} {
		if o.Has("spec", name) {
			return field.NewPath("spec", name)
		}
	}
	return field.NewPath("spec")
}
