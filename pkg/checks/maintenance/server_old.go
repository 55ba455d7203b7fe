package maintenance

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// staleTable is how old the table of releases may be: Kubernetes has a new one three times a year.
const staleTable = 180 * day

// ServerOld finds a cluster whose API server lags behind the releases of Kubernetes.
var ServerOld = rule.Check{
	ID: "server-old", Title: "API server that lags behind", Doc: rule.ReadDoc(docs, "server_old.md"),
	Dimension: rule.Maintenance, Severity: rule.Medium, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Numbers: map[string]rule.Number{"minors": {Value: 2, Least: 0, Most: 20}, "days": {Value: 90, Least: 1, Most: 3650}},
	Run: func(p *rule.Pass) {
		text, minor, ok := serverVersion(p)
		if !ok {
			return
		}
		newest := knowledge.NewestRelease(p.Now)
		behind := newest - minor
		if behind > p.Number("minors") { // whatever came out since, it is no less than that
			out, _ := knowledge.Released(newest)
			sayOld(p, text, fmt.Sprintf("kube-apiserver %s is %d minor versions behind Kubernetes 1.%d, which came out on %s", text, behind, newest, out.Format(time.DateOnly)), upgrade())
			return
		}
		tableAge := p.Age(knowledge.ReleasesAsOf())
		switch {
		case tableAge > staleTable:
			p.Unknown("releases of Kubernetes are known here up to %s, %s ago: a newer version of this plugin knows more", knowledge.ReleasesAsOf().Format(time.DateOnly), rule.Human(tableAge))
			return
		case minor > knowledge.KubernetesMinor:
			p.Unknown("1.%d is newer than the releases that are known here, up to 1.%d", minor, knowledge.KubernetesMinor)
			return
		}
		v, err := version.ParseGeneric(text)
		if err != nil {
			return
		}
		judgePatch(p, text, minor, int(v.Patch()), tableAge)
	},
}

// judgePatch looks at how long ago the fixes of a version came out, where that is known.
func judgePatch(p *rule.Pass, text string, minor, patch int, tableAge time.Duration) {
	most := time.Duration(p.Number("days")) * day
	out, newest, ok := knowledge.PatchReleased(minor, patch, p.Now)
	age := p.Age(out)
	switch {
	case !ok:
		if _, _, listed := knowledge.PatchReleased(minor, 0, p.Now); listed && tableAge > most {
			p.Unknown("when %s came out is not known here: its releases are known up to %s", text, knowledge.ReleasesAsOf().Format(time.DateOnly))
		}
	case age <= most:
	case newest > patch:
		message := fmt.Sprintf("kube-apiserver %s came out by %s, %s ago, and lacks the fixes of %s since, up to 1.%d.%d", text, out.Format(time.DateOnly), rule.Human(age), rule.Count(newest-patch, "release"), minor, newest)
		sayOld(p, text, message, rule.Fix{
			Title: fmt.Sprintf("upgrade to the newest release of fixes, 1.%d.%d as far as is known here", minor, newest), Applicability: rule.NeedsThought,
			Caution: "the API servers first and one after the other, then the rest of the control plane and the nodes",
		})
	case tableAge > 0:
		p.Unknown("whether there are fixes newer than %s is not known here: its releases are known up to %s", text, knowledge.ReleasesAsOf().Format(time.DateOnly))
	}
}

// sayOld reports the version of the server. Providers number their versions after those of the Kubernetes project, and put fixes into them
// on their own.
func sayOld(p *rule.Pass, text, message string, fix rule.Fix) {
	f := rule.Finding{NoField: noVersionField, Message: message}
	if fork := providerOfServer(p.Snapshot, text); fork != "" {
		f.Certainty, f.Severity = rule.Possible, rule.Low
		f.Message += "; " + fork + " may have put later fixes into it"
	}
	p.Report(f).WithFix(fix)
}
