package reliability

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// selectable are the kinds that must have been read before one can say that a selector finds
// nothing: pods, and those whose pods may be scaled to none.
var selectable = []schema.GroupKind{snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind}

// unread names a kind of which not all objects were read, and why: "Pod: forbidden".
func unread(p *rule.Pass, kinds ...schema.GroupKind) string {
	for _, gk := range kinds {
		if !p.ListRead(gk, p.Object.Namespace) {
			return gk.Kind + ": " + p.ListOutcome(gk, p.Object.Namespace).Reason
		}
	}
	return ""
}

// selected is what a selector finds: templates and, of controllers that are not known, pods.
func selected(p *rule.Pass, selector labels.Selector) []snapshot.Selected {
	found := p.SelectedTemplates(p.Object.Namespace, selector)
	if len(found) > 0 {
		return found
	}
	for _, o := range p.SelectedPods(p.Object.Namespace, selector) {
		for _, t := range o.Templates {
			found = append(found, snapshot.Selected{Object: o, Template: t})
		}
	}
	return found
}

// objects are the holders of templates, each once.
func objects(found []snapshot.Selected) []*snapshot.Object {
	var list []*snapshot.Object
	for i, f := range found {
		if i == 0 || f.Object != found[i-1].Object {
			list = append(list, f.Object)
		}
	}
	return list
}

// absence says where a selector found nothing, and how far that is proven: of manifests that are
// not all there are it is an assumption that what belongs together comes together.
func absence(p *rule.Pass) (where string, certainty rule.Certainty) {
	switch {
	case p.Files && p.Closed:
		return "in the input", rule.Certain
	case p.Files && len(p.Workloads(p.Object.Namespace)) == 0:
		return "in the input", rule.Possible
	case p.Files:
		return "in the input", rule.Likely
	}
	return "in namespace " + p.Object.Namespace, rule.Likely
}

// maxCompared is how many workloads a selector that finds nothing is compared with.
const maxCompared = 1000

// near is what a selector that finds nothing may have meant.
type near struct {
	text     string // "deployment/web has app=web"
	key      string // the label that differs; "" where no single one does
	old, new string // its value, and that of the workload; new is "" where the workload has no such label
}

// nearest looks for a workload that all but one of the labels fit, or that a typing mistake hides.
func nearest(p *rule.Pass, want map[string]string) (near, bool) {
	keys := make([]string, 0, len(want))
	for k := range want {
		if !snapshot.ControllerLabel(k) { // no template has those
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	workloads := p.Workloads(p.Object.Namespace)
	workloads = workloads[:min(len(workloads), maxCompared)]
	if n, ok := nearLabel(workloads, want, keys); ok {
		return n, true
	}
	for _, ns := range p.Namespaces() {
		if ns == p.Object.Namespace {
			continue
		}
		if found := p.SelectedTemplates(ns, labels.SelectorFromSet(want)); len(found) > 0 {
			return near{text: fmt.Sprintf("%s in namespace %s has them, and a selector does not reach there", found[0].Object, ns)}, true
		}
	}
	if len(keys) != 1 {
		return near{}, false
	}
	for _, o := range workloads { // the right value under another key
		for _, t := range o.Templates {
			for k, v := range t.Labels {
				if v == want[keys[0]] && !snapshot.ControllerLabel(k) {
					return near{text: fmt.Sprintf("%s has %s=%s", o, k, v)}, true
				}
			}
		}
	}
	return near{}, false
}

func nearLabel(workloads []*snapshot.Object, want map[string]string, keys []string) (near, bool) {
	for _, key := range keys {
		holder := map[string]*snapshot.Object{}
		var values []string
		for _, o := range workloads {
			for _, t := range o.Templates {
				others := true
				for _, k := range keys {
					others = others && (k == key || t.Labels[k] == want[k])
				}
				v, has := t.Labels[key]
				switch {
				case !others:
				case !has && len(keys) > 1:
					return near{text: fmt.Sprintf("%s has the rest, and no %s", o, key), key: key, old: want[key]}, true
				case has && holder[v] == nil:
					holder[v] = o
					values = append(values, v)
				}
			}
		}
		value := knowledge.Nearest(want[key], values)
		if value == "" && len(keys) > 1 && len(values) > 0 {
			value = values[0]
		}
		if value != "" {
			return near{text: fmt.Sprintf("%s has %s=%s", holder[value], key, value), key: key, old: want[key], new: value}, true
		}
	}
	return near{}, false
}

// labelledInside is a custom resource of the namespace in which the labels of a selector are written for pods whose
// template it does not hold: of an experiment, or as what an operator adds to its own. A cluster shows the pods.
func labelledInside(p *rule.Pass, want map[string]string) *snapshot.Object {
	if !p.Files {
		return nil
	}
	for _, o := range p.All() {
		if o.Content != nil && o.Namespace == p.Object.Namespace && labelled(o.Content["spec"], "", want) {
			return o
		}
	}
	return nil
}

// labelled tells whether content has metadata with all of these labels somewhere in it; under is the key that it has itself.
func labelled(content any, under string, want map[string]string) bool {
	switch v := content.(type) {
	case map[string]any:
		if strings.HasSuffix(strings.ToLower(under), "metadata") && len(want) > 0 {
			have, all := snapshot.MapIn(v, "labels"), true
			for k, value := range want {
				all = all && have[k] == value
			}
			if all {
				return true
			}
		}
		for k, item := range v {
			if labelled(item, k, want) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return labelled(item, "", want) })
	}
	return false
}
