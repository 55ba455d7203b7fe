package maintenance

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AutoUpgradeMissing finds clusters in which nothing upgrades nodes but people.
var AutoUpgradeMissing = rule.Check{
	ID: "auto-upgrade-missing", Title: "nothing upgrades the nodes by itself", Doc: rule.ReadDoc(docs, "auto_upgrade_missing.md"),
	Dimension: rule.Maintenance, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs:   []schema.GroupKind{snapshot.NodeKind, snapshot.DaemonSetKind, snapshot.NodePoolKind, snapshot.UpgradePlanKind, snapshot.MachineDeploymentKind},
	Applies: hasMachines,
	Run: func(p *rule.Pass) {
		nodes := machines(p.Snapshot)
		provider, sleeping := "", ""
		for _, o := range nodes {
			labels, annotations := o.Meta.GetLabels(), o.Meta.GetAnnotations()
			pool, by, how := knowledge.NodePool(labels)
			switch {
			case how == knowledge.UpgradesBySelf, labels["eks.amazonaws.com/compute-type"] == "auto",
				annotations["machineconfiguration.openshift.io/currentConfig"] != "":
				return
			case how == knowledge.UpgradesElsewhere && provider == "":
				provider = by
			case how == knowledge.UpgradesInCluster:
				if karpenterRenews(p.Snapshot, pool) {
					return
				}
				sleeping = "NodePool " + pool + " of Karpenter"
			}
			if annotations["cluster.x-k8s.io/owner-kind"] == "MachineSet" {
				if machinesRoll(p.Snapshot, annotations["cluster.x-k8s.io/cluster-name"]) {
					return
				}
				sleeping = "the MachineDeployments of Cluster API"
			}
		}
		for _, o := range p.List(snapshot.UpgradePlanKind, "") {
			if planWorks(o, nodes) {
				return
			}
			sleeping = "Plan " + o.Name + " of the system-upgrade-controller"
		}
		for _, o := range p.List(snapshot.DaemonSetKind, "") {
			of := updaterOf(o)
			if ds, ok := o.Typed.(*appsv1.DaemonSet); ok && of != "" {
				if ds.Status.NumberReady > 0 {
					return
				}
				sleeping = of
			}
		}
		if provider != "" {
			p.Unknown("whether %s upgrades its pools of nodes by itself stands in its own settings", provider)
			return
		}
		message := "nothing is seen that upgrades nodes by itself: it waits for somebody to find the time"
		if sleeping != "" {
			message = "nothing is seen that upgrades nodes by itself: " + sleeping + " is there, and does not as it is set or as it runs"
		}
		p.Report(rule.Finding{Certainty: rule.Likely, NoField: "what is missing stands nowhere", Message: message}).WithFix(rule.Fix{
			Title: "let a program replace or upgrade nodes: the provider's own pools, Karpenter, Cluster API, the system-upgrade-controller, or kured for restarts", Applicability: rule.NeedsThought,
			Caution: "first see that workloads stand a drain: replicas, budgets that allow one, and state that is not on the node",
		})
	},
}

// karpenterRenews tells whether Karpenter replaces the nodes of a pool: those that have reached their age, thirty days
// unless it is set, or that differ from what the pool says now, unless a budget forbids that at all times. Source: the
// documentation of Karpenter on disruption. A pool that is gone renews nothing.
func karpenterRenews(s *snapshot.Snapshot, pool string) bool {
	all := s.List(snapshot.NodePoolKind, "")
	i := slices.IndexFunc(all, func(o *snapshot.Object) bool { return o.Name == pool })
	if i < 0 {
		return false
	}
	o := all[i]
	if rule.StatusFalse(o, "Ready") {
		return false
	}
	age, _ := o.At("spec", "template", "spec", "expireAfter")
	if age == nil {
		age, _ = o.At("spec", "disruption", "expireAfter") // before v1
	}
	if age != "Never" {
		return true
	}
	list, _ := o.At("spec", "disruption", "budgets")
	budgets, _ := list.([]any)
	return !slices.ContainsFunc(budgets, func(item any) bool {
		b, _ := item.(map[string]any)
		reasons, _ := b["reasons"].([]any)
		return (b["nodes"] == "0" || b["nodes"] == "0%") && b["schedule"] == nil && (len(reasons) == 0 || slices.Contains(reasons, any("Drifted")))
	})
}

// machinesRoll tells whether Cluster API makes the machines of a cluster anew once a version is set. Mostly that is
// done from another cluster, whose objects are not seen here.
func machinesRoll(s *snapshot.Snapshot, cluster string) bool {
	seen := false
	for _, o := range s.List(snapshot.MachineDeploymentKind, "") {
		if of, _ := o.At("spec", "clusterName"); of != cluster {
			continue
		}
		seen = true
		paused, _ := o.At("spec", "paused")
		if _, held := o.Meta.GetAnnotations()["cluster.x-k8s.io/paused"]; paused != true && !held {
			return true
		}
	}
	return !seen
}

// planWorks tells whether a plan of the system-upgrade-controller found its version, and a node that it is for.
func planWorks(o *snapshot.Object, nodes []*snapshot.Object) bool {
	if version, _ := o.At("status", "latestVersion"); version == nil || version == "" {
		return false
	}
	if rule.StatusFalse(o, "LatestResolved") {
		return false
	}
	raw, _ := o.At("spec", "nodeSelector")
	content, ok := raw.(map[string]any)
	var ls metav1.LabelSelector
	if !ok || runtime.DefaultUnstructuredConverter.FromUnstructured(content, &ls) != nil {
		return false
	}
	selector, err := snapshot.SelectorOf(&ls)
	return err == nil && slices.ContainsFunc(nodes, func(node *snapshot.Object) bool { return selector.Matches(labels.Set(node.Meta.GetLabels())) })
}

// updaters are programs that run on each node and bring its system up to date, or restart it for that, by the end of their
// image's name.
var updaters = []struct{ image, name string }{
	{"kured", "kured"}, {"bottlerocket-update-operator", "the update operator of Bottlerocket"}, {"flatcar-linux-update-operator", "the update operator of Flatcar"},
}

func updaterOf(o *snapshot.Object) string {
	for _, t := range o.Templates {
		for _, c := range t.Containers() {
			image, ok := knowledge.ParseImage(c.Image)
			if !ok {
				continue
			}
			name := image.Repository[strings.LastIndexByte(image.Repository, '/')+1:]
			for _, u := range updaters {
				if name == u.image {
					return u.name
				}
			}
		}
	}
	return ""
}
