package reliability

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// EnvRefMissing finds names of objects, and of their entries, that do not exist: pods cannot start
// without them.
var EnvRefMissing = rule.Check{
	ID: "env-ref-missing", Title: "names an object or a key that is not there", Doc: rule.ReadDoc(docs, "env_ref_missing.md"),
	Dimension: rule.Reliability, Severity: rule.High, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool { return len(needs(p.Object)) > 0 },
	Run: func(p *rule.Pass) {
		for _, n := range needs(p.Object) {
			if o, _ := p.Lookup(n.gk, p.Object.Namespace, n.name); o != nil {
				judgeKeys(p, o, n)
				continue
			}
			if madeByOther(p, n) {
				continue
			}
			if a := p.Absent(n.uses[0].path, n.ref(p)); a != nil {
				reportMissing(p, n, a)
			}
		}
	},
	Peers: map[string][]string{
		"popeye": {"POP-304", "POP-307", "POP-507"}, "kube-linter": {"env-value-from", "non-existent-service-account"}, "kubescape": {"non-existent-service-account"},
	},
}

// need is one object that the pods of a workload cannot do without.
type need struct {
	gk   schema.GroupKind
	name string
	uses []use
}

// use is one place that names it.
type use struct {
	path      *field.Path // of the name
	key       string      // the entry that is wanted, "" for all
	keyPath   *field.Path
	container string
	effect    string // what happens without it
}

func (n need) ref(p *rule.Pass) snapshot.Ref {
	return snapshot.Ref{APIVersion: "v1", Kind: n.gk.Kind, Namespace: p.Object.Namespace, Name: n.name}
}

// needs collects what the templates of an object name, each object once, in the order of the text.
// What is optional, or always there, is left out.
func needs(o *snapshot.Object) []need {
	var list []need
	add := func(gk schema.GroupKind, name string, optional *bool, u use) {
		if name == "" || optional != nil && *optional || gk == snapshot.ConfigMapKind && name == "kube-root-ca.crt" {
			return
		}
		i := slices.IndexFunc(list, func(n need) bool { return n.gk == gk && n.name == name })
		if i < 0 {
			i = len(list)
			list = append(list, need{gk: gk, name: name})
		}
		list[i].uses = append(list[i].uses, u)
	}
	for _, t := range o.Templates {
		account(t, add)
		volumes(o, t, add)
		for _, c := range t.Containers() {
			environment(c, add)
		}
	}
	return list
}

type adder func(gk schema.GroupKind, name string, optional *bool, u use)

func account(t snapshot.Template, add adder) {
	name, path := t.Spec.ServiceAccountName, "serviceAccountName"
	if name == "" {
		name, path = t.Spec.DeprecatedServiceAccount, "serviceAccount"
	}
	if name != "default" {
		add(snapshot.ServiceAcctKind, name, nil, use{path: t.SpecPath().Child(path), effect: "no pod is created"})
	}
}

func volumes(o *snapshot.Object, t snapshot.Template, add adder) {
	const effect = "its pods hang before they start"
	list := t.SpecPath().Child("volumes")
	items := func(gk schema.GroupKind, name string, optional *bool, path *field.Path, nameField string, keys []corev1.KeyToPath) {
		if len(keys) == 0 {
			add(gk, name, optional, use{path: path.Child(nameField), effect: effect})
		}
		for i, k := range keys {
			add(gk, name, optional, use{path: path.Child(nameField), key: k.Key, keyPath: path.Child("items").Index(i).Child("key"), effect: effect})
		}
	}
	for i, v := range t.Spec.Volumes {
		path := list.Index(i)
		switch {
		case v.ConfigMap != nil:
			items(snapshot.ConfigMapKind, v.ConfigMap.Name, v.ConfigMap.Optional, path.Child("configMap"), "name", v.ConfigMap.Items)
		case v.Secret != nil:
			items(snapshot.SecretKind, v.Secret.SecretName, v.Secret.Optional, path.Child("secret"), "secretName", v.Secret.Items)
		case v.PersistentVolumeClaim != nil && !claimedByTemplate(o, v.Name):
			add(snapshot.PVCKind, v.PersistentVolumeClaim.ClaimName, nil, use{path: path.Child("persistentVolumeClaim", "claimName"), effect: "its pods stay Pending"})
		case v.Projected != nil:
			for j, s := range v.Projected.Sources {
				at := path.Child("projected", "sources").Index(j)
				if s.ConfigMap != nil {
					items(snapshot.ConfigMapKind, s.ConfigMap.Name, s.ConfigMap.Optional, at.Child("configMap"), "name", s.ConfigMap.Items)
				}
				if s.Secret != nil {
					items(snapshot.SecretKind, s.Secret.Name, s.Secret.Optional, at.Child("secret"), "name", s.Secret.Items)
				}
			}
		}
	}
}

// claimedByTemplate tells whether a StatefulSet makes the claim of the volume itself, for each pod.
func claimedByTemplate(o *snapshot.Object, volume string) bool {
	sts, ok := o.Typed.(*appsv1.StatefulSet)
	return ok && slices.ContainsFunc(sts.Spec.VolumeClaimTemplates, func(c corev1.PersistentVolumeClaim) bool { return c.Name == volume })
}

func environment(c snapshot.Container, add adder) {
	effect := fmt.Sprintf("container %q cannot be created", c.Name)
	for i, e := range c.EnvFrom {
		path := c.Path.Child("envFrom").Index(i)
		if r := e.ConfigMapRef; r != nil {
			add(snapshot.ConfigMapKind, r.Name, r.Optional, use{path: path.Child("configMapRef", "name"), container: c.Name, effect: effect})
		}
		if r := e.SecretRef; r != nil {
			add(snapshot.SecretKind, r.Name, r.Optional, use{path: path.Child("secretRef", "name"), container: c.Name, effect: effect})
		}
	}
	for i, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		path := c.Path.Child("env").Index(i).Child("valueFrom")
		if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
			at := path.Child("configMapKeyRef")
			add(snapshot.ConfigMapKind, r.Name, r.Optional, use{path: at.Child("name"), key: r.Key, keyPath: at.Child("key"), container: c.Name, effect: effect})
		}
		if r := e.ValueFrom.SecretKeyRef; r != nil {
			at := path.Child("secretKeyRef")
			add(snapshot.SecretKind, r.Name, r.Optional, use{path: at.Child("name"), key: r.Key, keyPath: at.Child("key"), container: c.Name, effect: effect})
		}
	}
}

func reportMissing(p *rule.Pass, n need, a *rule.Absence) {
	first := n.uses[0]
	f := a.Finding("%s %s: %s%s", a.Ref, a.Where, first.effect, times(len(n.uses)))
	f.Seen = p.Object.In(first.container)
	fix := a.Fix(p, "name", fmt.Sprintf("create %s, or name one that exists", a.Ref))
	for _, u := range n.uses[1:] {
		f.Marks = append(f.Marks, rule.Mark{Field: u.path, Label: "named here too"})
	}
	if a.Nearest == "" {
		fix.Caution = "what belongs into it, only its owner knows"
		if ns := elsewhere(p, n); ns != "" {
			f.Message += fmt.Sprintf("; there is one in namespace %s, which pods of another cannot use", ns)
		}
		p.Report(f).WithFix(fix)
		return
	}
	done := map[string]bool{first.path.String(): true}
	for _, u := range n.uses[1:] {
		if !done[u.path.String()] {
			done[u.path.String()] = true
			fix.Patch = fix.Patch.And(p.Put(u.path, a.Nearest))
		}
	}
	fix.Command = p.Live(fix.Patch)
	p.Report(f).WithFix(fix)
}

func times(uses int) string {
	if uses < 2 {
		return ""
	}
	return fmt.Sprintf(" (named %d times)", uses)
}

// elsewhere is a namespace that has an object of the name.
func elsewhere(p *rule.Pass, n need) string {
	for _, o := range p.List(n.gk, "") {
		if o.Name == n.name {
			return o.Namespace
		}
	}
	return ""
}

// judgeKeys looks for the entries that are named in an object that is there.
func judgeKeys(p *rule.Pass, o *snapshot.Object, n need) {
	done := map[string]bool{}
	for _, u := range n.uses {
		if u.key == "" || done[u.key] || slices.Contains(o.Keys, u.key) {
			continue
		}
		done[u.key] = true
		if !o.KeysKnown {
			p.Unknown("the keys of %s are not known", o.Ref)
			return
		}
		f := rule.Finding{
			Seen: p.Object.In(u.container), Field: u.keyPath, Value: u.key,
			Message: fmt.Sprintf("%s has no key %q: %s", o.Ref, u.key, u.effect),
			Label:   "not a key of " + o.String(),
		}
		near := knowledge.Nearest(u.key, o.Keys)
		if near == "" {
			p.Report(f)
			continue
		}
		f.Message += fmt.Sprintf("; there is %q", near)
		patch := p.Put(u.keyPath, near)
		p.Report(f).WithFix(rule.Fix{
			Title:   fmt.Sprintf("use the key %q, the nearest that there is", near),
			Caution: "the name is alike; that the value is the right one, only you know", Applicability: rule.NeedsThought,
			Patch: patch, Command: p.Live(patch),
		})
	}
}

// secretMakers are kinds that make a Secret, and where they say under which name: by default under
// their own. Source: the CRDs of sealed-secrets, external-secrets, cert-manager, the Vault Secrets
// Operator and the 1Password operator.
var secretMakers = []struct {
	gk   schema.GroupKind
	path []string
}{
	{snapshot.SealedSecretKind, []string{"spec", "template", "metadata", "name"}},
	{snapshot.ExternalSecretKind, []string{"spec", "target", "name"}},
	{snapshot.CertificateKind, []string{"spec", "secretName"}},
	{schema.GroupKind{Group: "secrets.hashicorp.com", Kind: "VaultStaticSecret"}, []string{"spec", "destination", "name"}},
	{schema.GroupKind{Group: "secrets.hashicorp.com", Kind: "VaultDynamicSecret"}, []string{"spec", "destination", "name"}},
	{schema.GroupKind{Group: "onepassword.com", Kind: "OnePasswordItem"}, nil},
}

// madeByOther tells whether the Secret will be made by an operator from an object that is there.
func madeByOther(p *rule.Pass, n need) bool {
	if n.gk != snapshot.SecretKind {
		return false
	}
	for _, m := range secretMakers {
		for _, o := range p.List(m.gk, p.Object.Namespace) {
			name := o.Name
			var at any = o.Content
			for _, step := range m.path {
				next, _ := at.(map[string]any)
				at = next[step]
			}
			if s, ok := at.(string); ok && s != "" {
				name = s
			}
			if name == n.name {
				return true
			}
		}
	}
	return false
}
