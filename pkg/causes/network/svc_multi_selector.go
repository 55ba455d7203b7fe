package network

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcMultiSelector finds Services that send traffic to the pods of two different programs.
var SvcMultiSelector = rule.Cause{
	ID: "svc-multi-selector", Title: "sends traffic to pods of different programs", Doc: rule.ReadDoc(docs, "svc_multi_selector.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.ServiceKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if svc := selectable(p); svc != nil {
			return []snapshot.Want{wantPods(p, svc)}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		if svc := selectable(p); svc != nil && len(svc.Spec.Ports) > 0 {
			reportMixed(p, svc)
		}
	},
}

// program is what a Service's pods run: those of one maker.
type program struct {
	maker  snapshot.Ref
	pod    *snapshot.Object // one of them
	images []string         // without tag and digest
	lacks  string           // the port that it does not have, "" where it has all or says nothing
}

// programs are the makers of the pods behind a Service, those of Jobs left out: their pods come and go.
func programs(p *rule.Pass, svc *corev1.Service) []program {
	byMaker := map[snapshot.Ref]*program{}
	for _, o := range alive(p, p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector)) {
		maker := makerOf(p, o)
		if maker.GroupKind() == snapshot.JobKind || byMaker[maker.Key()] != nil {
			continue
		}
		g := &program{maker: maker, pod: o, lacks: lacks(svc, o)}
		for _, c := range o.PodContainers() {
			if !c.Init {
				g.images = append(g.images, repository(c.Image))
			}
		}
		byMaker[maker.Key()] = g
	}
	var list []program
	for _, g := range byMaker {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b program) int { return strings.Compare(a.maker.String(), b.maker.String()) })
	return list
}

// repository is an image without its tag and digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		image = image[:i]
	}
	return image
}

// lacks is the first numbered target of a Service that a pod does not declare, although each of its containers declares ports.
// A name that a pod does not have is no fault: no traffic for that port goes there.
func lacks(svc *corev1.Service, o *snapshot.Object) string {
	ports := declared(o)
	if !declareAll(o) {
		return ""
	}
	for _, sp := range svc.Spec.Ports {
		if sp.TargetPort.Type == intstr.Int && !slices.ContainsFunc(ports, func(cp corev1.ContainerPort) bool {
			return protocolOf(cp.Protocol) == protocolOf(sp.Protocol) && cp.ContainerPort == target(sp)
		}) {
			return fmt.Sprint(target(sp))
		}
	}
	return ""
}

// alike tells whether two makers' pods share an image: a canary and what it is to replace do.
func alike(a, b program) bool {
	return slices.ContainsFunc(a.images, func(image string) bool { return slices.Contains(b.images, image) })
}

func reportMixed(p *rule.Pass, svc *corev1.Service) {
	list := programs(p, svc)
	var meant, other *program
	for i := range list {
		for j := range list {
			if meant != nil || i == j || list[j].lacks == "" || list[i].lacks != "" {
				continue
			}
			if !alike(list[i], list[j]) || differ(list[i].pod, list[j].pod, svc.Spec.Selector) != "" {
				meant, other = &list[i], &list[j]
			}
		}
	}
	if meant == nil {
		return
	}
	f := rule.Finding{
		Field: field.NewPath("spec", "selector"), Value: pairs(svc.Spec.Selector), Certainty: rule.Likely,
		Message: fmt.Sprintf("%s finds the pods of %s and of %s, and those of %s do not have port %s: part of the traffic fails",
			pairs(svc.Spec.Selector), meant.maker.String(), other.maker.String(), other.maker.String(), other.lacks),
		Label: "pods of two programs have these labels",
		Evidence: []rule.Evidence{
			{Source: rule.FromSpec, Object: meant.pod.Ref, Field: "metadata.labels", Text: fmt.Sprintf("%s: labels %s, ports %s", meant.maker.String(), pairs(own(meant.pod.Meta.GetLabels())), portsInWords(meant.pod))},
			{Source: rule.FromSpec, Object: other.pod.Ref, Field: "metadata.labels", Text: fmt.Sprintf("%s: labels %s, ports %s", other.maker.String(), pairs(own(other.pod.Meta.GetLabels())), portsInWords(other.pod))},
		},
		Fix: &rule.Fix{Title: "add a label to the selector that only the pods which are meant have", Applicability: rule.NeedsThought},
	}
	if alike(*meant, *other) {
		f.Certainty = rule.Possible // a container may listen on a port that it does not declare
		f.Message = fmt.Sprintf("%s finds the pods of %s and of %s, and those of %s do not declare port %s: are they meant?",
			pairs(svc.Spec.Selector), meant.maker.String(), other.maker.String(), other.maker.String(), other.lacks)
	}
	if key := differ(meant.pod, other.pod, svc.Spec.Selector); key != "" {
		value := meant.pod.Meta.GetLabels()[key]
		wider := maps.Clone(svc.Spec.Selector)
		wider[key] = value
		setting := rule.Setting{Object: p.Object.Ref, Path: f.Field}
		f.Fix.Title = fmt.Sprintf("select %s=%s as well, which %s does not have", key, value, other.maker.String())
		f.Fix.Caution = "see that all pods that are meant have this label; if the others are meant too, give them the port instead"
		f.Fix.Patch = setting.ReplaceValue(svc.Spec.Selector, wider)
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
	}
	p.Report(f)
}

// differ is a label, not yet in the selector, that the first pod has and the second has not, or has with
// another value; "" where there is none.
func differ(a, b *snapshot.Object, selector map[string]string) string {
	mine, theirs := own(a.Meta.GetLabels()), own(b.Meta.GetLabels())
	for _, common := range []string{"app.kubernetes.io/name", "app", "k8s-app", "name"} {
		if v, ok := mine[common]; ok && selector[common] == "" && theirs[common] != v {
			return common
		}
	}
	for _, k := range slices.Sorted(maps.Keys(mine)) {
		if selector[k] == "" && theirs[k] != mine[k] {
			return k
		}
	}
	return ""
}
