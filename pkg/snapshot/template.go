package snapshot

import (
	"slices"
	"sort"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Template is a pod template inside an object, or the pod itself.
type Template struct {
	Path        *field.Path // of the template in the object; nil for a Pod
	Labels      map[string]string
	Annotations map[string]string
	Spec        *corev1.PodSpec

	meta   *metav1.ObjectMeta // that Labels and Annotations are of, where the kind has it
	paths  *layout            // nil for a template at a place that only its object has
	listed *listed            // nil for a template that no object has
}

// listed are the containers of a template: a hundred rules ask for them.
type listed struct {
	once sync.Once
	list []Container
}

// layout are the paths in a pod template. They are the same in all objects of a kind, of which there are thousands.
type layout struct {
	template         *field.Path // nil for a Pod
	spec             *field.Path
	inits, container items
}

// items are the path of a list, and those of its first items.
type items struct {
	list  *field.Path
	first [4]*field.Path // few pods have more containers
}

func layoutOf(template *field.Path) *layout {
	l := &layout{template: template, spec: field.NewPath("spec")}
	if template != nil {
		l.spec = template.Child("spec")
	}
	l.inits, l.container = itemsOf(l.spec.Child("initContainers")), itemsOf(l.spec.Child("containers"))
	return l
}

func itemsOf(list *field.Path) items {
	x := items{list: list}
	for i := range x.first {
		x.first[i] = list.Index(i)
	}
	return x
}

func (x *items) at(i int) *field.Path {
	if i < len(x.first) {
		return x.first[i]
	}
	return x.list.Index(i)
}

// Where the kinds of Kubernetes have their pod templates.
var (
	ofPods         = layoutOf(nil)
	ofWorkloads    = layoutOf(field.NewPath("spec", "template"))
	ofCronJobs     = layoutOf(field.NewPath("spec", "jobTemplate", "spec", "template"))
	ofPodTemplates = layoutOf(field.NewPath("template"))
)

// layout is where things are in the template.
func (t Template) layout() *layout {
	switch {
	case t.paths != nil:
		return t.paths
	case t.Path == nil:
		return ofPods
	}
	return layoutOf(t.Path)
}

// SpecPath is the path of the pod spec in the object.
func (t Template) SpecPath() *field.Path {
	if t.paths == nil && t.Path != nil {
		return t.Path.Child("spec")
	}
	return t.layout().spec
}

// Meta is the metadata of the pods that the template makes, which nobody changes.
func (t Template) Meta() *metav1.ObjectMeta {
	if t.meta != nil {
		return t.meta
	}
	return &metav1.ObjectMeta{Labels: t.Labels, Annotations: t.Annotations}
}

// Container is one container of a pod or template, with its status when it is a pod's.
type Container struct {
	*corev1.Container
	Path      *field.Path // in the object
	Init      bool        // runs before the others, to its end
	Beside    bool        // an init container with restartPolicy Always: a sidecar
	Ephemeral bool        // was put into a running pod to look into it; nothing can change it
	Status    *corev1.ContainerStatus
}

// Containers lists all containers of the template: init and sidecar containers first, in the
// order in which the kubelet starts them. The list is not changed by who gets it.
func (t Template) Containers() []Container {
	if t.Spec == nil {
		return nil
	}
	if t.listed == nil {
		return t.containers()
	}
	t.listed.once.Do(func() { t.listed.list = slices.Clip(t.containers()) })
	return t.listed.list
}

func (t Template) containers() []Container {
	at := t.layout()
	list := make([]Container, 0, len(t.Spec.InitContainers)+len(t.Spec.Containers))
	for i := range t.Spec.InitContainers {
		c := &t.Spec.InitContainers[i]
		beside := c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		list = append(list, Container{Container: c, Path: at.inits.at(i), Init: !beside, Beside: beside})
	}
	for i := range t.Spec.Containers {
		list = append(list, Container{Container: &t.Spec.Containers[i], Path: at.container.at(i)})
	}
	return list
}

// EphemeralContainers lists what was put into a running pod to look into it.
func (t Template) EphemeralContainers() []Container {
	if t.Spec == nil || len(t.Spec.EphemeralContainers) == 0 {
		return nil
	}
	path := t.SpecPath().Child("ephemeralContainers")
	list := make([]Container, 0, len(t.Spec.EphemeralContainers))
	for i := range t.Spec.EphemeralContainers {
		// The API keeps both types alike for this very conversion.
		c := (*corev1.Container)(&t.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		list = append(list, Container{Container: c, Path: path.Index(i), Ephemeral: true})
	}
	return list
}

// Pod is the object as a Pod, or nil.
func (o *Object) Pod() *corev1.Pod {
	pod, _ := o.Typed.(*corev1.Pod)
	return pod
}

// PodContainers lists the containers of a Pod with their status; of another kind, none.
func (o *Object) PodContainers() []Container {
	pod := o.Pod()
	if pod == nil || len(o.Templates) == 0 {
		return nil
	}
	status := map[string]*corev1.ContainerStatus{}
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range list {
			status[list[i].Name] = &list[i]
		}
	}
	containers := o.Templates[0].containers()
	for i := range containers {
		containers[i].Status = status[containers[i].Name]
	}
	return containers
}

// TemplatesOf are the pod templates of a typed object; of a kind that has none, nil.
func TemplatesOf(obj runtime.Object) []Template {
	at := func(t *corev1.PodTemplateSpec, paths *layout) []Template {
		return []Template{{Path: paths.template, Labels: t.Labels, Annotations: t.Annotations, Spec: &t.Spec, meta: &t.ObjectMeta, paths: paths, listed: &listed{}}}
	}
	switch o := obj.(type) {
	case *corev1.Pod:
		// A pod is seldom judged by its template, and there are thousands.
		return []Template{{Labels: o.Labels, Annotations: o.Annotations, Spec: &o.Spec, meta: &o.ObjectMeta, paths: ofPods}}
	case *appsv1.Deployment:
		return at(&o.Spec.Template, ofWorkloads)
	case *appsv1.ReplicaSet:
		return at(&o.Spec.Template, ofWorkloads)
	case *appsv1.StatefulSet:
		return at(&o.Spec.Template, ofWorkloads)
	case *appsv1.DaemonSet:
		return at(&o.Spec.Template, ofWorkloads)
	case *batchv1.Job:
		return at(&o.Spec.Template, ofWorkloads)
	case *batchv1.CronJob:
		return at(&o.Spec.JobTemplate.Spec.Template, ofCronJobs)
	case *corev1.ReplicationController:
		if o.Spec.Template != nil {
			return at(o.Spec.Template, ofWorkloads)
		}
	case *corev1.PodTemplate:
		return at(&o.Template, ofPodTemplates)
	}
	return nil
}

// A foreign kind may hold a template anywhere; these bounds keep the search short and finite.
const (
	searchDepth = 8
	searchNodes = 5000
)

// searchTemplates finds pod templates in a kind that nobody knows: a mapping whose spec.containers
// is a list of mappings with names.
func searchTemplates(content map[string]any) []Template {
	var found []Template
	nodes := 0
	var walk func(v any, path *field.Path, depth int)
	walk = func(v any, path *field.Path, depth int) {
		nodes++
		if depth > searchDepth || nodes > searchNodes {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			if spec, ok := v["spec"].(map[string]any); ok && hasContainers(spec) {
				if t, ok := templateFrom(v, spec, path); ok {
					found = append(found, t)
					return
				}
			}
			keys := make([]string, 0, len(v))
			for k := range v {
				if k != "status" || depth > 0 {
					keys = append(keys, k)
				}
			}
			sort.Strings(keys)
			for _, k := range keys {
				walk(v[k], path.Child(k), depth+1)
			}
		case []any:
			for i, item := range v {
				walk(item, path.Index(i), depth+1)
			}
		}
	}
	if spec, ok := content["spec"].(map[string]any); ok {
		if hasContainers(spec) {
			if t, ok := templateFrom(content, spec, nil); ok {
				return []Template{t}
			}
		}
		walk(spec, field.NewPath("spec"), 1)
	}
	return found
}

func hasContainers(spec map[string]any) bool {
	list, ok := spec["containers"].([]any)
	if !ok || len(list) == 0 {
		return false
	}
	for _, item := range list {
		c, ok := item.(map[string]any)
		if !ok {
			return false
		}
		if _, ok := c["image"].(string); !ok {
			if _, ok := c["name"].(string); !ok {
				return false
			}
		}
	}
	return true
}

func templateFrom(v, spec map[string]any, path *field.Path) (Template, bool) {
	podSpec := &corev1.PodSpec{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(spec, podSpec); err != nil {
		return Template{}, false
	}
	t := Template{Path: path, Spec: podSpec, listed: &listed{}}
	if m, ok := v["metadata"].(map[string]any); ok {
		t.Labels = stringMap(m["labels"])
		t.Annotations = stringMap(m["annotations"])
	}
	return t, true
}

func stringMap(v any) map[string]string {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}
