package maintenance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Nodes that are replaced with each release of Kubernetes, three a year, live up to four months; the system below
// them gets fixes every few weeks. Machines that people install themselves are mostly patched in place.
const (
	day         = 24 * time.Hour
	veryOldNode = 180 * day
	oldMachine  = 365 * day
)

// clouds are how the ids of machines start that a cloud makes anew from an image. Source: the cloud providers of
// Kubernetes, which set spec.providerID.
var clouds = []string{"aws://", "azure://", "gce://", "digitalocean://", "linode://", "oci://", "ocid1.", "alicloud://", "scaleway://", "ovhcloud://", "hcloud://", "exoscale://", "vultr://", "civo://"}

func ofCloud(node *corev1.Node) bool {
	return slices.ContainsFunc(clouds, func(start string) bool { return strings.HasPrefix(node.Spec.ProviderID, start) })
}

// NodeOld finds nodes that nobody has replaced for long.
var NodeOld = rule.Check{
	ID: "node-old", Title: "has not been replaced for long", Doc: rule.ReadDoc(docs, "node_old.md"),
	Dimension: rule.Maintenance, Severity: rule.Low, On: rule.Kinds(snapshot.NodeKind),
	Numbers: map[string]rule.Number{"days": {Value: 90, Least: 1, Most: 3650}},
	Applies: func(p *rule.Pass) bool {
		created := p.Object.Meta.GetCreationTimestamp()
		labels := p.Object.Meta.GetLabels() // a virtual kubelet is no machine, and one of Fargate is its provider's
		return !created.IsZero() && labels["type"] != "virtual-kubelet" && labels["eks.amazonaws.com/compute-type"] != "fargate"
	},
	Run: func(p *rule.Pass) {
		node, ok := p.Object.Typed.(*corev1.Node)
		age := p.Age(p.Object.Meta.GetCreationTimestamp().Time)
		if !ok || age < time.Duration(p.Number("days"))*day || !ofCloud(node) && age < oldMachine {
			return
		}
		f := rule.Finding{
			Field: field.NewPath("metadata", "creationTimestamp"), Certainty: rule.Likely, Label: "joined " + rule.Human(age) + " ago",
			Message: fmt.Sprintf("is %s old: unless it is patched in place, its system lacks the fixes since then", rule.Human(age)),
		}
		if info := node.Status.NodeInfo; info.KernelVersion != "" {
			f.Message = fmt.Sprintf("is %s old, with kernel %s and %s: unless it is patched in place, its system lacks the fixes since then", rule.Human(age), info.KernelVersion, info.ContainerRuntimeVersion)
		}
		if age < veryOldNode || !ofCloud(node) {
			f.Severity = rule.Info
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "replace it by a new one: drain it, and delete it once its pods run elsewhere", Applicability: rule.NeedsThought,
			Caution: "data on the node itself goes with it, emptyDir and local volumes; PodDisruptionBudgets must allow the drain",
		})
	},
}
