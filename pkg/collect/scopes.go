package collect

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ofNoNamespace are the kinds that are not Kubernetes' own, are often written by hand, and belong to no namespace. Manifests
// do not say so unless they bring the CustomResourceDefinition. Source: the definitions of each project.
var ofNoNamespace = []schema.GroupKind{
	snapshot.GatewayClassKind, snapshot.CiliumClusterPolicyKind, snapshot.CalicoGlobalPolicyKind, snapshot.CalicoStoredGlobalPolicyKind,
	snapshot.AdminPolicyKind, snapshot.BaselinePolicyKind, snapshot.ClusterNetworkPolicyKind,
	snapshot.VolumeSnapshotContentKind, snapshot.VolumeSnapshotClassKind,
	snapshot.KyvernoClusterKind, snapshot.KyvernoClusterCleaning, snapshot.KyvernoValidatingKind, snapshot.KyvernoImagesKind,
	snapshot.KyvernoMutatingKind, snapshot.KyvernoGeneratingKind, snapshot.KyvernoDeletingKind,
	snapshot.ConstraintTemplateKind, snapshot.GatekeeperAssignKind, snapshot.GatekeeperMetadataKind, snapshot.GatekeeperImageKind, snapshot.GatekeeperModifySetKind,
	snapshot.KubewardenClusterKind, snapshot.KubewardenClusterGroupKind, snapshot.SigstorePolicyKind, snapshot.OpenShiftAllImagesKind,
	snapshot.ClusterPolicyReportKind, snapshot.OpenClusterReportKind, snapshot.SCCKind,
	snapshot.ClusterPodMonitoringKind, snapshot.GoogleClusterRulesKind, snapshot.GoogleGlobalRulesKind,
	snapshot.NodePoolKind, snapshot.NodeHealthCheckKind, snapshot.ClusterAnalysisTemplateKind,
	{Group: "policy", Kind: "PodSecurityPolicy"}, {Group: "extensions", Kind: "PodSecurityPolicy"}, // gone since Kubernetes 1.25, and still in many a repository
	{Group: "karpenter.sh", Kind: "NodeClaim"}, {Group: "karpenter.k8s.aws", Kind: "EC2NodeClass"}, {Group: "karpenter.azure.com", Kind: "AKSNodeClass"},
	{Group: "cert-manager.io", Kind: "ClusterIssuer"},
	{Group: "external-secrets.io", Kind: "ClusterSecretStore"}, {Group: "external-secrets.io", Kind: "ClusterExternalSecret"},
	{Group: "keda.sh", Kind: "ClusterTriggerAuthentication"},
}

// scopes are the kinds that CustomResourceDefinitions of a snapshot define; true for those of no namespace.
func scopes(s *snapshot.Snapshot) map[schema.GroupKind]bool {
	found := map[schema.GroupKind]bool{}
	for _, o := range s.List(snapshot.CRDKind, "") {
		spec := snapshot.MapIn(o.Content, "spec")
		found[schema.GroupKind{Group: snapshot.TextIn(spec, "group"), Kind: snapshot.TextIn(spec, "names", "kind")}] = snapshot.TextIn(spec, "scope") == "Cluster"
	}
	return found
}

// ofOthersUnplaced tells a custom resource that names no namespace: it may be of one that has none.
func ofOthersUnplaced(d decoded) bool {
	_, own := versionOf(d.gvk.GroupKind())
	return !d.placed && !own && newTyped(d.gvk) == nil
}

// place gives custom resources that name no namespace the one that kubectl apply would give them.
func (f *files) place() {
	defined := scopes(f.snapshot)
	for _, p := range f.unplaced {
		gk := p.decoded.gvk.GroupKind()
		none, known := defined[gk]
		if !known {
			none = gk.Group == snapshot.ConstraintGroup || slices.Contains(ofNoNamespace, gk)
		}
		if m, ok := metaOf(p.decoded.object); ok && none {
			m.SetNamespace("")
		}
		f.insert(p)
	}
	f.unplaced = nil
}
