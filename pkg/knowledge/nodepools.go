package knowledge

// poolLabels are the labels of nodes that say to which pool one belongs: machines of a pool are made alike.
// Upgrades tells of whoever provides the pool how nodes get a new version. Sources: the documentation of each.
var poolLabels = []struct {
	label string
	by    string
	how   Upgrades
}{
	{"karpenter.sh/nodepool", "Karpenter", UpgradesInCluster},
	{"cloud.google.com/gke-nodepool", "Google GKE", UpgradesBySelf}, // release channels do, and a cluster is in one unless somebody opted out
	{"eks.amazonaws.com/nodegroup", "Amazon EKS", UpgradesElsewhere},
	{"alpha.eksctl.io/nodegroup-name", "eksctl", UpgradesByHand},
	{"kubernetes.azure.com/agentpool", "Azure AKS", UpgradesElsewhere},
	{"doks.digitalocean.com/node-pool", "DigitalOcean", UpgradesElsewhere},
	{"lke.linode.com/pool-id", "Linode", UpgradesElsewhere},
	{"k8s.scaleway.com/pool-name", "Scaleway", UpgradesElsewhere},
	{"ibm-cloud.kubernetes.io/worker-pool-id", "IBM Cloud", UpgradesElsewhere},
	{"alibabacloud.com/nodepool-id", "Alibaba Cloud", UpgradesElsewhere},
	{"worker.gardener.cloud/pool", "Gardener", UpgradesElsewhere},
	{"vke.vultr.com/node-pool", "Vultr", UpgradesElsewhere},
	{"kubernetes.civo.com/civo-node-pool", "Civo", UpgradesByHand},
	{"kops.k8s.io/instancegroup", "kOps", UpgradesByHand},
}

// Upgrades is how nodes of a pool get a new version.
type Upgrades int

// The ways in which they do.
const (
	UpgradesByHand    Upgrades = iota // somebody asks for it each time
	UpgradesInCluster                 // as objects of the cluster say
	UpgradesElsewhere                 // as the settings of the provider say, which no object shows
	UpgradesBySelf                    // without anybody asking
)

// NodePool is the pool that a node belongs to, who provides it, and how its nodes are upgraded; name is "" where no label says.
func NodePool(labels map[string]string) (name, by string, how Upgrades) {
	for _, l := range poolLabels {
		if v := labels[l.label]; v != "" {
			return v, l.by, l.how
		}
	}
	return "", "", UpgradesByHand
}
