package delivery

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// keeping are the kinds by which a tool in the cluster keeps it as Git says, what people call them, and which of them work.
var keeping = []struct {
	kind  schema.GroupKind
	name  string // one of them
	works func(*snapshot.Object) bool
	state func(*snapshot.Object) string
}{
	{snapshot.ApplicationKind, "Argo CD application", syncedAndHealthy, applicationState},
	{snapshot.KustomizationKind, "Flux kustomization", readyAndActive, fluxState},
	{snapshot.HelmReleaseKind, "Flux release", readyAndActive, fluxState},
	{snapshot.RootSyncKind, "Config Sync root", configSynced, syncState},
	{snapshot.RepoSyncKind, "Config Sync repo", configSynced, syncState},
	{snapshot.FleetRepoKind, "Fleet repo", readyAndActive, fluxState},
}

// GitOpsMissing finds clusters in which nothing keeps the objects as Git says.
var GitOpsMissing = rule.Check{
	ID: "gitops-missing", Title: "nothing keeps the cluster as Git says", Doc: rule.ReadDoc(docs, "gitops_missing.md"),
	Dimension: rule.Delivery, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: []schema.GroupKind{
		snapshot.ApplicationKind, snapshot.KustomizationKind, snapshot.HelmReleaseKind, snapshot.RootSyncKind, snapshot.RepoSyncKind, snapshot.FleetRepoKind,
		snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind,
	},
	Run: func(p *rule.Pass) {
		var counts, broken []string
		for _, k := range keeping {
			list := p.List(k.kind, "")
			if slices.ContainsFunc(list, k.works) {
				return
			}
			if len(list) > 0 {
				counts = append(counts, rule.Count(len(list), k.name))
				broken = append(broken, fmt.Sprintf("%s is %s", inNamespace(list[0]), k.state(list[0])))
			}
		}
		f := rule.Finding{NoField: "what is missing stands nowhere"}
		fix := rule.Fix{
			Title: "let Argo CD or Flux apply one application from Git, and take the others in one by one", Applicability: rule.NeedsThought,
			Caution: "what was changed by hand is undone by it: compare what runs with what is in Git first",
		}
		if len(counts) == 0 {
			if by, o := keptFromOutside(p); o != nil {
				p.Unknown("%s keeps %s, and what tells how that goes is not in this cluster", by, inNamespace(o))
				return
			}
			f.Message = "no application of Argo CD and no kustomization or release of Flux is in the cluster: nothing compares what runs with what is in Git"
			p.Report(f).WithFix(fix)
			return
		}
		f.Message = fmt.Sprintf("%s, and none works: %s", strings.Join(counts, " and "), strings.Join(broken, "; "))
		fix.Title, fix.Caution = "mend what their status says", "what waited since then is applied at once: look at the difference first"
		p.Report(f).WithFix(fix)
	},
}

// keptFromOutside is a workload that Argo CD or its like keeps, where its own objects are in another cluster.
func keptFromOutside(p *rule.Pass) (tool string, o *snapshot.Object) {
	for _, gk := range []schema.GroupKind{snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind} {
		for _, o := range p.List(gk, "") {
			if k := keeperOf(o); k.Undoes {
				return k.Tool, o
			}
		}
	}
	return "", nil
}

func syncedAndHealthy(o *snapshot.Object) bool {
	return text(o, "status", "sync", "status") == "Synced" && text(o, "status", "health", "status") == "Healthy"
}

// readyAndActive tells whether an object that says of itself whether it is ready is, and nobody suspended it.
func readyAndActive(o *snapshot.Object) bool {
	return rule.StatusTrue(o, "Ready") && !suspended(o) && !pausedRepo(o)
}

// pausedRepo tells whether Fleet was told to leave a repository alone.
func pausedRepo(o *snapshot.Object) bool {
	v, _ := o.At("spec", "paused")
	yes, _ := v.(bool)
	return yes
}

func fluxState(o *snapshot.Object) string {
	c := ready(o)
	switch {
	case suspended(o) || pausedRepo(o):
		return "suspended"
	case c == nil:
		return "without a status"
	case snapshot.TextIn(c, "reason") != "":
		return "not ready, " + snapshot.TextIn(c, "reason")
	}
	return "not ready"
}

// configSynced tells whether Config Sync has applied a commit and is not stuck. Source: the status of RootSync.
func configSynced(o *snapshot.Object) bool {
	return !rule.StatusTrue(o, "Stalled") && text(o, "status", "lastSyncedCommit") != "" && text(o, "status", "lastSyncedCommit") == text(o, "status", "sync", "commit")
}

func syncState(o *snapshot.Object) string {
	if text(o, "status", "lastSyncedCommit") == "" {
		return "without a commit that was applied"
	}
	return "stalled or behind"
}

func applicationState(o *snapshot.Object) string {
	sync, health := text(o, "status", "sync", "status"), text(o, "status", "health", "status")
	if sync == "" && health == "" {
		return "without a status"
	}
	return strings.Trim(sync+", "+health, ", ")
}

// inNamespace names an object and where it is.
func inNamespace(o *snapshot.Object) string {
	if o.Namespace == "" {
		return o.String()
	}
	return o.String() + " in " + o.Namespace
}
