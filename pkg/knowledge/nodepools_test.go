package knowledge_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
)

func TestNodePool(t *testing.T) {
	for _, tt := range []struct {
		labels   map[string]string
		name, by string
		how      knowledge.Upgrades
	}{
		{map[string]string{"cloud.google.com/gke-nodepool": "main"}, "main", "Google GKE", knowledge.UpgradesBySelf},
		{map[string]string{"eks.amazonaws.com/nodegroup": "main", "alpha.eksctl.io/nodegroup-name": "other"}, "main", "Amazon EKS", knowledge.UpgradesElsewhere},
		{map[string]string{"karpenter.sh/nodepool": "spot", "eks.amazonaws.com/compute-type": "auto"}, "spot", "Karpenter", knowledge.UpgradesInCluster},
		{map[string]string{"cloud.google.com/gke-nodepool": "", "pool": "a"}, "", "", knowledge.UpgradesByHand},
		{nil, "", "", knowledge.UpgradesByHand},
	} {
		if name, by, how := knowledge.NodePool(tt.labels); name != tt.name || by != tt.by || how != tt.how {
			t.Errorf("%v: %s of %s, %d", tt.labels, name, by, how)
		}
	}
}
