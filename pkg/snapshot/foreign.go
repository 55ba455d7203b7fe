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
	TLSRouteKind     = schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "TLSRoute"}
	TCPRouteKind     = schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "TCPRoute"}
	UDPRouteKind     = schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "UDPRoute"}

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

// Kinds by which a cluster holds everybody to rules, tells who breaks them, and looks into images.
var (
	MutatingPolicyKind     = schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicy"}
	MutatingBindingKind    = schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicyBinding"}
	KyvernoExceptionKind   = schema.GroupKind{Group: "kyverno.io", Kind: "PolicyException"}
	KyvernoCleanupKind     = schema.GroupKind{Group: "kyverno.io", Kind: "CleanupPolicy"}
	KyvernoClusterCleaning = schema.GroupKind{Group: "kyverno.io", Kind: "ClusterCleanupPolicy"}

	KyvernoValidatingKind      = schema.GroupKind{Group: "policies.kyverno.io", Kind: "ValidatingPolicy"}
	KyvernoValidatingLocalKind = schema.GroupKind{Group: "policies.kyverno.io", Kind: "NamespacedValidatingPolicy"}
	KyvernoImagesKind          = schema.GroupKind{Group: "policies.kyverno.io", Kind: "ImageValidatingPolicy"}
	KyvernoImagesLocalKind     = schema.GroupKind{Group: "policies.kyverno.io", Kind: "NamespacedImageValidatingPolicy"}
	KyvernoMutatingKind        = schema.GroupKind{Group: "policies.kyverno.io", Kind: "MutatingPolicy"}
	KyvernoMutatingLocalKind   = schema.GroupKind{Group: "policies.kyverno.io", Kind: "NamespacedMutatingPolicy"}
	KyvernoGeneratingKind      = schema.GroupKind{Group: "policies.kyverno.io", Kind: "GeneratingPolicy"}
	KyvernoGeneratingLocalKind = schema.GroupKind{Group: "policies.kyverno.io", Kind: "NamespacedGeneratingPolicy"}
	KyvernoDeletingKind        = schema.GroupKind{Group: "policies.kyverno.io", Kind: "DeletingPolicy"}
	KyvernoDeletingLocalKind   = schema.GroupKind{Group: "policies.kyverno.io", Kind: "NamespacedDeletingPolicy"}
	KyvernoCELExceptionKind    = schema.GroupKind{Group: "policies.kyverno.io", Kind: "PolicyException"}

	ConstraintTemplateKind     = schema.GroupKind{Group: "templates.gatekeeper.sh", Kind: "ConstraintTemplate"}
	RatifyConstraintKind       = schema.GroupKind{Group: ConstraintGroup, Kind: "RatifyVerification"}
	GatekeeperAssignKind       = schema.GroupKind{Group: "mutations.gatekeeper.sh", Kind: "Assign"}
	GatekeeperMetadataKind     = schema.GroupKind{Group: "mutations.gatekeeper.sh", Kind: "AssignMetadata"}
	GatekeeperImageKind        = schema.GroupKind{Group: "mutations.gatekeeper.sh", Kind: "AssignImage"}
	GatekeeperModifySetKind    = schema.GroupKind{Group: "mutations.gatekeeper.sh", Kind: "ModifySet"}
	KubewardenPolicyKind       = schema.GroupKind{Group: "policies.kubewarden.io", Kind: "AdmissionPolicy"}
	KubewardenClusterKind      = schema.GroupKind{Group: "policies.kubewarden.io", Kind: "ClusterAdmissionPolicy"}
	KubewardenGroupKind        = schema.GroupKind{Group: "policies.kubewarden.io", Kind: "AdmissionPolicyGroup"}
	KubewardenClusterGroupKind = schema.GroupKind{Group: "policies.kubewarden.io", Kind: "ClusterAdmissionPolicyGroup"}

	SigstorePolicyKind      = schema.GroupKind{Group: "policy.sigstore.dev", Kind: "ClusterImagePolicy"}
	RatifyVerifierKind      = schema.GroupKind{Group: "config.ratify.deislabs.io", Kind: "Verifier"}
	OpenShiftImagesKind     = schema.GroupKind{Group: "config.openshift.io", Kind: "ImagePolicy"}
	OpenShiftAllImagesKind  = schema.GroupKind{Group: "config.openshift.io", Kind: "ClusterImagePolicy"}
	PolicyReportKind        = schema.GroupKind{Group: "wgpolicyk8s.io", Kind: "PolicyReport"}
	ClusterPolicyReportKind = schema.GroupKind{Group: "wgpolicyk8s.io", Kind: "ClusterPolicyReport"}
	OpenReportKind          = schema.GroupKind{Group: "openreports.io", Kind: "Report"}
	OpenClusterReportKind   = schema.GroupKind{Group: "openreports.io", Kind: "ClusterReport"}
	VulnerabilityReportKind = schema.GroupKind{Group: "aquasecurity.github.io", Kind: "VulnerabilityReport"}
	KubescapeSummaryKind    = schema.GroupKind{Group: "spdx.softwarecomposition.kubescape.io", Kind: "VulnerabilityManifestSummary"}
)

// ConstraintGroup is the group of Gatekeeper's constraints: each template makes a kind of its own in it.
const ConstraintGroup = "constraints.gatekeeper.sh"

// Kinds by which Secrets come from where they are kept, other than ExternalSecret and SealedSecret.
var (
	SecretProviderKind  = schema.GroupKind{Group: "secrets-store.csi.x-k8s.io", Kind: "SecretProviderClass"}
	VaultStaticKind     = schema.GroupKind{Group: "secrets.hashicorp.com", Kind: "VaultStaticSecret"}
	VaultDynamicKind    = schema.GroupKind{Group: "secrets.hashicorp.com", Kind: "VaultDynamicSecret"}
	VaultPKIKind        = schema.GroupKind{Group: "secrets.hashicorp.com", Kind: "VaultPKISecret"}
	OnePasswordItemKind = schema.GroupKind{Group: "onepassword.com", Kind: "OnePasswordItem"}
	InfisicalSecretKind = schema.GroupKind{Group: "secrets.infisical.com", Kind: "InfisicalSecret"}
	DopplerSecretKind   = schema.GroupKind{Group: "secrets.doppler.com", Kind: "DopplerSecret"}
	BitwardenSecretKind = schema.GroupKind{Group: "k8s.bitwarden.com", Kind: "BitwardenSecret"}
	SopsSecretKind      = schema.GroupKind{Group: "isindir.github.com", Kind: "SopsSecret"}
)

// Kinds by which metrics are collected, alerts are made of them, and goals are set for services. Source: the CRDs of
// prometheus-operator, the VictoriaMetrics and OpenTelemetry operators, Google's managed Prometheus, Azure's, Grafana's and
// Datadog's operators, Sloth, Pyrra, OpenSLO and Config Connector.
var (
	PrometheusKind         = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "Prometheus"}
	PrometheusAgentKind    = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "PrometheusAgent"}
	ScrapeConfigKind       = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "ScrapeConfig"}
	ThanosRulerKind        = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "ThanosRuler"}
	AlertmanagerKind       = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "Alertmanager"}
	AlertmanagerConfigKind = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "AlertmanagerConfig"}

	AzureServiceMonitorKind = schema.GroupKind{Group: "azmonitoring.coreos.com", Kind: "ServiceMonitor"}
	AzurePodMonitorKind     = schema.GroupKind{Group: "azmonitoring.coreos.com", Kind: "PodMonitor"}

	VMServiceScrapeKind      = schema.GroupKind{Group: "operator.victoriametrics.com", Kind: "VMServiceScrape"}
	VMPodScrapeKind          = schema.GroupKind{Group: "operator.victoriametrics.com", Kind: "VMPodScrape"}
	VMAgentKind              = schema.GroupKind{Group: "operator.victoriametrics.com", Kind: "VMAgent"}
	VMSingleKind             = schema.GroupKind{Group: "operator.victoriametrics.com", Kind: "VMSingle"}
	VMRuleKind               = schema.GroupKind{Group: "operator.victoriametrics.com", Kind: "VMRule"}
	VMAlertKind              = schema.GroupKind{Group: "operator.victoriametrics.com", Kind: "VMAlert"}
	VMAlertmanagerKind       = schema.GroupKind{Group: "operator.victoriametrics.com", Kind: "VMAlertmanager"}
	VMAlertmanagerConfigKind = schema.GroupKind{Group: "operator.victoriametrics.com", Kind: "VMAlertmanagerConfig"}

	PodMonitoringKind        = schema.GroupKind{Group: "monitoring.googleapis.com", Kind: "PodMonitoring"}
	ClusterPodMonitoringKind = schema.GroupKind{Group: "monitoring.googleapis.com", Kind: "ClusterPodMonitoring"}
	GoogleRulesKind          = schema.GroupKind{Group: "monitoring.googleapis.com", Kind: "Rules"}
	GoogleClusterRulesKind   = schema.GroupKind{Group: "monitoring.googleapis.com", Kind: "ClusterRules"}
	GoogleGlobalRulesKind    = schema.GroupKind{Group: "monitoring.googleapis.com", Kind: "GlobalRules"}

	OTelCollectorKind     = schema.GroupKind{Group: "opentelemetry.io", Kind: "OpenTelemetryCollector"}
	TargetAllocatorKind   = schema.GroupKind{Group: "opentelemetry.io", Kind: "TargetAllocator"}
	GrafanaAlertGroupKind = schema.GroupKind{Group: "grafana.integreatly.org", Kind: "GrafanaAlertRuleGroup"}
	DatadogMonitorKind    = schema.GroupKind{Group: "datadoghq.com", Kind: "DatadogMonitor"}

	SlothLevelKind  = schema.GroupKind{Group: "sloth.slok.dev", Kind: "PrometheusServiceLevel"}
	PyrraLevelKind  = schema.GroupKind{Group: "pyrra.dev", Kind: "ServiceLevelObjective"}
	OpenSLOKind     = schema.GroupKind{Group: "openslo.com", Kind: "SLO"}
	GoogleLevelKind = schema.GroupKind{Group: "monitoring.cnrm.cloud.google.com", Kind: "MonitoringServiceLevelObjective"}
	DatadogSLOKind  = schema.GroupKind{Group: "datadoghq.com", Kind: "DatadogSLO"}
)

// Kinds by which nodes come, go and are repaired by themselves, and by which faults are caused on purpose.
var (
	NodePoolKind               = schema.GroupKind{Group: "karpenter.sh", Kind: "NodePool"}
	NodeHealthCheckKind        = schema.GroupKind{Group: "remediation.medik8s.io", Kind: "NodeHealthCheck"}
	MachineKind                = schema.GroupKind{Group: "cluster.x-k8s.io", Kind: "Machine"}
	MachineHealthCheckKind     = schema.GroupKind{Group: "cluster.x-k8s.io", Kind: "MachineHealthCheck"}
	OpenShiftMachineHealthKind = schema.GroupKind{Group: "machine.openshift.io", Kind: "MachineHealthCheck"}
	LitmusEngineKind           = schema.GroupKind{Group: "litmuschaos.io", Kind: "ChaosEngine"}
	LitmusResultKind           = schema.GroupKind{Group: "litmuschaos.io", Kind: "ChaosResult"}
	ChaosMeshWorkflowKind      = schema.GroupKind{Group: ChaosMeshGroup, Kind: "Workflow"}
)

// Kinds by which Git is compared with a cluster, versions are tried out on a few, and new images are taken in, other than
// those of Argo CD and Flux above; and what remembers how much was used. Source: the CRDs of Config Sync, Fleet, Argo
// Rollouts, Flagger, Flux' image automation, Argo CD's image updater, and the vertical autoscaler.
var (
	RootSyncKind                = schema.GroupKind{Group: "configsync.gke.io", Kind: "RootSync"}
	RepoSyncKind                = schema.GroupKind{Group: "configsync.gke.io", Kind: "RepoSync"}
	FleetRepoKind               = schema.GroupKind{Group: "fleet.cattle.io", Kind: "GitRepo"}
	AnalysisTemplateKind        = schema.GroupKind{Group: "argoproj.io", Kind: "AnalysisTemplate"}
	ClusterAnalysisTemplateKind = schema.GroupKind{Group: "argoproj.io", Kind: "ClusterAnalysisTemplate"}
	FlaggerCanaryKind           = schema.GroupKind{Group: "flagger.app", Kind: "Canary"}
	ImageUpdateAutomationKind   = schema.GroupKind{Group: "image.toolkit.fluxcd.io", Kind: "ImageUpdateAutomation"}
	ImageUpdaterKind            = schema.GroupKind{Group: "argocd-image-updater.argoproj.io", Kind: "ImageUpdater"}
	VPACheckpointKind           = schema.GroupKind{Group: "autoscaling.k8s.io", Kind: "VerticalPodAutoscalerCheckpoint"}
	VMClusterKind               = schema.GroupKind{Group: "operator.victoriametrics.com", Kind: "VMCluster"}
)

// Kinds by which nodes are upgraded, other than NodePool.
var (
	UpgradePlanKind       = schema.GroupKind{Group: "upgrade.cattle.io", Kind: "Plan"}
	MachineDeploymentKind = schema.GroupKind{Group: "cluster.x-k8s.io", Kind: "MachineDeployment"}
)

// ChaosMeshGroup is the group of Chaos Mesh: each sort of fault is a kind of its own in it.
const ChaosMeshGroup = "chaos-mesh.org"

// What the backups of others than Velero leave behind.
var (
	CNPGBackupKind    = schema.GroupKind{Group: "postgresql.cnpg.io", Kind: "Backup"}
	VolSyncTargetKind = schema.GroupKind{Group: "volsync.backube", Kind: "ReplicationDestination"}
)

// Kinds that say under which names a cluster is reached from outside, other than those of Kubernetes itself.
var (
	OpenShiftRouteKind      = schema.GroupKind{Group: "route.openshift.io", Kind: "Route"}
	IstioVirtualServiceKind = schema.GroupKind{Group: "networking.istio.io", Kind: "VirtualService"}
	TraefikRouteKind        = schema.GroupKind{Group: "traefik.io", Kind: "IngressRoute"}
)
