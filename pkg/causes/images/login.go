package images

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// dockerHubLogin is under which address docker and the kubelet keep the login of Docker Hub.
// Source: kubectl create secret docker-registry, --docker-server.
const dockerHubLogin = "https://index.docker.io/v1/"

// loginKeys are the entries of a Secret in which the kubelet looks for logins.
// Source: kubelet's pkg/credentialprovider/secrets.
var loginKeys = []string{corev1.DockerConfigJsonKey, corev1.DockerConfigKey}

// newLogin is the name of the Secret that fixes create where the pod names none.
const newLogin = "registry-login"

// pullSecret is a Secret that the pod names for the logins of registries.
type pullSecret struct {
	name    string
	setting rule.Setting     // where it is named: in the template, or in the ServiceAccount
	object  *snapshot.Object // nil where it is not there, or was not read
	outcome snapshot.Outcome
	event   *corev1.Event // the kubelet says that it did not get it
}

// gone tells whether the pull secret does not exist.
func (s pullSecret) gone() bool {
	return s.object == nil && (s.event != nil || s.outcome.State == snapshot.Absent)
}

// useless tells whether the Secret is there and holds no login at all. Its values are never read; the
// names of its entries may be known, and from manifests its type.
func (s pullSecret) useless() bool {
	if s.object == nil {
		return false
	}
	if t, ok := s.object.Typed.(*corev1.Secret); ok && t.Type != "" {
		return t.Type != corev1.SecretTypeDockerConfigJson && t.Type != corev1.SecretTypeDockercfg
	}
	return s.object.KeysKnown && len(s.object.Keys) > 0 && !holdsLogin(s.object)
}

// holdsLogin tells whether a Secret has an entry in which the kubelet looks for logins.
func holdsLogin(o *snapshot.Object) bool {
	return slices.ContainsFunc(loginKeys, func(k string) bool { return slices.Contains(o.Keys, k) })
}

func (s pullSecret) ref(p *rule.Pass) snapshot.Ref { return secretRef(p, s.name) }

func secretRef(p *rule.Pass, name string) snapshot.Ref {
	return snapshot.Ref{APIVersion: "v1", Kind: "Secret", Namespace: p.Object.Namespace, Name: name}
}

// pullSecrets are the Secrets that the pod names, its ServiceAccount's among them: admission copies those
// into pods that name none.
func pullSecrets(p *rule.Pass) []pullSecret {
	var list []pullSecret
	for i, ref := range p.Object.Pod().Spec.ImagePullSecrets {
		if ref.Name == "" {
			continue
		}
		s := pullSecret{name: ref.Name, setting: secretSetting(p, i, ref.Name)}
		s.object, s.outcome = p.Lookup(snapshot.SecretKind, p.Object.Namespace, ref.Name)
		if e := p.Event(p.Object, "FailedToRetrieveImagePullSecret"); e != nil && namesSecret(e.Message, ref.Name) {
			s.event = e
		}
		list = append(list, s)
	}
	return list
}

// namesSecret tells whether the kubelet's list of pull secrets that it did not get holds the name.
// Source: kubelet's getPullSecretsForPod, "Unable to retrieve some image pull secrets (a, b); ...".
func namesSecret(message, name string) bool {
	_, list, _ := strings.Cut(message, "(")
	list, _, _ = strings.Cut(list, ")")
	return slices.Contains(strings.Split(list, ", "), name)
}

// secretSetting is where the i-th pull secret of the pod is named in what people edit.
func secretSetting(p *rule.Pass, i int, name string) rule.Setting {
	spec := p.PodSpec().Child("imagePullSecrets")
	if j := indexOfName(templateSecrets(p), name); j >= 0 {
		return spec.Index(j).Child("name")
	}
	if o := account(p); o != nil {
		if sa, ok := o.Typed.(*corev1.ServiceAccount); ok {
			if j := indexOfName(sa.ImagePullSecrets, name); j >= 0 {
				return rule.Setting{Object: o.Ref, Path: rule.FieldPath("imagePullSecrets").Index(j).Child("name")}
			}
		}
	}
	if spec.Object.Same(p.Object.Ref) || p.TopOwner(p.Object) != p.Object {
		return rule.Setting{Object: p.Object.Ref, Path: rule.FieldPath("spec.imagePullSecrets").Index(i).Child("name")}
	}
	return spec.Index(i).Child("name")
}

// templateSecrets are the pull secrets of the template that the pod was made from.
func templateSecrets(p *rule.Pass) []corev1.LocalObjectReference {
	top := p.TopOwner(p.Object)
	if len(top.Templates) == 0 || top.Templates[0].Spec == nil || top == p.Object && !p.PodSpec().Object.Same(top.Ref) {
		return nil
	}
	return top.Templates[0].Spec.ImagePullSecrets
}

func indexOfName(list []corev1.LocalObjectReference, name string) int {
	return slices.IndexFunc(list, func(r corev1.LocalObjectReference) bool { return r.Name == name })
}

// accountName is the pod's ServiceAccount.
func accountName(p *rule.Pass) string {
	if name := p.Object.Pod().Spec.ServiceAccountName; name != "" {
		return name
	}
	return "default"
}

func account(p *rule.Pass) *snapshot.Object {
	o, _ := p.Lookup(snapshot.ServiceAcctKind, p.Object.Namespace, accountName(p))
	return o
}

// accountSecrets are the pull secrets of the pod's ServiceAccount as it is now.
func accountSecrets(p *rule.Pass) []corev1.LocalObjectReference {
	if o := account(p); o != nil {
		if sa, ok := o.Typed.(*corev1.ServiceAccount); ok {
			return sa.ImagePullSecrets
		}
	}
	return nil
}

// wantLogins asks for the Secrets that the pod names, for its ServiceAccount and, where one of the Secrets
// is missing or none is named, for those that could be meant.
func wantLogins(p *rule.Pass) []snapshot.Want {
	wants := []snapshot.Want{snapshot.WantGet(snapshot.ServiceAcctKind, p.Object.Namespace, accountName(p))}
	named := pullSecrets(p)
	list := len(named) == 0
	for _, s := range named {
		wants = append(wants, snapshot.WantGet(snapshot.SecretKind, p.Object.Namespace, s.name))
		list = list || s.gone()
	}
	if list {
		wants = append(wants, snapshot.WantList(snapshot.SecretKind, p.Object.Namespace, ""))
	}
	return wants
}

// logins are the Secrets of the pod's namespace that hold a login for some registry.
func logins(p *rule.Pass) []string {
	var names []string
	for _, o := range p.List(snapshot.SecretKind, p.Object.Namespace) {
		if t, ok := o.Typed.(*corev1.Secret); holdsLogin(o) || ok && (t.Type == corev1.SecretTypeDockerConfigJson || t.Type == corev1.SecretTypeDockercfg) {
			names = append(names, o.Name)
		}
	}
	return names
}

// server is a registry as a login names it.
func server(registry string) string {
	if registry == dockerHub {
		return dockerHubLogin
	}
	return registry
}

// createLogin are the words of the command that creates a Secret with a login.
func createLogin(name, registry string) []string {
	return []string{"create", "secret", "docker-registry", name, "--docker-server=" + server(registry), "--docker-username=<USER>", "--docker-password=<PASSWORD>"}
}

// historyCaution is what to think of where a password is typed.
const historyCaution = "what is typed here stays in the shell's history; --from-file=.dockerconfigjson=<FILE> takes a login from a file"

// addSecret names one more pull secret in the pod's template.
func addSecret(p *rule.Pass, name string) (rule.Setting, *rule.Patch) {
	setting, have := p.PodSpec().Child("imagePullSecrets"), templateSecrets(p)
	entry := map[string]any{"name": name}
	if len(have) == 0 {
		return setting, &rule.Patch{Type: "json", Body: []rule.Op{{Op: "add", Path: setting.Pointer(), Value: []any{entry}}}}
	}
	return setting, &rule.Patch{Type: "json", Body: []rule.Op{{Op: "add", Path: setting.Pointer() + "/-", Value: entry}}}
}

// loginFix gives a pod that names no login one: a Secret that is there, or a new one.
func loginFix(p *rule.Pass, registry string) *rule.Fix {
	if have := logins(p); len(have) > 0 {
		name := have[0]
		fix := &rule.Fix{
			Title: fmt.Sprintf("name secret/%s, which holds a login, in imagePullSecrets", name), Applicability: rule.NeedsThought,
			Caution: fmt.Sprintf("whether it is the login of %s, only its value tells, which is not read", registry),
		}
		if len(have) > 1 {
			name = "<SECRET>"
			fix.Title = "name the one that holds the login of " + registry + " in imagePullSecrets: " + secretsWord(have)
			fix.Applicability = rule.Placeholders
		}
		setting, patch := addSecret(p, name)
		fix.Object, fix.Patch, fix.Command = setting.Object, patch, p.PatchCommand(setting.Object, patch)
		return fix
	}
	name := newLogin
	if o, _ := p.Lookup(snapshot.SecretKind, p.Object.Namespace, name); o != nil {
		name = "<SECRET>"
	}
	setting, patch := addSecret(p, name)
	return &rule.Fix{
		Title:         "create a Secret with a login of " + registry + ", and name it in imagePullSecrets",
		Caution:       historyCaution,
		Applicability: rule.Placeholders,
		Object:        secretRef(p, name),
		Command:       createLogin(name, registry),
		Lines:         []string{"the pod must name it: then " + p.Line(p.PatchCommand(setting.Object, patch)...)},
	}
}

// secretsWord lists Secrets: "secret/a, secret/b".
func secretsWord(names []string) string {
	return "secret/" + strings.Join(names, ", secret/")
}

// nearestLogin is the Secret of the namespace that a pull secret's name is most like, of those that hold a
// login where that is known.
func nearestLogin(p *rule.Pass, name string) string {
	if near := knowledge.Nearest(name, logins(p)); near != "" {
		return near
	}
	return ""
}
