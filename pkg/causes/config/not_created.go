package config

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The words of the admission plugins ServiceAccount and RuntimeClass.
var (
	accountMissing = knowledge.Regexp(`error looking up service account [^/\s]+/\S+: serviceaccount "([^"]+)" not found`)
	classMissing   = knowledge.Regexp(`pod rejected: RuntimeClass "([^"]+)" not found`)
)

// SAMissing finds controllers whose pods name a ServiceAccount that does not exist.
var SAMissing = rule.Cause{
	ID: "sa-missing", Title: "the pods' ServiceAccount does not exist", Doc: rule.ReadDoc(docs, "sa_missing.md"),
	Stage: rule.StageNotCreated, On: rule.PodMakers,
	Wants: func(p *rule.Pass) []snapshot.Want {
		name, _ := refusedFor(p, accountMissing)
		if name == "" {
			return nil
		}
		return []snapshot.Want{snapshot.WantGet(snapshot.ServiceAcctKind, p.Object.Namespace, name), snapshot.WantList(snapshot.ServiceAcctKind, p.Object.Namespace, "")}
	},
	Run: func(p *rule.Pass) {
		name, r := refusedFor(p, accountMissing)
		if name == "" {
			return
		}
		setting, template := p.PodSpec().Child("serviceAccountName"), templateOf(p)
		f := refusalFinding(p, r, setting, name)
		f.Stage = p.RefusedStage()
		f.Message = fmt.Sprintf("there is no serviceaccount/%s in namespace %s, so no pod may be created: %d of %d exist", name, p.Object.Namespace, r.Have, r.Want)
		f.Label = fmt.Sprintf("no ServiceAccount of this name in namespace %s", p.Object.Namespace)
		ref := snapshot.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: p.Object.Namespace, Name: name}
		named := template != nil && template.ServiceAccountName == name
		switch object, _ := p.Lookup(snapshot.ServiceAcctKind, p.Object.Namespace, name); {
		case object != nil:
			reportThere(p, f, object.Ref)
			return
		case named:
			if near := knowledge.Nearest(name, p.Names(snapshot.ServiceAcctKind, p.Object.Namespace)); near != "" {
				f.Label += "; there is " + near
				f.Fix = nearFix(p, setting, name, near, "serviceaccount", "the account decides what the pod may do")
				break
			}
			f.Fix = createAccount(p, ref)
		default: // the account is not named: it is the default one, which a controller makes again
			f.Fix = createAccount(p, ref)
		}
		p.Report(f)
	},
}

func createAccount(p *rule.Pass, ref snapshot.Ref) *rule.Fix {
	return &rule.Fix{
		Title:         fmt.Sprintf("create %s in namespace %s", ref.String(), p.Object.Namespace),
		Caution:       "it has no rights until a RoleBinding gives it some: a pod that asks the API will be refused until then. The controller tries again by itself, up to minutes later",
		Applicability: rule.NeedsThought, Object: ref, Command: []string{"create", "serviceaccount", ref.Name},
	}
}

// RuntimeclassMissing finds pods whose RuntimeClass does not exist, or whose node has no such runtime.
var RuntimeclassMissing = rule.Cause{
	ID: "runtimeclass-missing", Title: "the pods' RuntimeClass is not there, or its runtime", Doc: rule.ReadDoc(docs, "runtimeclass_missing.md"),
	Stage: rule.StageNotCreated, Beats: []string{"sandbox-cni"},
	On: rule.Kinds(snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.RCKind, snapshot.PodKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if name := classAsked(p); name != "" {
			return []snapshot.Want{snapshot.WantGet(snapshot.RuntimeClassKind, "", name), snapshot.WantList(snapshot.RuntimeClassKind, "", "")}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		if p.Object.Pod() != nil {
			runHandler(p)
			return
		}
		name, r := refusedFor(p, classMissing)
		if name == "" {
			return
		}
		setting := p.PodSpec().Child("runtimeClassName")
		f := refusalFinding(p, r, setting, name)
		f.Message = fmt.Sprintf("there is no runtimeclass/%s, so no pod may be created: %d of %d exist", name, r.Have, r.Want)
		f.Label = "no RuntimeClass of this name in the cluster"
		if object, _ := p.Lookup(snapshot.RuntimeClassKind, "", name); object != nil {
			reportThere(p, f, object.Ref)
			return
		}
		if template := templateOf(p); template == nil || template.RuntimeClassName == nil || *template.RuntimeClassName != name {
			p.Report(f)
			return
		}
		if near := knowledge.Nearest(name, p.Names(snapshot.RuntimeClassKind, "")); near != "" {
			f.Label += "; there is " + near
			f.Fix = nearFix(p, setting, name, near, "runtimeclass", "the class decides how far the pod is kept from the node")
			p.Report(f)
			return
		}
		patch := &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: setting.Pointer(), Value: name}, {Op: "remove", Path: setting.Pointer()}}}
		f.Fix = &rule.Fix{
			Title:         "run it with the usual runtime; or have whoever runs the nodes install the other one, and its RuntimeClass",
			Caution:       "a sandboxed runtime keeps a program from the node: without it that protection is gone",
			Applicability: rule.NeedsThought, Object: setting.Object, Patch: patch, Command: p.PatchCommand(setting.Object, patch),
		}
		p.Report(f)
	},
}

// noHandler is what runtimes say of a handler that they are not configured for. Sources: containerd,
// "no runtime for ... is configured"; CRI-O, "failed to find runtime handler ...".
var noHandler = knowledge.Regexp(`no runtime for "([^"]+)" is configured|failed to find runtime handler (\S+)`)

// handlerEvent is the kubelet's word that the node has no runtime for the pod's RuntimeClass.
func handlerEvent(p *rule.Pass) (handler string, event *corev1.Event) {
	e := sandboxEvent(p)
	if e == nil || p.Object.Pod().Spec.RuntimeClassName == nil {
		return "", nil
	}
	m := noHandler.FindStringSubmatch(e.Message)
	if m == nil {
		return "", nil
	}
	return m[1] + m[2], e
}

// classAsked is the RuntimeClass that something is wrong with, or "".
func classAsked(p *rule.Pass) string {
	if p.Object.Pod() == nil {
		name, _ := refusedFor(p, classMissing)
		return name
	}
	if _, e := handlerEvent(p); e != nil {
		return *p.Object.Pod().Spec.RuntimeClassName
	}
	return ""
}

func runHandler(p *rule.Pass) {
	handler, e := handlerEvent(p)
	if e == nil {
		return
	}
	pod, setting := p.Object.Pod(), p.PodSpec().Child("runtimeClassName")
	name := *pod.Spec.RuntimeClassName
	p.Report(rule.Finding{
		Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Value: name, Stage: rule.StageVolume,
		Message:   fmt.Sprintf("runtimeclass/%s asks for the runtime %q, and node/%s has none of that name: no container can start", name, handler, pod.Spec.NodeName),
		Label:     fmt.Sprintf("a runtime that node/%s does not have", pod.Spec.NodeName),
		Evidence:  []rule.Evidence{rule.EventEvidence(e)},
		RuledOut:  []string{"the network of the pod: the runtime is chosen before it is set up", fmt.Sprintf("a missing RuntimeClass: admission found runtimeclass/%s", name)},
		Certainty: rule.Certain,
		Fix: &rule.Fix{
			Title:         fmt.Sprintf("have whoever runs the nodes configure %q in the runtime of this node; or give runtimeclass/%s a scheduling.nodeSelector of the nodes that have it", handler, name),
			Caution:       "all pods of the class on this node wait for the same",
			Applicability: rule.NeedsThought, Object: snapshot.Ref{APIVersion: "node.k8s.io/v1", Kind: "RuntimeClass", Name: name},
		},
	})
}

// refusedFor reads which object the API server misses when this Pass' controller wants to create a pod.
func refusedFor(p *rule.Pass, words *knowledge.Pattern) (name string, r *rule.Refusal) {
	if r = p.RefusedPods(); r == nil {
		return "", nil
	}
	m := words.FindStringSubmatch(r.Message)
	if m == nil {
		return "", nil
	}
	return m[1], r
}

func refusalFinding(p *rule.Pass, r *rule.Refusal, setting rule.Setting, value string) rule.Finding {
	return rule.Finding{
		Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Value: value, Certainty: rule.Certain,
		Evidence: []rule.Evidence{r.Evidence},
		RuledOut: []string{"the image, the nodes and the quota: the pod is refused before any of them matters"},
	}
}

// templateOf is the pod spec that the controller makes pods from, as it is in what people edit.
func templateOf(p *rule.Pass) *corev1.PodSpec {
	top := p.TopOwner(p.Object)
	if len(top.Templates) == 0 {
		return nil
	}
	return top.Templates[0].Spec
}

// reportThere says that what was missing is there now: nothing is left to change.
func reportThere(p *rule.Pass, f rule.Finding, ref snapshot.Ref) {
	f.Field, f.Value, f.Label, f.Certainty, f.RuledOut = nil, "", "", rule.Possible, nil
	f.NoField = "nothing is left to change, if the controller's next try works: what was missing is there now"
	f.Message = fmt.Sprintf("no pod could be created without %s, which is there now: does the controller's next try work?", ref.String())
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: ref, Text: ref.String() + " was read"})
	f.Fix = &rule.Fix{Title: "wait for the next try: a controller tries again after seconds, then minutes", Applicability: rule.NeedsThought}
	p.Report(f)
}

// nearFix names the nearest object that is there.
func nearFix(p *rule.Pass, setting rule.Setting, name, near, word, why string) *rule.Fix {
	patch := setting.ReplaceValue(name, near)
	command := p.PatchCommand(setting.Object, patch)
	if setting.Object.GroupKind() == snapshot.DeploymentKind && strings.HasSuffix(setting.Path.String(), "serviceAccountName") {
		command = []string{"set", "serviceaccount", setting.Object.String(), near}
	}
	return &rule.Fix{
		Title:         fmt.Sprintf("use %s/%s, the nearest name that is there", word, near),
		Caution:       fmt.Sprintf("the name is alike; that it is the right one, only you know: %s", why),
		Applicability: rule.NeedsThought, Object: setting.Object, Patch: patch, Command: command,
	}
}
