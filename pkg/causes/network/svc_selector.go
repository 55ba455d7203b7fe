package network

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcSelector finds Services whose selector no pod of the namespace has the labels for.
var SvcSelector = rule.Cause{
	ID: "svc-selector", Title: "the Service selects no pod", Doc: rule.ReadDoc(docs, "svc_selector.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.ServiceKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		ns := p.Object.Namespace
		slices := snapshot.WantEndpoints(ns, p.Object.Name)
		if _, ok := selectsNothing(p); !ok || !p.Answered(slices) {
			return nil // most Services have endpoints: all pods are listed only for one that has none
		}
		wants := []snapshot.Want{snapshot.WantList(snapshot.PodKind, ns, "")}
		if p.ListRead(snapshot.PodKind, ns) {
			wants = append(wants, snapshot.WantList(snapshot.DeploymentKind, ns, ""), snapshot.WantList(snapshot.StatefulSetKind, ns, ""))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		svc, ok := selectsNothing(p)
		if !ok || !p.ListRead(snapshot.PodKind, p.Object.Namespace) {
			return
		}
		if len(p.SelectedTemplates(p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector))) > 0 {
			return // its workload is there, and has no pods: scaled to zero, or not allowed to make them
		}
		reportNoPods(p, svc)
	},
}

// selectsNothing tells whether the Service has a selector and, as far as was read, no pod for it.
func selectsNothing(p *rule.Pass) (*corev1.Service, bool) {
	svc, ok := p.Object.Typed.(*corev1.Service)
	if !ok || svc.Spec.Type == corev1.ServiceTypeExternalName || len(svc.Spec.Selector) == 0 {
		return nil, false
	}
	e := endpointsOf(p)
	if e.ready > 0 || len(e.notReady) > 0 {
		return nil, false
	}
	return svc, !p.SelectsPod(p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector))
}

// near is a pod that the selector almost finds.
type near struct {
	pod   *snapshot.Object
	same  int      // labels that fit
	wrong []string // keys of the selector that do not
	alike int      // of which the pod has a like value, or the value under another key
}

func reportNoPods(p *rule.Pass, svc *corev1.Service) {
	selector := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "selector")}
	pods := p.List(snapshot.PodKind, p.Object.Namespace)
	f := rule.Finding{
		Field: selector.Path, Certainty: rule.Likely,
		Message: fmt.Sprintf("selects %s, and none of %s in the namespace has that", pairs(svc.Spec.Selector), rule.Count(len(pods), "pod")),
		Label:   "no pod has these labels",
		Fix: &rule.Fix{
			Title:         "select labels that the pods carry",
			Caution:       "or give the labels to the pods, in the template of whatever makes them",
			Applicability: rule.NeedsThought,
		},
	}
	if len(pods) == 0 {
		f.Message = fmt.Sprintf("selects %s, and there is no pod at all in namespace %s", pairs(svc.Spec.Selector), p.Object.Namespace)
		f.Fix.Title, f.Fix.Caution = "run what it is for in its namespace: a Service sees no pods of another", ""
	}
	if e := endpointsOf(p); e.read {
		f.Certainty = rule.Certain
		text := "it has no EndpointSlice"
		if !e.slice.IsZero() {
			text = e.slice.String() + ": no endpoints"
		}
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: e.slice, Field: "endpoints", Text: text})
	}
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: fmt.Sprintf("0 of %s match %s", rule.Count(len(pods), "pod"), pairs(svc.Spec.Selector))})
	f.RuledOut = append(f.RuledOut, "pods that are not ready: not even those would match")
	if n := nearest(svc.Spec.Selector, pods); n != nil {
		almost(p, svc, n, &f)
	}
	p.Report(f)
}

// nearest is the pod that fits the selector best; nil where none comes near.
func nearest(selector map[string]string, pods []*snapshot.Object) *near {
	var best *near
	for _, o := range pods {
		if pod := o.Pod(); pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		n := &near{pod: o}
		have := o.Meta.GetLabels()
		for _, k := range slices.Sorted(maps.Keys(selector)) {
			switch value, ok := have[k]; {
			case ok && value == selector[k]:
				n.same++
				continue
			case ok && knowledge.Nearest(selector[k], []string{value}) != "", keyOf(have, selector[k]) != "":
				n.alike++
			}
			n.wrong = append(n.wrong, k)
		}
		if n.same+n.alike > 0 && (best == nil || 2*n.same+n.alike > 2*best.same+best.alike) {
			best = n
		}
	}
	return best
}

// keyOf is the key under which labels hold the value.
func keyOf(have map[string]string, value string) string {
	for _, k := range slices.Sorted(maps.Keys(have)) {
		if have[k] == value && k != "pod-template-hash" {
			return k
		}
	}
	return ""
}

// almost words what sets the nearest pod apart, and how to select it.
func almost(p *rule.Pass, svc *corev1.Service, n *near, f *rule.Finding) {
	have := n.pod.Meta.GetLabels()
	top := p.TopOwner(n.pod).Ref
	alike := 0
	for _, o := range p.List(snapshot.PodKind, p.Object.Namespace) {
		if p.TopOwner(o).Ref == top {
			alike++
		}
	}
	who := "the pod of " + top.String()
	switch {
	case top.Same(n.pod.Ref):
		who = top.String()
	case alike > 1:
		who = "the pods of " + top.String()
	}
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: n.pod.Ref, Field: "metadata.labels", Text: fmt.Sprintf("nearest: %s, labels %s", n.pod.String(), pairs(own(have)))})
	if len(n.wrong) != 1 {
		return
	}
	key := n.wrong[0]
	setting := rule.Setting{Object: p.Object.Ref, Path: f.Field.Key(key)}
	want := svc.Spec.Selector[key]
	f.Field, f.Value = setting.Path, want
	has := "have"
	if alike == 1 {
		has = "has"
	}
	var patch *rule.Patch
	if value, ok := have[key]; ok {
		f.Message = fmt.Sprintf("selects %s=%s, and %s %s %s=%s: it has no endpoints", key, want, who, has, key, value)
		f.Label = fmt.Sprintf("%s %s %s=%s", who, has, key, value)
		f.Fix.Title = fmt.Sprintf("select %s=%s", key, value)
		patch = setting.ReplaceValue(want, value)
	} else if other := keyOf(have, want); other != "" {
		f.Message = fmt.Sprintf("selects %s=%s, and %s %s %s=%s: it has no endpoints", key, want, who, has, other, want)
		f.Label = fmt.Sprintf("%s %s the value under the label %s", who, has, other)
		f.Fix.Title = fmt.Sprintf("select %s=%s", other, want)
		to := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "selector").Key(other)}
		patch = &rule.Patch{Type: "json", Body: []rule.Op{
			{Op: "test", Path: setting.Pointer(), Value: want},
			{Op: "remove", Path: setting.Pointer()},
			{Op: "add", Path: to.Pointer(), Value: want},
		}}
	} else {
		f.Message = fmt.Sprintf("selects %s=%s, a label that %s %s not: it has no endpoints", key, want, who, has)
		f.Label = fmt.Sprintf("%s %s no label %s", who, has, key)
		return
	}
	f.Fix.Caution = fmt.Sprintf("make sure that %s is what the Service is for; or change the label in its template", strings.TrimPrefix(who, "the pod of "))
	f.Fix.Patch, f.Fix.Command = patch, p.PatchCommand(p.Object.Ref, patch)
}

// own leaves out the labels that controllers add for themselves.
func own(have map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range have {
		if !slices.Contains([]string{"pod-template-hash", "controller-revision-hash", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "pod-template-generation"}, k) {
			out[k] = v
		}
	}
	return out
}

// pairs words labels as a selector does.
func pairs(m map[string]string) string {
	list := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, k+"="+m[k])
	}
	return strings.Join(list, ",")
}
