package reliability

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RemediationMissing finds clusters whose nodes wait for somebody to repair them.
var RemediationMissing = rule.Check{
	ID: "remediation-missing", Title: "nothing seen repairs nodes by itself", Doc: rule.ReadDoc(docs, "remediation_missing.md"),
	Dimension: rule.Reliability, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: []schema.GroupKind{
		snapshot.NodeKind, snapshot.DeploymentKind, snapshot.DaemonSetKind, snapshot.NodeHealthCheckKind, snapshot.MachineKind, snapshot.MachineHealthCheckKind, snapshot.OpenShiftMachineHealthKind, snapshot.NodePoolKind,
	},
	Run: func(p *rule.Pass) {
		if watched(p) {
			return
		}
		repaired, hidden := byProvider(p)
		switch finder, mender := repairers(p); {
		case repaired, finder && mender, repairingKarpenter(p):
		case hidden != "":
			p.Unknown("%s", hidden)
		default:
			f := rule.Finding{NoField: "what is missing stands nowhere", Certainty: rule.Likely, Message: "nothing that was read replaces or repairs a node that fails: its pods move, and the node stays away until somebody looks"}
			switch {
			case finder:
				f.Message = "node-problem-detector finds what is wrong with a node, and nothing that was read acts on what it finds"
			case mender:
				f.Message = "draino or kured acts on conditions of nodes, and no node-problem-detector sets any but the kubelet's own"
			}
			p.Report(f).WithFix(rule.Fix{
				Title: "have nodes that fail replaced: by the cloud's own repair, a MachineHealthCheck or a NodeHealthCheck", Applicability: rule.NeedsThought,
				Caution: "bound how many it may repair at a time: a fault of the network makes all nodes look broken at once",
			})
		}
	},
}

// watched tells whether a health check that is at work looks at nodes of this cluster.
func watched(p *rule.Pass) bool {
	for _, o := range p.List(snapshot.NodeHealthCheckKind, "") {
		phase := snapshot.TextIn(o.Content, "status", "phase")
		if phase != "Disabled" && phase != "Paused" && countsAny(o.Content, "status", "observedNodes") {
			return true
		}
	}
	for _, o := range p.List(snapshot.OpenShiftMachineHealthKind, "") {
		if countsAny(o.Content, "status", "expectedMachines") {
			return true
		}
	}
	// A cluster that makes others holds their health checks too: those of its own machines count.
	here := false
	for _, o := range p.List(snapshot.MachineKind, "") {
		if name := snapshot.TextIn(o.Content, "status", "nodeRef", "name"); name != "" {
			n, _ := p.Lookup(snapshot.NodeKind, "", name)
			here = here || n != nil
		}
	}
	if !here {
		return false
	}
	for _, o := range p.List(snapshot.MachineHealthCheckKind, "") {
		if countsAny(o.Content, "status", "expectedMachines") {
			return true
		}
	}
	return false
}

// byProvider tells whether whoever provides the nodes repairs them, or why that cannot be seen.
// Source: the documentation of AKS (node auto-repair, always on), of EKS (Auto Mode repairs, managed node groups may), of Gardener
// (its machine controller replaces) and of GKE (auto-repair may be turned off).
func byProvider(p *rule.Pass) (repaired bool, hidden string) {
	for _, o := range p.List(snapshot.NodeKind, "") {
		labels := o.Meta.GetLabels()
		switch {
		case labels["kubernetes.azure.com/cluster"] != "", labels["eks.amazonaws.com/compute-type"] == "auto", labels["worker.gardener.cloud/pool"] != "":
			return true, ""
		case labels["cloud.google.com/gke-nodepool"] != "":
			hidden = "whether GKE repairs the nodes of its pools stands outside of the cluster"
		case labels["eks.amazonaws.com/nodegroup"] != "":
			hidden = "whether EKS repairs the nodes of its groups stands outside of the cluster"
		}
	}
	return false, hidden
}

// repairers tells whether something that is running finds problems of nodes, and whether something acts on them.
func repairers(p *rule.Pass) (finder, mender bool) {
	for _, gk := range []schema.GroupKind{snapshot.DeploymentKind, snapshot.DaemonSetKind} {
		for _, o := range p.List(gk, "") {
			if !running(o) {
				continue
			}
			for _, t := range o.Templates {
				for _, c := range t.Containers() {
					switch knowledge.ImageBase(c.Image) {
					case "node-problem-detector":
						finder = true
					case "draino", "kured":
						mender = true
					}
				}
			}
		}
	}
	return finder, mender
}

// repairingKarpenter tells whether Karpenter is told to replace nodes that are not well, which it does not by default.
func repairingKarpenter(p *rule.Pass) bool {
	if len(p.List(snapshot.NodePoolKind, "")) == 0 {
		return false
	}
	for _, o := range p.List(snapshot.DeploymentKind, "") {
		for _, t := range o.Templates {
			for _, c := range t.Containers() {
				for _, e := range c.Env {
					if e.Name == "FEATURE_GATES" && strings.Contains(e.Value, "NodeRepair=true") && running(o) {
						return true
					}
				}
			}
		}
	}
	return false
}

// running tells whether a workload has a pod that is ready.
func running(o *snapshot.Object) bool {
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		return t.Status.ReadyReplicas > 0
	case *appsv1.DaemonSet:
		return t.Status.NumberReady > 0
	}
	return false
}
