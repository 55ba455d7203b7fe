package maintenance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodeVersionsMany finds pools whose nodes are of many versions.
var NodeVersionsMany = rule.Check{
	ID: "node-versions-many", Title: "nodes of one pool in many versions", Doc: rule.ReadDoc(docs, "node_versions_many.md"),
	Dimension: rule.Maintenance, Severity: rule.Low, Off: true, On: rule.Kinds(snapshot.ClusterKind), Needs: []schema.GroupKind{snapshot.NodeKind},
	Numbers: map[string]rule.Number{"versions": {Value: 2, Least: 1, Most: 100}}, // those before and after an upgrade
	Applies: hasMachines,
	Run: func(p *rule.Pass) {
		type made struct {
			versions string
			nodes    int
		}
		pools := map[string][]made{}
		for _, o := range machines(p.Snapshot) {
			node, ok := o.Typed.(*corev1.Node)
			if !ok {
				continue
			}
			pool, versions := poolOf(node), versionsOfNode(node)
			i := slices.IndexFunc(pools[pool], func(m made) bool { return m.versions == versions })
			if i < 0 {
				i = len(pools[pool])
				pools[pool] = append(pools[pool], made{versions: versions})
			}
			pools[pool][i].nodes++
		}
		var many []string
		for pool, list := range pools {
			if len(list) > p.Number("versions") {
				many = append(many, pool)
			}
		}
		if len(many) == 0 {
			return
		}
		slices.SortFunc(many, func(a, b string) int {
			return cmp.Or(cmp.Compare(len(pools[b]), len(pools[a])), strings.Compare(a, b))
		})
		worst := pools[many[0]]
		slices.SortFunc(worst, func(a, b made) int {
			return cmp.Or(cmp.Compare(b.nodes, a.nodes), strings.Compare(a.versions, b.versions))
		})
		nodes := 0
		var words []string
		for i, m := range worst {
			nodes += m.nodes
			if i < namedVersions {
				words = append(words, fmt.Sprintf("%s on %s", m.versions, rule.Count(m.nodes, "node")))
			}
		}
		if more := len(worst) - len(words); more > 0 {
			words = append(words, fmt.Sprintf("%d more", more))
		}
		message := fmt.Sprintf("%s of %s differ in kubelet, system or container runtime, in %d ways: %s", rule.Count(nodes, "node"), many[0], len(worst), strings.Join(words, "; "))
		if more := len(many) - 1; more > 0 {
			message += fmt.Sprintf("; and so do those of %s more", rule.Count(more, "pool"))
		}
		p.Report(rule.Finding{NoField: "it takes all nodes to see it, and none of them is wrong", Message: message}).WithFix(rule.Fix{
			Title: "replace the nodes that differ by new ones of the pool: drain each, and delete it once its pods run elsewhere", Applicability: rule.NeedsThought,
			Caution: "data on the node itself goes with it, emptyDir and local volumes; PodDisruptionBudgets must allow the drain",
		})
	},
}

// namedVersions is how many ways in which nodes differ a message names.
const namedVersions = 4

// machines are the nodes of which somebody chooses the versions.
func machines(s *snapshot.Snapshot) []*snapshot.Object {
	return slices.DeleteFunc(slices.Clone(s.List(snapshot.NodeKind, "")), func(o *snapshot.Object) bool {
		labels := o.Meta.GetLabels()
		return o.Meta.GetDeletionTimestamp() != nil || labels["type"] == "virtual-kubelet" || labels["eks.amazonaws.com/compute-type"] == "fargate"
	})
}

// hasMachines tells whether there is a node to speak of, or that nobody knows.
func hasMachines(p *rule.Pass) bool {
	return !p.ListRead(snapshot.NodeKind, "") || len(machines(p.Snapshot)) > 0
}

// poolOf words the pool of a node. Without a label for it all that are of one system and role are taken for one.
func poolOf(node *corev1.Node) string {
	if name, by, _ := knowledge.NodePool(node.Labels); name != "" {
		return fmt.Sprintf("pool %s (%s)", name, by)
	}
	if _, control := node.Labels["node-role.kubernetes.io/control-plane"]; control {
		return "the control plane"
	}
	if node.Labels[corev1.LabelOSStable] == "windows" || node.Status.NodeInfo.OperatingSystem == "windows" {
		return "all with Windows"
	}
	return "all"
}

// versionsOfNode words what a node is made of: of the kubelet its minor version, since fixes are rolled out one node at a time.
func versionsOfNode(node *corev1.Node) string {
	info := node.Status.NodeInfo
	kubelet := info.KubeletVersion
	if minor, ok := minorOf(kubelet); ok {
		kubelet = fmt.Sprintf("1.%d", minor)
	}
	words := []string{"kubelet " + cmp.Or(kubelet, "of no version")}
	for _, w := range []string{info.OSImage, info.ContainerRuntimeVersion} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}
