package snapshot

import "k8s.io/apimachinery/pkg/runtime/schema"

// Kinds that are not Kubernetes' own and that rules know. A cluster has them only where somebody installed
// them; they are read as Content. Source of groups and fields: the CRDs of each project.
var (
	ServiceMonitorKind  = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}
	PodMonitorKind      = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "PodMonitor"}
	PrometheusRuleKind  = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "PrometheusRule"}
	InstrumentationKind = schema.GroupKind{Group: "opentelemetry.io", Kind: "Instrumentation"}

	GatewayClassKind = schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "GatewayClass"}
	GatewayKind      = schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "Gateway"}
	HTTPRouteKind    = schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute"}
	GRPCRouteKind    = schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "GRPCRoute"}

	ReferenceGrantKind           = schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "ReferenceGrant"}
	CiliumPolicyKind             = schema.GroupKind{Group: "cilium.io", Kind: "CiliumNetworkPolicy"}
	CiliumClusterPolicyKind      = schema.GroupKind{Group: "cilium.io", Kind: "CiliumClusterwideNetworkPolicy"}
	CalicoPolicyKind             = schema.GroupKind{Group: "projectcalico.org", Kind: "NetworkPolicy"}
	CalicoGlobalPolicyKind       = schema.GroupKind{Group: "projectcalico.org", Kind: "GlobalNetworkPolicy"}
	CalicoStoredPolicyKind       = schema.GroupKind{Group: "crd.projectcalico.org", Kind: "NetworkPolicy"} // the same without Calico's own API server
	CalicoStoredGlobalPolicyKind = schema.GroupKind{Group: "crd.projectcalico.org", Kind: "GlobalNetworkPolicy"}
	AdminPolicyKind              = schema.GroupKind{Group: "policy.networking.k8s.io", Kind: "AdminNetworkPolicy"}
	BaselinePolicyKind           = schema.GroupKind{Group: "policy.networking.k8s.io", Kind: "BaselineAdminNetworkPolicy"}
	ClusterNetworkPolicyKind     = schema.GroupKind{Group: "policy.networking.k8s.io", Kind: "ClusterNetworkPolicy"}

	VolumeSnapshotKind        = schema.GroupKind{Group: "snapshot.storage.k8s.io", Kind: "VolumeSnapshot"}
	VolumeSnapshotContentKind = schema.GroupKind{Group: "snapshot.storage.k8s.io", Kind: "VolumeSnapshotContent"}
	VolumeSnapshotClassKind   = schema.GroupKind{Group: "snapshot.storage.k8s.io", Kind: "VolumeSnapshotClass"}
	VeleroScheduleKind        = schema.GroupKind{Group: "velero.io", Kind: "Schedule"}
	VeleroBackupKind          = schema.GroupKind{Group: "velero.io", Kind: "Backup"}
	VeleroRestoreKind         = schema.GroupKind{Group: "velero.io", Kind: "Restore"}
	VeleroLocationKind        = schema.GroupKind{Group: "velero.io", Kind: "BackupStorageLocation"}
	CNPGClusterKind           = schema.GroupKind{Group: "postgresql.cnpg.io", Kind: "Cluster"}
	CNPGScheduleKind          = schema.GroupKind{Group: "postgresql.cnpg.io", Kind: "ScheduledBackup"}

	CertificateKind     = schema.GroupKind{Group: "cert-manager.io", Kind: "Certificate"}
	ExternalSecretKind  = schema.GroupKind{Group: "external-secrets.io", Kind: "ExternalSecret"}
	SealedSecretKind    = schema.GroupKind{Group: "bitnami.com", Kind: "SealedSecret"}
	ApplicationKind     = schema.GroupKind{Group: "argoproj.io", Kind: "Application"}
	RolloutKind         = schema.GroupKind{Group: "argoproj.io", Kind: "Rollout"}
	KustomizationKind   = schema.GroupKind{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"}
	HelmReleaseKind     = schema.GroupKind{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}
	GitRepositoryKind   = schema.GroupKind{Group: "source.toolkit.fluxcd.io", Kind: "GitRepository"}
	OCIRepositoryKind   = schema.GroupKind{Group: "source.toolkit.fluxcd.io", Kind: "OCIRepository"}
	HelmRepositoryKind  = schema.GroupKind{Group: "source.toolkit.fluxcd.io", Kind: "HelmRepository"}
	HelmChartKind       = schema.GroupKind{Group: "source.toolkit.fluxcd.io", Kind: "HelmChart"}
	BucketKind          = schema.GroupKind{Group: "source.toolkit.fluxcd.io", Kind: "Bucket"}
	SandboxKind         = schema.GroupKind{Group: "agents.x-k8s.io", Kind: "Sandbox"}
	SandboxTemplateKind = schema.GroupKind{Group: "extensions.agents.x-k8s.io", Kind: "SandboxTemplate"}
	KyvernoPolicyKind   = schema.GroupKind{Group: "kyverno.io", Kind: "Policy"}
	KyvernoClusterKind  = schema.GroupKind{Group: "kyverno.io", Kind: "ClusterPolicy"}
	ScaledObjectKind    = schema.GroupKind{Group: "keda.sh", Kind: "ScaledObject"} // makes a HorizontalPodAutoscaler of its own
	VPAKind             = schema.GroupKind{Group: "autoscaling.k8s.io", Kind: "VerticalPodAutoscaler"}
	SCCKind             = schema.GroupKind{Group: "security.openshift.io", Kind: "SecurityContextConstraints"}
)

// Kinds by which other tools than Velero and the operators of databases keep copies of volumes.
var (
	K8upScheduleKind    = schema.GroupKind{Group: "k8up.io", Kind: "Schedule"}
	VolSyncSourceKind   = schema.GroupKind{Group: "volsync.backube", Kind: "ReplicationSource"}
	LonghornJobKind     = schema.GroupKind{Group: "longhorn.io", Kind: "RecurringJob"}
	KastenPolicyKind    = schema.GroupKind{Group: "config.kio.kasten.io", Kind: "Policy"}
	StashBackupKind     = schema.GroupKind{Group: "stash.appscode.com", Kind: "BackupConfiguration"}
	GKEProtectedAppKind = schema.GroupKind{Group: "gkebackup.gke.io", Kind: "ProtectedApplication"}
)
