package network

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// selectable are the kinds that must have been read before one can say that a selector finds nothing: pods, and
// what makes them.
var selectable = []schema.GroupKind{
	snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind,
}

// unread names a kind of which not all objects of a namespace were read, and why: "Pod: forbidden".
func unread(p *rule.Pass, namespace string, kinds ...schema.GroupKind) string {
	for _, gk := range kinds {
		if !p.ListRead(gk, namespace) {
			return gk.Kind + ": " + p.ListOutcome(gk, namespace).Reason
		}
	}
	return ""
}

// system tells the namespaces of Kubernetes itself, whose objects come with the cluster.
func system(namespace string) bool {
	switch namespace {
	case metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease:
		return true
	}
	return false
}

// selected is what a selector finds in a namespace: templates and, of controllers that are not known, pods.
func selected(p *rule.Pass, namespace string, selector labels.Selector) []snapshot.Selected {
	found := p.SelectedTemplates(namespace, selector)
	if len(found) > 0 {
		return found
	}
	for _, o := range p.SelectedPods(namespace, selector) {
		for _, t := range o.Templates {
			found = append(found, snapshot.Selected{Object: o, Template: t})
		}
	}
	return found
}

// holders names the objects that hold the templates: "deployment/web", "deployment/web and 2 more".
func holders(found []snapshot.Selected) string {
	var names []string
	for _, f := range found {
		names = append(names, f.Object.String())
	}
	return short(rule.Distinct(names))
}

// short names the first and counts the rest.
func short(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return rule.Few(names, 1)
}

// some lists names, and counts those that would make the line too long.
func some(names []string) string {
	const most = 4
	return rule.Few(names, most)
}

func protocolOf(p corev1.Protocol) corev1.Protocol {
	if p == "" {
		return corev1.ProtocolTCP
	}
	return p
}

// declared are the ports of the containers that run as long as the pod does.
func declared(t snapshot.Template) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	for _, c := range t.Containers() {
		if !c.Init {
			ports = append(ports, c.Ports...)
		}
	}
	return ports
}

// workload tells whether the object holds pod templates and nothing else controls it.
func workload(p *rule.Pass) bool { return len(p.Object.Templates) > 0 && p.Owner(p.Object) == nil }

// certaintyHere is how far "nothing here fits" is proven: of manifests that are not all there are it is an
// assumption that what belongs together comes together.
func certaintyHere(p *rule.Pass) rule.Certainty {
	if p.Files && p.Closed {
		return rule.Certain
	}
	return rule.Likely
}

// place says where was looked: "in the input", "in namespace shop".
func place(p *rule.Pass, namespace string) string {
	if p.Files {
		return "in the input"
	}
	return "in namespace " + namespace
}

// near is a workload that all but one label of a selector fit.
type near struct {
	object   *snapshot.Object
	key      string
	old, new string
}

// maxCompared is how many workloads a selector that finds nothing is compared with.
const maxCompared = 1000

// nearest looks for the workload of a namespace that a selector may have meant: all labels but one fit, and the value of
// that is a typing mistake away.
func nearest(p *rule.Pass, namespace string, selector *metav1.LabelSelector) (near, bool) {
	// What lacks one of several labels may be another component of the same application.
	return fitting(p, namespace, selector, func(want, has string) bool {
		return knowledge.Typo(want, has) && knowledge.Nearest(want, []string{has}) != ""
	})
}

// fitting looks for a workload of a namespace that has all labels of a selector but one, whose value is alike.
func fitting(p *rule.Pass, namespace string, selector *metav1.LabelSelector, alike func(want, has string) bool) (near, bool) {
	if selector == nil || len(selector.MatchExpressions) > 0 || len(selector.MatchLabels) == 0 {
		return near{}, false
	}
	want := selector.MatchLabels
	workloads := p.Workloads(namespace)
	for _, o := range workloads[:min(len(workloads), maxCompared)] {
		for _, t := range o.Templates {
			wrong, count := "", 0
			for k, v := range want {
				if t.Labels[k] != v {
					wrong = k
					count++
				}
			}
			has, ok := t.Labels[wrong]
			if count != 1 || !ok || snapshot.ControllerLabel(wrong) {
				continue
			}
			if alike(want[wrong], has) {
				return near{o, wrong, want[wrong], has}, true
			}
		}
	}
	return near{}, false
}

// Of kinds that are not Kubernetes' own, fields may hold anything.

func specOf(o *snapshot.Object) map[string]any {
	spec, _ := o.Content["spec"].(map[string]any)
	return spec
}

func word(m map[string]any, key, otherwise string) string {
	if s, ok := m[key].(string); ok && s != "" {
		return s
	}
	return otherwise
}

// flag tells whether an annotation says yes.
func flag(annotations map[string]string, key string) bool {
	return slices.Contains([]string{"true", "yes", "on", "1"}, strings.ToLower(strings.TrimSpace(annotations[key])))
}
