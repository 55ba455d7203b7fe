package snapshot

import (
	"slices"
	"sort"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
)

// relations answer "what does this selector find" and "what selects this" without looking at every
// object for every question: with thousands of Services that would be millions of comparisons.
type relations struct {
	workloads   map[string][]*Object
	templates   map[string]*labelIndex // by namespace, of what nothing controls
	pods        map[string]*labelIndex
	services    map[string]*selectorIndex
	budgets     map[string]*selectorIndex
	autoscalers map[Ref]*Object
	derived     map[any]any // see Derived
}

// Derived is what derive makes of the whole snapshot, made once and again only after something was
// added: what hundreds of objects are judged by need not be counted for each. The key is of a type of the
// caller's own. What is derived is not changed afterwards.
func Derived[T any](s *Snapshot, key any, derive func() T) T {
	r := s.related()
	s.relationsMu.Lock()
	v, ok := r.derived[key].(T)
	s.relationsMu.Unlock()
	if ok {
		return v
	}
	v = derive() // may ask for relations itself
	s.relationsMu.Lock()
	defer s.relationsMu.Unlock()
	r.derived[key] = v
	return v
}

// related builds the relations when they are first asked for, and again after something was added.
func (s *Snapshot) related() *relations {
	s.relationsMu.Lock()
	defer s.relationsMu.Unlock()
	if s.relations != nil {
		return s.relations
	}
	r := &relations{
		workloads: map[string][]*Object{}, templates: map[string]*labelIndex{}, pods: map[string]*labelIndex{},
		services: map[string]*selectorIndex{}, budgets: map[string]*selectorIndex{}, autoscalers: map[Ref]*Object{}, derived: map[any]any{},
	}
	for _, o := range s.All() {
		if len(o.Templates) > 0 && s.Owner(o) == nil {
			r.workloads[o.Namespace] = append(r.workloads[o.Namespace], o)
			for _, t := range o.Templates {
				indexOf(r.templates, o.Namespace).add(Selected{o, t}, t.Labels)
			}
		}
		switch t := o.Typed.(type) {
		case *corev1.Pod:
			indexOf(r.pods, o.Namespace).add(Selected{Object: o}, t.Labels)
		case *corev1.Service:
			if sel := serviceSelector(t); sel != nil {
				selectorsOf(r.services, o.Namespace).add(o, sel)
			}
		case *policyv1.PodDisruptionBudget:
			if sel, err := SelectorOf(t.Spec.Selector); err == nil {
				selectorsOf(r.budgets, o.Namespace).add(o, sel)
			}
		case *autoscalingv2.HorizontalPodAutoscaler:
			ref := t.Spec.ScaleTargetRef
			r.autoscalers[Ref{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: o.Namespace, Name: ref.Name}.Key()] = o
		}
		if o.GroupKind() == ScaledObjectKind {
			if ref, ok := scaledTarget(o); ok {
				if _, taken := r.autoscalers[ref.Key()]; !taken {
					r.autoscalers[ref.Key()] = o
				}
			}
		}
	}
	s.relations = r
	return r
}

func (s *Snapshot) forgetRelations() {
	s.relationsMu.Lock()
	s.relations = nil
	s.relationsMu.Unlock()
}

func serviceSelector(svc *corev1.Service) labels.Selector {
	if len(svc.Spec.Selector) == 0 || svc.Spec.Type == corev1.ServiceTypeExternalName {
		return nil // nobody selects for it
	}
	return labels.SelectorFromSet(svc.Spec.Selector)
}

func scaledTarget(o *Object) (Ref, bool) {
	spec, _ := o.Content["spec"].(map[string]any)
	target, _ := spec["scaleTargetRef"].(map[string]any)
	word := func(key, otherwise string) string {
		if s, ok := target[key].(string); ok && s != "" {
			return s
		}
		return otherwise
	}
	ref := Ref{APIVersion: word("apiVersion", "apps/v1"), Kind: word("kind", "Deployment"), Namespace: o.Namespace, Name: word("name", "")}
	return ref, ref.Name != ""
}

// labelIndex finds what carries the labels that a selector asks for.
type labelIndex struct {
	all    []Selected
	labels []map[string]string
	byPair map[[2]string][]int
}

func indexOf(m map[string]*labelIndex, namespace string) *labelIndex {
	x := m[namespace]
	if x == nil {
		x = &labelIndex{byPair: map[[2]string][]int{}}
		m[namespace] = x
	}
	return x
}

func (x *labelIndex) add(s Selected, set map[string]string) {
	i := len(x.all)
	x.all, x.labels = append(x.all, s), append(x.labels, set)
	for k, v := range set {
		x.byPair[[2]string{k, v}] = append(x.byPair[[2]string{k, v}], i)
	}
}

// find returns what the selector finds, in the order of the objects.
func (x *labelIndex) find(selector labels.Selector) []Selected {
	var found []Selected
	x.each(selector, func(s Selected) bool {
		found = append(found, s)
		return true
	})
	return found
}

// each hands over what the selector finds, in the order of the objects, until somebody has had enough.
func (x *labelIndex) each(selector labels.Selector, more func(Selected) bool) {
	if x == nil {
		return
	}
	test := func(i int) bool { return !matches(selector, x.all[i], x.labels[i]) || more(x.all[i]) }
	requirements, selectable := selector.Requirements()
	if !selectable {
		return
	}
	best, indexed := []int(nil), false
	for _, r := range requirements {
		if k, v, ok := pairOf(r); ok && !controllerLabels[k] {
			if list := x.byPair[[2]string{k, v}]; !indexed || len(list) < len(best) {
				best, indexed = list, true
			}
		}
	}
	if indexed {
		for _, i := range best {
			if !test(i) {
				return
			}
		}
		return
	}
	for i := range x.all {
		if !test(i) {
			return
		}
	}
}

// pairOf is the one label that a requirement asks for, where it does.
func pairOf(r labels.Requirement) (key, value string, ok bool) {
	switch r.Operator() {
	case selection.Equals, selection.DoubleEquals, selection.In:
		if values := r.ValuesUnsorted(); len(values) == 1 {
			return r.Key(), values[0], true
		}
	}
	return "", "", false
}

// controllerLabels are put on pods by their controllers; templates do not have them.
// Source: the constants of k8s.io/api apps/v1 and batch/v1, and the Job controller's older names.
var controllerLabels = map[string]bool{
	"pod-template-hash":                        true,
	"controller-revision-hash":                 true,
	"pod-template-generation":                  true,
	"statefulset.kubernetes.io/pod-name":       true,
	"apps.kubernetes.io/pod-index":             true,
	"batch.kubernetes.io/job-name":             true,
	"batch.kubernetes.io/controller-uid":       true,
	"batch.kubernetes.io/job-completion-index": true,
	"job-name":       true,
	"controller-uid": true,
}

// matches tells whether a selector finds the pods of a template, whose controller adds labels.
func matches(selector labels.Selector, s Selected, set map[string]string) bool {
	if selector.Matches(labels.Set(set)) {
		return true
	}
	if s.Object.Pod() != nil {
		return false
	}
	requirements, _ := selector.Requirements()
	added := false
	for _, r := range requirements {
		if controllerLabels[r.Key()] && addedBy(s.Object, r) {
			added = true
			continue
		}
		if !r.Matches(labels.Set(set)) {
			return false
		}
	}
	return added
}

// addedBy tells whether the controller of o will put a label on some pod that meets r.
func addedBy(o *Object, r labels.Requirement) bool {
	gk := o.GroupKind()
	values := r.ValuesUnsorted()
	prefixed := func(prefix string) bool {
		for _, v := range values {
			if strings.HasPrefix(v, prefix) {
				return true
			}
		}
		return len(values) == 0
	}
	switch r.Key() {
	case "pod-template-hash":
		return gk == DeploymentKind
	case "controller-revision-hash":
		return gk == StatefulSetKind || gk == DaemonSetKind
	case "pod-template-generation":
		return gk == DaemonSetKind
	case "statefulset.kubernetes.io/pod-name":
		return gk == StatefulSetKind && prefixed(o.Name+"-")
	case "apps.kubernetes.io/pod-index":
		return gk == StatefulSetKind
	case "job-name", "batch.kubernetes.io/job-name":
		return gk == JobKind && (len(values) == 0 || slices.Contains(values, o.Name)) || gk == CronJobKind && prefixed(o.Name+"-")
	}
	return gk == JobKind || gk == CronJobKind
}

// selectorIndex finds the selectors that find given labels.
type selectorIndex struct {
	all    []*Object
	sel    []labels.Selector
	byPair map[[2]string][]int
	others []int // those without a label to look them up by
}

func selectorsOf(m map[string]*selectorIndex, namespace string) *selectorIndex {
	x := m[namespace]
	if x == nil {
		x = &selectorIndex{byPair: map[[2]string][]int{}}
		m[namespace] = x
	}
	return x
}

func (x *selectorIndex) add(o *Object, sel labels.Selector) {
	i := len(x.all)
	x.all, x.sel = append(x.all, o), append(x.sel, sel)
	requirements, selectable := sel.Requirements()
	if !selectable {
		return
	}
	// The pair that the fewest selectors share so far: a common label such as
	// app.kubernetes.io/part-of would put all of them into one list.
	var best [2]string
	found := false
	for _, r := range requirements {
		if k, v, ok := pairOf(r); ok && !controllerLabels[k] {
			if pair := [2]string{k, v}; !found || len(x.byPair[pair]) < len(x.byPair[best]) {
				best, found = pair, true
			}
		}
	}
	if !found {
		x.others = append(x.others, i)
		return
	}
	x.byPair[best] = append(x.byPair[best], i)
}

func (x *selectorIndex) find(s Selected) []*Object {
	if x == nil {
		return nil
	}
	var hits []int
	test := func(i int) {
		if matches(x.sel[i], s, s.Template.Labels) {
			hits = append(hits, i)
		}
	}
	for k, v := range s.Template.Labels {
		for _, i := range x.byPair[[2]string{k, v}] {
			test(i)
		}
	}
	for _, i := range x.others {
		test(i)
	}
	sort.Ints(hits)
	found := make([]*Object, len(hits))
	for n, i := range hits {
		found[n] = x.all[i]
	}
	return found
}

// SelectedPods are the pods of a namespace that a selector finds.
func (s *Snapshot) SelectedPods(namespace string, selector labels.Selector) []*Object {
	s.askFor(namespace, makers...)
	var pods []*Object
	s.related().pods[namespace].each(selector, func(found Selected) bool {
		pods = append(pods, found.Object)
		return true
	})
	return pods
}

// SelectsPod tells whether a selector finds any pod of a namespace.
func (s *Snapshot) SelectsPod(namespace string, selector labels.Selector) bool {
	s.askFor(namespace, makers...)
	found := false
	s.related().pods[namespace].each(selector, func(Selected) bool {
		found = true
		return false
	})
	return found
}

// Selected is a pod template that a selector finds, and the object that holds it.
type Selected struct {
	Object   *Object
	Template Template
}

// SelectedTemplates are the templates of a namespace that a selector finds, in objects that nothing
// else in the snapshot controls: the pods that will be, as files declare them. Labels that only
// the controller will put on the pods count as theirs.
func (s *Snapshot) SelectedTemplates(namespace string, selector labels.Selector) []Selected {
	found := s.related().templates[namespace].find(selector)
	if len(found) == 0 {
		s.askFor(namespace, makers...)
	}
	return found
}

// makers are the kinds whose pods a selector is written for.
var makers = []schema.GroupKind{DeploymentKind, StatefulSetKind, DaemonSetKind}

// Workloads are the objects with a pod template that nothing controls; an object whose controller
// was not read counts.
func (s *Snapshot) Workloads(namespace string) []*Object {
	if namespace != "" {
		return s.related().workloads[namespace]
	}
	var list []*Object
	for _, o := range s.All() {
		if len(o.Templates) > 0 && s.Owner(o) == nil {
			list = append(list, o)
		}
	}
	return list
}

// ServicesOf are the Services that send traffic to the pods of a template of o.
func (s *Snapshot) ServicesOf(o *Object, t Template) []*Object {
	s.askFor(o.Namespace, ServiceKind)
	return s.related().services[o.Namespace].find(Selected{o, t})
}

// BudgetsOf are the PodDisruptionBudgets that cover the pods of a template of o.
func (s *Snapshot) BudgetsOf(o *Object, t Template) []*Object {
	s.askFor(o.Namespace, PDBKind)
	return s.related().budgets[o.Namespace].find(Selected{o, t})
}

// AutoscalerOf is the HorizontalPodAutoscaler or KEDA ScaledObject that decides about the replicas
// of o, and the fewest it leaves; nil where there is none.
func (s *Snapshot) AutoscalerOf(o *Object) (by *Object, atLeast int) {
	s.askFor(o.Namespace, HPAKind)
	by = s.related().autoscalers[o.Key()]
	if by == nil {
		return nil, 0
	}
	if hpa, ok := by.Typed.(*autoscalingv2.HorizontalPodAutoscaler); ok {
		if hpa.Spec.MinReplicas != nil {
			return by, int(*hpa.Spec.MinReplicas)
		}
		return by, 1
	}
	spec, _ := by.Content["spec"].(map[string]any)
	switch n := spec["minReplicaCount"].(type) {
	case int64:
		return by, int(n)
	case float64:
		return by, int(n)
	}
	return by, 0
}

// ControllerLabel tells the labels that controllers put on pods.
func ControllerLabel(key string) bool { return controllerLabels[key] }
