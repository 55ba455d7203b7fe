package maintenance

import (
	"fmt"
	"slices"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const (
	// lately is how long ago somebody may have written an object who is taken to write it again.
	lately = 90 * day
	// aheadOfPlan is how many releases after the next are looked at: a team that upgrades twice a year passes them within one.
	aheadOfPlan = 2
)

// APIRemovedNext finds objects that somebody still writes in a version of the API that is gone, or goes with the next
// release.
var APIRemovedNext = rule.Check{
	ID: "api-removed-next", Title: "written in an apiVersion that the next release removes", Doc: rule.ReadDoc(docs, "api_removed_next.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: rule.Everything, Applies: hasWriters,
	Run: func(p *rule.Pass) {
		judgeWriters(p, func(v *knowledge.APIVersion, server int) bool { return v.Removed > 0 && v.Removed <= server+1 })
	},
}

// APIDeprecatedWritten finds objects that somebody still writes in a version of the API that goes later.
var APIDeprecatedWritten = rule.Check{
	ID: "api-deprecated-written", Title: "written in an apiVersion that is deprecated", Doc: rule.ReadDoc(docs, "api_deprecated_written.md"),
	Dimension: rule.Maintenance, Severity: rule.Low, Off: true, On: rule.Everything, Applies: hasWriters,
	Run: func(p *rule.Pass) {
		judgeWriters(p, func(v *knowledge.APIVersion, server int) bool {
			return v.Deprecated <= server+aheadOfPlan && (v.Removed == 0 || v.Removed > server+1)
		})
	},
}

// hasWriters tells whether the object says in which version somebody wrote it. A manifest that was saved from a
// cluster says so too, of another one for all that is known.
func hasWriters(p *rule.Pass) bool {
	if !slices.ContainsFunc(p.Object.Managers, func(m snapshot.FieldManager) bool { return m.APIVersion != "" }) {
		return false
	}
	return p.Object.Origin == nil || p.Closed && versionsOf(p.Snapshot).server > 0
}

// ownWriters are parts of Kubernetes itself, which an upgrade replaces, and what stands for writers from before their
// names were kept.
var ownWriters = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "cloud-controller-manager", "kubelet", "before-first-apply"}

// judgeWriters reports who wrote the object lately in a version that matters to the version of the server.
func judgeWriters(p *rule.Pass, matters func(v *knowledge.APIVersion, server int) bool) {
	var last *snapshot.FieldManager
	var of *knowledge.APIVersion
	var others []rule.Evidence
	server := 0
	for i := range p.Object.Managers {
		m := &p.Object.Managers[i]
		v := knowledge.APIVersionOf(m.APIVersion, p.Object.Kind)
		if v == nil || v.Deprecated == 0 || p.Age(m.Time) > lately || slices.Contains(ownWriters, m.Name) || movedOn(p.Object, m) {
			continue
		}
		if server == 0 {
			if server = versionsOf(p.Snapshot).newestServer; server == 0 {
				p.Unknown("%s was written as %s, and the version of the API server is not known", p.Object.Ref, m.APIVersion)
				return
			}
		}
		if !matters(v, server) {
			continue
		}
		others = append(others, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "metadata.managedFields", Time: m.Time, Text: fmt.Sprintf("%s wrote %s", knowledge.Writer(m.Name), m.APIVersion)})
		if last == nil || m.Time.After(last.Time) {
			last, of = m, v
		}
	}
	if last == nil {
		return
	}
	f := rule.Finding{NoField: "who wrote in which version stands in metadata.managedFields: kubectl get -o yaml --show-managed-fields", Certainty: rule.Likely}
	wrote := fmt.Sprintf("%s wrote it as %s on %s", knowledge.Writer(last.Name), last.APIVersion, last.Time.UTC().Format(time.DateOnly))
	switch {
	case of.Removed == 0:
		f.Severity = rule.Info
		f.Message = fmt.Sprintf("%s, which is deprecated since Kubernetes 1.%d", wrote, of.Deprecated)
	case of.Removed <= server:
		f.Message = fmt.Sprintf("%s, which Kubernetes 1.%d does not serve: its next write fails", wrote, server)
	case of.Removed == server+1:
		f.Message = fmt.Sprintf("%s, which the next Kubernetes, 1.%d, does not serve: its writes fail from that upgrade on", wrote, of.Removed)
	case of.Deprecated > server:
		f.Message = fmt.Sprintf("%s, which Kubernetes 1.%d deprecates and 1.%d does not serve any more", wrote, of.Deprecated, of.Removed)
	default:
		f.Message = fmt.Sprintf("%s, which is deprecated since Kubernetes 1.%d, and not served from 1.%d on", wrote, of.Deprecated, of.Removed)
	}
	if len(others) > 1 {
		f.Message += fmt.Sprintf("; %s more", rule.Count(len(others)-1, "writer"))
		f.Evidence = others
	}
	p.Report(f).WithFix(rewriter(of))
}

// movedOn tells whether a writer has written the object since in another version: what it did not change then is still
// recorded under the old one.
func movedOn(o *snapshot.Object, m *snapshot.FieldManager) bool {
	return slices.ContainsFunc(o.Managers, func(other snapshot.FieldManager) bool {
		return other.Name == m.Name && other.APIVersion != m.APIVersion && !other.Time.Before(m.Time) && knowledge.APIVersionOf(other.APIVersion, o.Kind) == nil
	})
}

// rewriter is what whoever writes in a version has to do about it.
func rewriter(v *knowledge.APIVersion) rule.Fix {
	fix := rule.Fix{Title: "let what writes it say apiVersion: " + v.Instead, Applicability: rule.NeedsThought, Caution: v.Note}
	switch {
	case v.Instead == "":
		fix.Title = "let nothing write it any more"
	case v.Kind != "":
		fix.Title = fmt.Sprintf("let what writes it write %s of %s", v.Kind, v.Instead)
	}
	if fix.Caution == "" {
		fix.Caution = "a chart or client that is older than the new version has to be upgraded first"
	}
	return fix
}
