package security

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SecretsByHand finds clusters in which nothing brings Secrets from where they are kept.
var SecretsByHand = rule.Check{
	ID: "secrets-by-hand", Title: "Secrets come from nowhere but somebody's hands", Doc: rule.ReadDoc(docs, "secrets_by_hand.md"),
	Dimension: rule.Security, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: slices.Concat(secretSources(), []schema.GroupKind{
		snapshot.SecretProviderKind, snapshot.KustomizationKind, snapshot.MutatingWebhookKind,
		snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind,
	}),
	Run: func(p *rule.Pass) {
		idle, more := "", 0
		for _, gk := range secretSources() {
			for _, o := range p.List(gk, "") {
				if synced[gk](o) {
					return
				}
				if idle == "" {
					idle = fmt.Sprintf("; the status of %s -n %s does not say that it made one", o, o.Namespace)
				} else {
					more++
				}
			}
		}
		for _, o := range p.List(snapshot.KustomizationKind, "") {
			if o.Has("spec", "decryption", "provider") && rule.StatusTrue(o, "Ready") {
				return
			}
		}
		if usesStore(p) {
			return
		}
		f := rule.Finding{
			NoField: "what is missing stands nowhere", Certainty: rule.Possible,
			Message: "nothing in the cluster brings Secrets from a store or decrypts them; what a pipeline or a program does itself does not show here" + idle,
		}
		if more > 0 {
			f.Message += fmt.Sprintf(", nor of %d more", more)
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "keep them in a store, and let an operator or the Secrets Store CSI driver bring them; or keep them encrypted in Git", Applicability: rule.NeedsThought,
			Caution: "whoever may write such objects may read the store as their operator does: bound its own login first",
		})
	},
	Peers: map[string][]string{"kubescape": {"ensure-external-secrets-storage-is-in-use"}},
}

// synced tells, by kind, whether an object has brought its Secret. Source: the custom resources of each project.
var synced = map[schema.GroupKind]func(*snapshot.Object) bool{
	snapshot.ExternalSecretKind:  withCondition("Ready"),
	snapshot.SealedSecretKind:    withCondition("Synced"),
	snapshot.OnePasswordItemKind: withCondition("Ready"),
	snapshot.InfisicalSecretKind: withCondition("secrets.infisical.com/ReadyToSyncSecrets"),
	snapshot.DopplerSecretKind:   withCondition("secrets.doppler.com/SecretSyncReady"),
	snapshot.BitwardenSecretKind: withCondition("SuccessfulSync"),
	snapshot.VaultStaticKind:     withStatus("secretMAC"),
	snapshot.VaultDynamicKind:    withStatus("lastRenewalTime"),
	snapshot.VaultPKIKind:        withStatus("serialNumber"),
	snapshot.SopsSecretKind: func(o *snapshot.Object) bool {
		said, _ := o.At("status", "message")
		return said == "Healthy"
	},
}

// secretSources are the kinds of synced, in a stable order.
func secretSources() []schema.GroupKind {
	return []schema.GroupKind{
		snapshot.ExternalSecretKind, snapshot.SealedSecretKind, snapshot.VaultStaticKind, snapshot.VaultDynamicKind, snapshot.VaultPKIKind,
		snapshot.OnePasswordItemKind, snapshot.InfisicalSecretKind, snapshot.DopplerSecretKind, snapshot.BitwardenSecretKind, snapshot.SopsSecretKind,
	}
}

func withCondition(kind string) func(*snapshot.Object) bool {
	return func(o *snapshot.Object) bool { return rule.StatusTrue(o, kind) }
}

// withStatus tells that a field of the status is set: the Vault Secrets Operator writes it once it has a secret.
func withStatus(key string) func(*snapshot.Object) bool {
	return func(o *snapshot.Object) bool {
		switch v, _ := o.At("status", key); v {
		case nil, "", int64(0), float64(0):
			return false
		}
		return true
	}
}

// usesStore tells whether a workload mounts secrets from a store, or has Vault's injector put them beside it.
func usesStore(p *rule.Pass) bool {
	classes := map[snapshot.Ref]bool{}
	for _, o := range p.List(snapshot.SecretProviderKind, "") {
		classes[o.Key()] = true
	}
	// As the charts of Vault and Bank-Vaults name them.
	injector := slices.ContainsFunc(p.List(snapshot.MutatingWebhookKind, ""), func(o *snapshot.Object) bool {
		return strings.HasSuffix(o.Name, "agent-injector-cfg") || strings.Contains(o.Name, "vault-secrets-webhook")
	})
	if len(classes) == 0 && !injector {
		return false
	}
	for _, o := range p.Workloads("") {
		for _, t := range o.Templates {
			if t.Spec == nil {
				continue
			}
			if injector && (t.Annotations["vault.hashicorp.com/agent-inject"] == "true" || t.Annotations["vault.security.banzaicloud.io/vault-addr"] != "") {
				return true
			}
			for i := range t.Spec.Volumes {
				csi := t.Spec.Volumes[i].CSI
				if csi == nil || csi.Driver != "secrets-store.csi.k8s.io" && csi.Driver != "secrets-store-gke.csi.k8s.io" {
					continue
				}
				class := snapshot.Ref{APIVersion: snapshot.SecretProviderKind.Group, Kind: snapshot.SecretProviderKind.Kind, Namespace: o.Namespace, Name: csi.VolumeAttributes["secretProviderClass"]}
				if classes[class] {
					return true
				}
			}
		}
	}
	return false
}
