package knowledge

import "slices"

// KubernetesMinor is the newest stable minor version of Kubernetes 1 that this table knows: what it does not serve
// any more cannot be applied there.
const KubernetesMinor = 37

// APIVersion is what became of a version of some kinds.
type APIVersion struct {
	Version    string // apiVersion, as people write it
	Kinds      []string
	Deprecated int    // since this minor version of Kubernetes 1; 0 where By serves the kinds
	Removed    int    // with this one it is not served any more; 0: no plan
	By         string // of kinds that are not Kubernetes' own: the release that does not serve it any more
	Instead    string // the apiVersion to write, "" where there is none
	Kind       string // the kind to write, "" for the same
	Same       bool   // the content is valid in Instead as it is
	Required   string // a field that Instead asks for, where the content may be without
	Note       string // what to look at on the way
}

const (
	selectorNote = "spec.selector is required, and cannot be changed later"
	shareNote    = "assuredConcurrencyShares is nominalConcurrencyShares now"
	paths        = "a backend is written service.name and service.port now, and each path needs a pathType"
)

// apiVersions are those that are deprecated or gone. Kinds that nobody writes into a file (reviews, scales,
// evictions, lease candidates) are left out.
// Sources: the lifecycle of the types in k8s.io/api, which a test compares; where a type is gone,
// https://kubernetes.io/docs/reference/using-api/deprecation-guide/. Of the kinds of others: the release notes of each.
var apiVersions = []APIVersion{
	{Version: "v1", Kinds: []string{"Endpoints"}, Deprecated: 33, Instead: "discovery.k8s.io/v1", Kind: "EndpointSlice"},

	{Version: "extensions/v1beta1", Kinds: []string{"Deployment", "DaemonSet", "ReplicaSet"}, Deprecated: 8, Removed: 16, Instead: "apps/v1", Same: true, Required: "spec.selector", Note: selectorNote},
	{Version: "extensions/v1beta1", Kinds: []string{"NetworkPolicy"}, Deprecated: 9, Removed: 16, Instead: "networking.k8s.io/v1", Same: true},
	{Version: "extensions/v1beta1", Kinds: []string{"Ingress"}, Deprecated: 14, Removed: 22, Instead: "networking.k8s.io/v1", Note: paths},
	{Version: "extensions/v1beta1", Kinds: []string{"PodSecurityPolicy"}, Deprecated: 11, Removed: 16, Note: "Pod Security Standards took their place: labels of the namespace"},
	{Version: "apps/v1beta1", Kinds: []string{"Deployment", "StatefulSet", "ControllerRevision"}, Deprecated: 8, Removed: 16, Instead: "apps/v1", Same: true, Required: "spec.selector", Note: selectorNote},
	{Version: "apps/v1beta2", Kinds: []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision"}, Deprecated: 9, Removed: 16, Instead: "apps/v1", Same: true, Required: "spec.selector", Note: selectorNote},
	{Version: "batch/v1beta1", Kinds: []string{"CronJob"}, Deprecated: 21, Removed: 25, Instead: "batch/v1", Same: true},
	{Version: "batch/v2alpha1", Kinds: []string{"CronJob"}, Deprecated: 8, Removed: 21, Instead: "batch/v1", Same: true},
	{Version: "policy/v1beta1", Kinds: []string{"PodDisruptionBudget"}, Deprecated: 21, Removed: 25, Instead: "policy/v1", Same: true, Note: "an empty selector finds every pod of the namespace, and found none before"},
	{Version: "policy/v1beta1", Kinds: []string{"PodSecurityPolicy"}, Deprecated: 21, Removed: 25, Note: "Pod Security Standards took their place: labels of the namespace"},
	{Version: "autoscaling/v2beta1", Kinds: []string{"HorizontalPodAutoscaler"}, Deprecated: 22, Removed: 25, Instead: "autoscaling/v2", Note: "the target of a metric is written target.type and a value now, instead of targetAverageUtilization"},
	{Version: "autoscaling/v2beta2", Kinds: []string{"HorizontalPodAutoscaler"}, Deprecated: 23, Removed: 26, Instead: "autoscaling/v2", Same: true},
	{Version: "networking.k8s.io/v1beta1", Kinds: []string{"Ingress"}, Deprecated: 19, Removed: 22, Instead: "networking.k8s.io/v1", Note: paths},
	{Version: "networking.k8s.io/v1beta1", Kinds: []string{"IngressClass"}, Deprecated: 19, Removed: 22, Instead: "networking.k8s.io/v1", Same: true},
	{Version: "networking.k8s.io/v1beta1", Kinds: []string{"IPAddress", "ServiceCIDR"}, Deprecated: 34, Removed: 37, Instead: "networking.k8s.io/v1", Same: true},
	{Version: "discovery.k8s.io/v1beta1", Kinds: []string{"EndpointSlice"}, Deprecated: 21, Removed: 25, Instead: "discovery.k8s.io/v1", Note: "the topology of an endpoint is nodeName and zone now"},
	{Version: "rbac.authorization.k8s.io/v1alpha1", Kinds: rbacKinds, Deprecated: 17, Removed: 22, Instead: "rbac.authorization.k8s.io/v1", Same: true},
	{Version: "rbac.authorization.k8s.io/v1beta1", Kinds: rbacKinds, Deprecated: 17, Removed: 22, Instead: "rbac.authorization.k8s.io/v1", Same: true},
	{Version: "apiextensions.k8s.io/v1beta1", Kinds: []string{"CustomResourceDefinition"}, Deprecated: 16, Removed: 22, Instead: "apiextensions.k8s.io/v1", Note: "each version needs a structural schema of its own"},
	{Version: "apiregistration.k8s.io/v1beta1", Kinds: []string{"APIService"}, Deprecated: 19, Removed: 22, Instead: "apiregistration.k8s.io/v1", Same: true},
	{Version: "admissionregistration.k8s.io/v1beta1", Kinds: []string{"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}, Deprecated: 16, Removed: 22, Instead: "admissionregistration.k8s.io/v1",
		Note: "sideEffects and admissionReviewVersions are required, and the defaults are failurePolicy Fail and a timeout of 10 seconds now"},
	{Version: "admissionregistration.k8s.io/v1alpha1", Kinds: admissionKinds, Deprecated: 29, Removed: 32, Instead: "admissionregistration.k8s.io/v1", Same: true},
	{Version: "admissionregistration.k8s.io/v1beta1", Kinds: admissionKinds, Deprecated: 31, Removed: 34, Instead: "admissionregistration.k8s.io/v1", Same: true},
	{Version: "admissionregistration.k8s.io/v1alpha1", Kinds: mutatingKinds, Deprecated: 35, Removed: 38, Instead: "admissionregistration.k8s.io/v1", Same: true},
	{Version: "admissionregistration.k8s.io/v1beta1", Kinds: mutatingKinds, Deprecated: 37, Removed: 40, Instead: "admissionregistration.k8s.io/v1", Same: true},
	{Version: "certificates.k8s.io/v1beta1", Kinds: []string{"CertificateSigningRequest"}, Deprecated: 19, Removed: 22, Instead: "certificates.k8s.io/v1", Note: "signerName and usages are required"},
	{Version: "certificates.k8s.io/v1alpha1", Kinds: []string{"ClusterTrustBundle"}, Deprecated: 34, Removed: 37, Instead: "certificates.k8s.io/v1", Same: true},
	{Version: "certificates.k8s.io/v1beta1", Kinds: []string{"ClusterTrustBundle", "PodCertificateRequest"}, Deprecated: 37, Removed: 40, Instead: "certificates.k8s.io/v1", Same: true},
	{Version: "coordination.k8s.io/v1beta1", Kinds: []string{"Lease"}, Deprecated: 19, Removed: 22, Instead: "coordination.k8s.io/v1", Same: true},
	{Version: "node.k8s.io/v1beta1", Kinds: []string{"RuntimeClass"}, Deprecated: 22, Removed: 25, Instead: "node.k8s.io/v1", Same: true},
	{Version: "scheduling.k8s.io/v1beta1", Kinds: []string{"PriorityClass"}, Deprecated: 14, Removed: 22, Instead: "scheduling.k8s.io/v1", Same: true},
	{Version: "storage.k8s.io/v1alpha1", Kinds: []string{"VolumeAttachment", "CSIStorageCapacity"}, Deprecated: 21, Removed: 24, Instead: "storage.k8s.io/v1", Same: true},
	{Version: "storage.k8s.io/v1alpha1", Kinds: []string{"VolumeAttributesClass"}, Deprecated: 32, Removed: 35, Instead: "storage.k8s.io/v1", Same: true},
	{Version: "storage.k8s.io/v1beta1", Kinds: []string{"CSIDriver", "StorageClass", "VolumeAttachment"}, Deprecated: 19, Removed: 22, Instead: "storage.k8s.io/v1", Same: true},
	{Version: "storage.k8s.io/v1beta1", Kinds: []string{"CSINode"}, Deprecated: 17, Removed: 22, Instead: "storage.k8s.io/v1", Same: true},
	{Version: "storage.k8s.io/v1beta1", Kinds: []string{"CSIStorageCapacity"}, Deprecated: 24, Removed: 27, Instead: "storage.k8s.io/v1", Same: true},
	{Version: "storage.k8s.io/v1beta1", Kinds: []string{"VolumeAttributesClass"}, Deprecated: 34, Removed: 37, Instead: "storage.k8s.io/v1", Same: true},
	{Version: "storagemigration.k8s.io/v1beta1", Kinds: []string{"StorageVersionMigration"}, Deprecated: 37, Removed: 40, Instead: "storagemigration.k8s.io/v1", Same: true},
	{Version: "flowcontrol.apiserver.k8s.io/v1beta1", Kinds: []string{"FlowSchema"}, Deprecated: 23, Removed: 26, Instead: "flowcontrol.apiserver.k8s.io/v1", Same: true},
	{Version: "flowcontrol.apiserver.k8s.io/v1beta1", Kinds: []string{"PriorityLevelConfiguration"}, Deprecated: 23, Removed: 26, Instead: "flowcontrol.apiserver.k8s.io/v1", Note: shareNote},
	{Version: "flowcontrol.apiserver.k8s.io/v1beta2", Kinds: []string{"FlowSchema"}, Deprecated: 26, Removed: 29, Instead: "flowcontrol.apiserver.k8s.io/v1", Same: true},
	{Version: "flowcontrol.apiserver.k8s.io/v1beta2", Kinds: []string{"PriorityLevelConfiguration"}, Deprecated: 26, Removed: 29, Instead: "flowcontrol.apiserver.k8s.io/v1", Note: shareNote},
	{Version: "flowcontrol.apiserver.k8s.io/v1beta3", Kinds: flowKinds, Deprecated: 29, Removed: 32, Instead: "flowcontrol.apiserver.k8s.io/v1", Same: true},
	{Version: "resource.k8s.io/v1alpha3", Kinds: []string{"DeviceTaintRule"}, Deprecated: 36, Removed: 39, Instead: "resource.k8s.io/v1beta2", Note: "compare the fields with the newer version"},
	{Version: "resource.k8s.io/v1beta1", Kinds: deviceKinds, Deprecated: 35, Removed: 38, Instead: "resource.k8s.io/v1", Note: "what a request asks for is written below exactly now"},
	{Version: "resource.k8s.io/v1beta2", Kinds: deviceKinds, Deprecated: 36, Removed: 39, Instead: "resource.k8s.io/v1", Same: true},
	{Version: "settings.k8s.io/v1alpha1", Kinds: []string{"PodPreset"}, Deprecated: 20, Removed: 20, Note: "what it set belongs into the pod templates"},

	{Version: "cert-manager.io/v1alpha2", Kinds: issuerKinds, By: "cert-manager 1.6", Instead: "cert-manager.io/v1", Note: certNote},
	{Version: "cert-manager.io/v1alpha3", Kinds: issuerKinds, By: "cert-manager 1.6", Instead: "cert-manager.io/v1", Note: certNote},
	{Version: "cert-manager.io/v1beta1", Kinds: issuerKinds, By: "cert-manager 1.6", Instead: "cert-manager.io/v1", Same: true},
	{Version: "certmanager.k8s.io/v1alpha1", Kinds: issuerKinds, By: "cert-manager 0.11", Instead: "cert-manager.io/v1", Note: certNote},
	{Version: "external-secrets.io/v1alpha1", Kinds: secretStoreKinds, By: "External Secrets Operator 0.16", Instead: "external-secrets.io/v1", Note: "compare the fields with the newer version"},
	{Version: "external-secrets.io/v1beta1", Kinds: secretStoreKinds, By: "External Secrets Operator 0.17", Instead: "external-secrets.io/v1", Same: true},
	{Version: "gateway.networking.k8s.io/v1alpha2", Kinds: []string{"GRPCRoute"}, By: "Gateway API 1.2", Instead: "gateway.networking.k8s.io/v1", Same: true},
	{Version: "gateway.networking.k8s.io/v1alpha2", Kinds: []string{"ReferenceGrant"}, By: "Gateway API 1.2", Instead: "gateway.networking.k8s.io/v1beta1", Same: true},
	{Version: "helm.toolkit.fluxcd.io/v2beta1", Kinds: []string{"HelmRelease"}, By: flux, Instead: "helm.toolkit.fluxcd.io/v2", Note: fluxNote},
	{Version: "helm.toolkit.fluxcd.io/v2beta2", Kinds: []string{"HelmRelease"}, By: flux, Instead: "helm.toolkit.fluxcd.io/v2", Note: fluxNote},
	{Version: "kustomize.toolkit.fluxcd.io/v1beta1", Kinds: []string{"Kustomization"}, By: flux, Instead: "kustomize.toolkit.fluxcd.io/v1", Note: fluxNote},
	{Version: "kustomize.toolkit.fluxcd.io/v1beta2", Kinds: []string{"Kustomization"}, By: flux, Instead: "kustomize.toolkit.fluxcd.io/v1", Note: fluxNote},
	{Version: "source.toolkit.fluxcd.io/v1beta1", Kinds: sourceKinds, By: flux, Instead: "source.toolkit.fluxcd.io/v1", Note: fluxNote},
	{Version: "source.toolkit.fluxcd.io/v1beta2", Kinds: sourceKinds, By: flux, Instead: "source.toolkit.fluxcd.io/v1", Note: fluxNote},
	{Version: "keda.k8s.io/v1alpha1", Kinds: []string{"ScaledObject", "ScaledJob", "TriggerAuthentication"}, By: "KEDA 2.0", Instead: "keda.sh/v1alpha1", Note: "scaleTargetRef is written with name instead of deploymentName, and Jobs have ScaledJob"},
	{Version: "traefik.containo.us/v1alpha1", Kinds: []string{"IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "Middleware", "MiddlewareTCP", "TLSOption", "TLSStore", "TraefikService", "ServersTransport"},
		By: "Traefik 3.0", Instead: "traefik.io/v1alpha1", Same: true},
}

const (
	certNote = "fields have moved: compare them with the newer version"
	flux     = "Flux 2.8"
	fluxNote = "a few fields are gone: flux migrate rewrites files"
)

var (
	rbacKinds        = []string{"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
	admissionKinds   = []string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
	mutatingKinds    = []string{"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}
	flowKinds        = []string{"FlowSchema", "PriorityLevelConfiguration"}
	deviceKinds      = []string{"DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"}
	issuerKinds      = []string{"Certificate", "CertificateRequest", "Issuer", "ClusterIssuer"}
	sourceKinds      = []string{"GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket"}
	secretStoreKinds = []string{"ExternalSecret", "ClusterExternalSecret", "SecretStore", "ClusterSecretStore"}
)

// APIVersionOf is what became of the version of a kind; nil where nothing is known against it.
func APIVersionOf(apiVersion, kind string) *APIVersion {
	for i := range apiVersions {
		if v := &apiVersions[i]; v.Version == apiVersion && slices.Contains(v.Kinds, kind) {
			return v
		}
	}
	return nil
}
