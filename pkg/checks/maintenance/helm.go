package maintenance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HelmAPIRemoved finds releases of Helm whose stored manifest has versions of the API that are gone, or go with the next
// release of Kubernetes.
var HelmAPIRemoved = rule.Check{
	ID: "helm-api-removed", Title: "release of Helm with an apiVersion that is gone, or going", Doc: rule.ReadDoc(docs, "helm_api_removed.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: rule.Kinds(snapshot.ReleaseKind), Applies: installed,
	Run: judgeManifest,
}

// HelmChartDeprecated finds releases of charts that nobody looks after any more.
var HelmChartDeprecated = rule.Check{
	ID: "helm-chart-deprecated", Title: "release of a chart that is deprecated", Doc: rule.ReadDoc(docs, "helm_chart_deprecated.md"),
	Dimension: rule.Maintenance, Severity: rule.Low, On: rule.Kinds(snapshot.ReleaseKind), Applies: installed,
	Run: func(p *rule.Pass) {
		r := readRelease(p)
		if r == nil || !r.Chart.Deprecated {
			return
		}
		p.Report(rule.Finding{
			NoField: inSecret, Message: fmt.Sprintf("who makes the chart %s says that it is deprecated: it gets no more fixes", chartOf(r)),
		}).WithFix(rule.Fix{
			Title: "find what has taken the chart's place, and move over", Applicability: rule.NeedsThought, Lines: []string{helmLine(p, "history", r.Name)},
			Caution: "another chart names its objects differently: data of the old ones must be taken along",
		})
	},
}

// HelmKubeVersion finds releases whose chart refuses the next version of Kubernetes.
var HelmKubeVersion = rule.Check{
	ID: "helm-kubeversion", Title: "release whose chart refuses the next Kubernetes", Doc: rule.ReadDoc(docs, "helm_kubeversion.md"),
	Dimension: rule.Maintenance, Severity: rule.Medium, On: rule.Kinds(snapshot.ReleaseKind),
	Applies: func(p *rule.Pass) bool {
		r := releaseOf(p)
		return installed(p) && (r.Unread != "" || r.Chart.KubeVersion != "")
	},
	Run: judgeKubeVersion,
}

// HelmStuck finds releases that were left in the middle of something.
var HelmStuck = rule.Check{
	ID: "helm-stuck", Title: "release of Helm that was left half done", Doc: rule.ReadDoc(docs, "helm_stuck.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: rule.Kinds(snapshot.ReleaseKind),
	Applies: func(p *rule.Pass) bool { r := releaseOf(p); return r != nil && r.Status != snapshot.ReleaseUninstalled },
	Run:     judgeStatus,
}

const (
	// inSecret is why no field is to blame of what Helm keeps.
	inSecret = "Helm keeps it packed in a Secret: helm get all shows it"
	// atWork is how long Helm may be at work: it waits for five minutes where nobody says otherwise, and people say ten.
	atWork = 15 * time.Minute
	// namedObjects is how many objects of a manifest a message names.
	namedObjects = 3
	// shownObjects is how many objects of a manifest are listed as evidence.
	shownObjects = 10
)

// releaseOf is the release that is judged.
func releaseOf(p *rule.Pass) *snapshot.Release {
	r, _ := p.Object.Typed.(*snapshot.Release)
	return r
}

// installed tells whether the release is there, and is not on its way out.
func installed(p *rule.Pass) bool {
	r := releaseOf(p)
	return r != nil && r.Status != snapshot.ReleaseUninstalled && r.Status != snapshot.ReleaseUninstalling
}

// readRelease is the release, nil where its content could not be read, which it has said then.
func readRelease(p *rule.Pass) *snapshot.Release {
	r := releaseOf(p)
	if r.Unread != "" {
		p.Unknown("%s", r.Unread)
		return nil
	}
	return r
}

// chartOf names a chart as Helm lists it.
func chartOf(r *snapshot.Release) string { return strings.Trim(r.Chart.Name+"-"+r.Chart.Version, "-") }

// helmLine is a command of helm for a shell, in the namespace of the release.
func helmLine(p *rule.Pass, words ...string) string {
	words = append(words, "--namespace", p.Object.Namespace)
	if p.Context != "" {
		words = append(words, "--kube-context", p.Context)
	}
	line := "helm"
	for _, w := range words {
		line += " " + rule.ShellQuote(w)
	}
	return line
}

// unserved is an object of a manifest in a version that is not served, or will not be.
type unserved struct {
	snapshot.ManifestObject
	removed int // with which minor version of Kubernetes; 0 where its definition says so
	instead string
}

func (u unserved) String() string {
	if u.Name == "" {
		return u.APIVersion + " " + u.Kind
	}
	return fmt.Sprintf("%s %s %s", u.APIVersion, u.Kind, u.Name)
}

// judgeManifest looks at the versions in which a manifest is written.
func judgeManifest(p *rule.Pass) {
	r := readRelease(p)
	if r == nil {
		return
	}
	server := versionsOf(p.Snapshot).newestServer
	var gone, going []unserved
	for _, o := range r.Manifest {
		v := knowledge.APIVersionOf(o.APIVersion, o.Kind)
		switch {
		case v == nil || v.Removed == 0: // a kind of others, for all that is known
			gk := snapshot.Ref{APIVersion: o.APIVersion, Kind: o.Kind}.GroupKind()
			_, version, _ := strings.Cut(o.APIVersion, "/")
			if versions := definedVersions(p.Snapshot)[gk]; versions != nil && !versions[version].served {
				gone = append(gone, unserved{ManifestObject: o})
			}
		case server == 0:
			p.Unknown("its manifest has %s of %s, and the version of the API server is not known", o.APIVersion, o.Kind)
			return
		case v.Removed <= server:
			gone = append(gone, unserved{o, v.Removed, v.Instead})
		case v.Removed == server+1:
			going = append(going, unserved{o, v.Removed, v.Instead})
		}
	}
	found := slices.Concat(gone, going)
	if len(found) == 0 {
		if r.Unparsed > 0 {
			p.Unknown("%s of its manifest cannot be read", rule.Count(r.Unparsed, "document"))
		}
		return
	}
	f := rule.Finding{NoField: inSecret}
	if r.Status != snapshot.ReleaseDeployed { // Helm may compare with the revision before
		f.Certainty = rule.Likely
	}
	for i, u := range found[:min(len(found), shownObjects)] {
		text := "it has " + u.String()
		if left := len(found) - shownObjects; i == shownObjects-1 && left > 0 {
			text += fmt.Sprintf(", and %d more", left)
		}
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "manifest", Text: text})
	}
	if len(gone) > 0 {
		f.Message = fmt.Sprintf("its manifest has %s, which %s: helm upgrade fails, whatever the new chart writes", inWords(gone), notServedBy(gone, server))
		p.Report(f).WithFix(rule.Fix{
			Title: "rewrite what Helm keeps with its plugin mapkubeapis, then upgrade the release to " + newChart(gone), Applicability: rule.NeedsThought,
			Caution: "it adds a revision to the release: nobody else may upgrade it at the same time",
			Lines:   []string{helmLine(p, "mapkubeapis", r.Name, "--dry-run"), helmLine(p, "mapkubeapis", r.Name)},
		})
		return
	}
	f.Message = fmt.Sprintf("its manifest has %s, which the next Kubernetes, 1.%d, does not serve: helm upgrade fails after that upgrade", inWords(going), server+1)
	p.Report(f).WithFix(rule.Fix{
		Title: "upgrade the release to " + newChart(going) + ", before the cluster is upgraded", Applicability: rule.NeedsThought,
		Caution: "where no such chart is out yet, the plugin mapkubeapis rewrites what Helm keeps, before or after the upgrade of the cluster",
		Lines:   []string{helmLine(p, "get", "manifest", r.Name)},
	})
}

// inWords names the first objects of a list.
func inWords(list []unserved) string {
	var names []string
	for _, u := range list[:min(len(list), namedObjects)] {
		names = append(names, u.String())
	}
	text := strings.Join(names, ", ")
	if left := len(list) - len(names); left > 0 {
		text += fmt.Sprintf(" and %s more", rule.Count(left, "object"))
	}
	return text
}

// notServedBy says who does not serve the objects of a list.
func notServedBy(list []unserved, server int) string {
	defined := 0
	for _, u := range list {
		if u.removed == 0 {
			defined++
		}
	}
	switch defined {
	case 0:
		return fmt.Sprintf("Kubernetes 1.%d does not serve", server)
	case len(list):
		return "the definition of the kind does not serve"
	}
	return "this cluster does not serve"
}

// newChart is what a chart must be like that can be upgraded to.
func newChart(list []unserved) string {
	var versions []string
	for _, u := range list {
		if u.instead != "" && !slices.Contains(versions, u.instead) {
			versions = append(versions, u.instead)
		}
	}
	if len(versions) == 0 {
		return "a chart that does without"
	}
	return "a chart that writes " + strings.Join(versions, ", ")
}

// judgeKubeVersion looks at which versions of Kubernetes a chart wants.
func judgeKubeVersion(p *rule.Pass) {
	r := readRelease(p)
	if r == nil {
		return
	}
	server := versionsOf(p.Snapshot).newestServer
	if server == 0 {
		p.Unknown("the version of the API server is not known")
		return
	}
	wants := r.Chart.KubeVersion
	next, ok := knowledge.KubeVersionAllows(wants, server+1)
	if !ok {
		p.Unknown("the chart %s wants Kubernetes %s, which cannot be read", chartOf(r), rule.Quote(wants))
		return
	}
	if next {
		return
	}
	f := rule.Finding{NoField: inSecret}
	fix := rule.Fix{
		Title: "upgrade the release to a version of the chart that takes it, before the cluster is upgraded", Applicability: rule.NeedsThought, Lines: []string{helmLine(p, "history", r.Name)},
		Caution: "read the chart's notes on the way: a bound in kubeVersion often stands for something that really breaks",
	}
	if now, _ := knowledge.KubeVersionAllows(wants, server); now {
		f.Message = fmt.Sprintf("the chart %s wants Kubernetes %s, which the next one, 1.%d, is not: helm upgrade refuses after that upgrade", chartOf(r), rule.Quote(wants), server+1)
		if server+1 > knowledge.NewestRelease(p.Now) { // nobody can upgrade to it yet
			f.Severity = rule.Low
		}
	} else {
		f.Message = fmt.Sprintf("the chart %s wants Kubernetes %s, and 1.%d runs: helm upgrade refuses", chartOf(r), rule.Quote(wants), server)
		fix.Title = "upgrade the release to a version of the chart that takes this Kubernetes"
	}
	p.Report(f).WithFix(fix)
}

// judgeStatus looks at the state in which Helm has left a release.
func judgeStatus(p *rule.Pass) {
	r := releaseOf(p)
	f := rule.Finding{NoField: inSecret, Certainty: rule.Likely} // who waits longer than most may be at work still
	fix := rule.Fix{
		Applicability: rule.NeedsThought, Lines: []string{helmLine(p, "history", r.Name)},
		Caution: "see first that no helm, pipeline or operator is at work on it: two at a time leave a mixture",
	}
	what := ""
	switch r.Status {
	case snapshot.ReleaseFailed:
		f.Certainty, f.Severity = rule.Certain, rule.Medium
		f.Message = fmt.Sprintf("revision %d has failed: what runs may be a mixture of it and what was before", r.Revision)
		if !r.Updated.IsZero() {
			f.Message = fmt.Sprintf("revision %d has failed, %s ago: what runs may be a mixture of it and what was before", r.Revision, rule.Human(p.Age(r.Updated.Time)))
		}
		fix.Title = "correct what it failed on and upgrade again, or roll back to the last revision that worked"
		fix.Caution = "what a failed revision has made stays until the next one: compare before you roll back"
		p.Report(f).WithFix(fix)
		return
	case snapshot.ReleasePendingInstall:
		what, fix.Title = "helm install and helm upgrade refuse, as if somebody were at work", "uninstall what is there of it, and install it anew"
		fix.Lines = append(fix.Lines, helmLine(p, "uninstall", r.Name))
	case snapshot.ReleasePendingUpgrade, snapshot.ReleasePendingRollback:
		what, fix.Title = "helm upgrade refuses, as if somebody were at work", "roll back to the last revision that worked, and upgrade again"
		fix.Lines = append(fix.Lines, helmLine(p, "rollback", r.Name)+" <REVISION>")
	case snapshot.ReleaseUninstalling:
		what, fix.Title = "part of it is gone, and helm upgrade refuses", "uninstall it again, once what holds an object of it is found"
		fix.Lines = append(fix.Lines, helmLine(p, "uninstall", r.Name))
	default:
		return
	}
	if r.Updated.IsZero() {
		p.Unknown("since when it is %s is not known", r.Status)
		return
	}
	if age := p.Age(r.Updated.Time); age > atWork {
		f.Message = fmt.Sprintf("%s for %s: %s", r.Status, rule.Human(age), what)
		p.Report(f).WithFix(fix)
	}
}
