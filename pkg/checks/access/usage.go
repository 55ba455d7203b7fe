package access

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// usage is what the snapshot makes use of.
type usage struct {
	accounts map[account]bool      // that pods run as
	objects  map[snapshot.Ref]bool // ConfigMaps and Secrets that a field names
	words    map[string]bool       // names of such that stand anywhere else, in whatever namespace
	asked    map[string]bool       // the names that words are compared with
}

type usageKey struct{}

// users are the kinds that must have been read before one can say that nothing uses something.
var users = []schema.GroupKind{
	snapshot.PodKind, snapshot.DeploymentKind, snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind,
	snapshot.JobKind, snapshot.CronJobKind, snapshot.ServiceAcctKind, snapshot.IngressKind,
	snapshot.RoleKind, snapshot.RoleBindingKind, snapshot.ClusterRoleKind, snapshot.ClusterRoleBindingKind,
}

// used finds out once what the whole snapshot uses.
func used(s *snapshot.Snapshot) *usage {
	return snapshot.Derived(s, usageKey{}, func() *usage {
		u := &usage{accounts: map[account]bool{}, objects: map[snapshot.Ref]bool{}, words: map[string]bool{}, asked: map[string]bool{}}
		for _, gk := range []schema.GroupKind{snapshot.ConfigMapKind, snapshot.SecretKind, snapshot.ServiceAcctKind} {
			for _, o := range s.List(gk, "") {
				u.asked[o.Name] = true
			}
		}
		for _, o := range s.All() {
			u.object(o)
		}
		return u
	})
}

func (u *usage) secret(namespace, name string) { u.name("Secret", namespace, name) }

func (u *usage) configMap(namespace, name string) { u.name("ConfigMap", namespace, name) }

func (u *usage) name(kind, namespace, name string) {
	if name != "" {
		u.objects[snapshot.Ref{Kind: kind, Namespace: namespace, Name: name}] = true
	}
}

func (u *usage) object(o *snapshot.Object) {
	for _, t := range o.Templates {
		if t.Spec != nil {
			u.template(o.Namespace, t)
		}
	}
	for key, value := range o.Meta.GetAnnotations() {
		if !slices.ContainsFunc(keeping, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			u.text(value)
		}
	}
	switch t := o.Typed.(type) {
	case *corev1.ServiceAccount:
		for _, r := range t.Secrets {
			u.secret(o.Namespace, r.Name)
		}
		for _, r := range t.ImagePullSecrets {
			u.secret(o.Namespace, r.Name)
		}
	case *networkingv1.Ingress:
		for _, tls := range t.Spec.TLS {
			u.secret(o.Namespace, tls.SecretName)
		}
	case *corev1.PersistentVolume:
		if csi := t.Spec.CSI; csi != nil {
			for _, r := range []*corev1.SecretReference{csi.NodeStageSecretRef, csi.NodePublishSecretRef, csi.NodeExpandSecretRef, csi.ControllerPublishSecretRef, csi.ControllerExpandSecretRef} {
				if r != nil {
					u.secret(r.Namespace, r.Name)
				}
			}
		}
	case *storagev1.StorageClass:
		u.values(t.Parameters)
	case *corev1.ConfigMap:
		u.values(t.Data)
	case nil:
		if !slices.Contains(reporting, o.Group()) {
			foreignTexts(o, u.text)
		}
	}
}

// keeping are what annotations start with that say who keeps an object: they have its own name in them.
var keeping = []string{"meta.helm.sh/", "argocd.argoproj.io/", "kubectl.kubernetes.io/", "kustomize.toolkit.fluxcd.io/", "config.kubernetes.io/", "config.k8s.io/", "deployment.kubernetes.io/"}

// reporting are API groups whose objects name what others found fault with.
var reporting = []string{"wgpolicyk8s.io", "reports.kyverno.io", "aquasecurity.github.io"}

func (u *usage) template(namespace string, t snapshot.Template) {
	spec := t.Spec
	name := accountOf(t)
	u.accounts[account{namespace, name}] = true
	u.values(t.Annotations)
	for _, r := range spec.ImagePullSecrets {
		u.secret(namespace, r.Name)
	}
	for i := range spec.Volumes {
		u.volume(namespace, &spec.Volumes[i])
	}
	for _, c := range slices.Concat(t.Containers(), t.EphemeralContainers()) {
		for _, e := range c.EnvFrom {
			if e.ConfigMapRef != nil {
				u.configMap(namespace, e.ConfigMapRef.Name)
			}
			if e.SecretRef != nil {
				u.secret(namespace, e.SecretRef.Name)
			}
		}
		for _, e := range c.Env {
			u.text(e.Value)
			if e.ValueFrom == nil {
				continue
			}
			if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
				u.configMap(namespace, r.Name)
			}
			if r := e.ValueFrom.SecretKeyRef; r != nil {
				u.secret(namespace, r.Name)
			}
		}
		for _, words := range [][]string{c.Command, c.Args} {
			for _, w := range words {
				u.text(w)
			}
		}
	}
}

func (u *usage) volume(namespace string, v *corev1.Volume) {
	local := func(r *corev1.LocalObjectReference) {
		if r != nil {
			u.secret(namespace, r.Name)
		}
	}
	switch {
	case v.ConfigMap != nil:
		u.configMap(namespace, v.ConfigMap.Name)
	case v.Secret != nil:
		u.secret(namespace, v.Secret.SecretName)
	case v.Projected != nil:
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				u.configMap(namespace, s.ConfigMap.Name)
			}
			if s.Secret != nil {
				u.secret(namespace, s.Secret.Name)
			}
		}
	case v.CSI != nil:
		local(v.CSI.NodePublishSecretRef)
		u.values(v.CSI.VolumeAttributes)
	case v.AzureFile != nil:
		u.secret(namespace, v.AzureFile.SecretName)
	case v.CephFS != nil:
		local(v.CephFS.SecretRef)
	case v.RBD != nil:
		local(v.RBD.SecretRef)
	case v.ISCSI != nil:
		local(v.ISCSI.SecretRef)
	case v.FlexVolume != nil:
		local(v.FlexVolume.SecretRef)
	case v.ScaleIO != nil:
		local(v.ScaleIO.SecretRef)
	case v.StorageOS != nil:
		local(v.StorageOS.SecretRef)
	}
}

func (u *usage) values(m map[string]string) {
	for _, v := range m {
		u.text(v)
	}
}

// text looks for names in words that people write: "shop/tls", "--config=map:web".
func (u *usage) text(s string) {
	if s == "" {
		return
	}
	for word := range strings.FieldsFuncSeq(s, notOfName) {
		if u.asked[word] {
			u.words[word] = true
		} else if trimmed := strings.Trim(word, "-."); u.asked[trimmed] {
			u.words[trimmed] = true
		}
	}
}

func notOfName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
}

// contentDepth bounds the search in kinds that nobody knows.
const contentDepth = 40

// foreignTexts hands over every text that somebody wrote into an object of a kind that nobody knows: what its
// status says it keeps is no use of it.
func foreignTexts(o *snapshot.Object, f func(string)) {
	for key, v := range o.Content {
		if key != "status" {
			eachText(v, 0, f)
		}
	}
}

// eachText hands over every text in the content of a kind that nobody knows.
func eachText(v any, depth int, f func(string)) {
	if depth > contentDepth {
		return
	}
	switch v := v.(type) {
	case string:
		f(v)
	case map[string]any:
		for _, item := range v {
			eachText(item, depth+1, f)
		}
	case []any:
		for _, item := range v {
			eachText(item, depth+1, f)
		}
	}
}

// uses tells whether anything names a ConfigMap, Secret or ServiceAccount.
func (u *usage) uses(o *snapshot.Object) bool {
	return u.words[o.Name] || u.objects[o.Key()]
}

// accountOf is the name of the ServiceAccount that the pods of a template run as.
func accountOf(t snapshot.Template) string {
	switch {
	case t.Spec.ServiceAccountName != "":
		return t.Spec.ServiceAccountName
	case t.Spec.DeprecatedServiceAccount != "":
		return t.Spec.DeprecatedServiceAccount
	}
	return "default"
}

// kept tells whether something else keeps the object, or looks for it by a label: a label that only describes is
// none of those.
func kept(o *snapshot.Object) bool {
	if len(o.Meta.GetOwnerReferences()) > 0 {
		return true
	}
	for key := range o.Meta.GetAnnotations() {
		if slices.ContainsFunc(copying, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			return true
		}
	}
	for key := range o.Meta.GetLabels() {
		group, _, qualified := strings.Cut(key, "/")
		if qualified && !slices.Contains(describing, group) && !slices.Contains(describing, key) || !qualified && !slices.Contains(plainLabels, key) {
			return true
		}
	}
	return false
}

// The labels that say what an object is, and by which no program is known to look for ConfigMaps and Secrets.
// Source: the labels that Kubernetes recommends, those of helm and kustomize, and of the tools that apply manifests.
var (
	describing  = []string{"app.kubernetes.io", "helm.sh", "argocd.argoproj.io/instance", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"}
	plainLabels = []string{"app", "chart", "release", "heritage", "tier", "component", "team", "env", "environment", "k8s-app", "version", "name", "owner", "stage", "project", "product", "service"}
)

// copying are what annotations start with by which a program copies an object to other namespaces.
// Source: kubernetes-replicator, reflector and config-syncer, each in its own documentation.
var copying = []string{"replicator.v1.mittwald.de/", "reflector.v1.k8s.emberstack.com/", "kubed.appscode.com/"}

// settled is how old an object of a cluster must be before it counts that nothing uses it: what uses it may come
// a moment later.
const settled = time.Hour

func young(p *rule.Pass) bool {
	at := p.Object.Meta.GetCreationTimestamp().Time
	return !p.Files && !at.IsZero() && p.Age(at) < settled
}

// readers are the ConfigMaps and Secrets of a namespace that programs there may read over the API.
type readers struct {
	every bool
	names map[string]bool
}

type readersKey struct{}

// readOverAPI tells whether a program in the namespace may read the ConfigMap or Secret over the API: then
// nothing has to name it.
func readOverAPI(p *rule.Pass, resource string) bool {
	known := snapshot.Derived(p.Snapshot, readersKey{}, func() map[[2]string]*readers {
		known := map[[2]string]*readers{}
		for _, b := range rbac(p.Snapshot).bindings {
			if !ours(b.Object) {
				addReaders(known, b)
			}
		}
		return known
	})
	r := known[[2]string{p.Object.Namespace, resource}]
	return r != nil && (r.every || r.names[p.Object.Name])
}

// addReaders notes what the programs of a binding may read: where it reaches all namespaces, that of their own
// is meant.
func addReaders(known map[[2]string]*readers, b *binding) {
	for _, s := range b.subjects {
		namespace := b.Namespace
		switch {
		case !programs([]rbacv1.Subject{s}):
			continue
		case b.everywhere():
			namespace = s.Namespace
		}
		for _, resource := range []string{"configmaps", "secrets"} {
			key := [2]string{namespace, resource}
			r := known[key]
			if r == nil {
				r = &readers{names: map[string]bool{}}
				known[key] = r
			}
			if b.role == nil {
				r.every = r.every || b.builtIn() != "view" || resource == "configmaps"
				continue
			}
			for _, g := range b.role.rules {
				if g.resource("", resource) < 0 || !g.may("get", "list", "watch") {
					continue
				}
				r.every = r.every || len(g.ResourceNames) == 0
				for _, name := range g.ResourceNames {
					r.names[name] = true
				}
			}
		}
	}
}
