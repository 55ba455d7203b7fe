package reliability

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// endless tells whether the pods of a template are to run for ever: those of a Job end, and so does
// what no failure or no end restarts.
func endless(o *snapshot.Object, t snapshot.Template) bool {
	switch o.GroupKind() {
	case snapshot.JobKind, snapshot.CronJobKind:
		return false
	}
	if pod := o.Pod(); pod != nil && (pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed) {
		return false
	}
	return t.Spec.RestartPolicy == "" || t.Spec.RestartPolicy == corev1.RestartPolicyAlways
}

// app is a container that serves as long as its pod lives.
type app struct {
	snapshot.Container
	template snapshot.Template
}

// apps are the containers that do the work of an object whose pods run for ever: neither what runs
// before them nor the sidecars that help them.
func apps(p *rule.Pass) []app {
	var list []app
	for _, t := range p.Object.Templates {
		if !endless(p.Object, t) {
			continue
		}
		for _, c := range t.Containers() {
			if isApp(c) {
				list = append(list, app{c, t})
			}
		}
	}
	return list
}

func hasApps(p *rule.Pass) bool {
	return slices.ContainsFunc(p.Object.Templates, func(t snapshot.Template) bool {
		return endless(p.Object, t) && slices.ContainsFunc(t.Containers(), isApp)
	})
}

func isApp(c snapshot.Container) bool { return !c.Init && !c.Beside }

// judged are those of apps of which all that counts is written.
func judged(p *rule.Pass) []app {
	return slices.DeleteFunc(apps(p), func(c app) bool { return completed(p.Object, c.Container) })
}

// completed tells whether somebody else adds what is not written of a container: the webhook of a mesh, or an operator,
// which merges an entry without an image into its own container of that name.
func completed(o *snapshot.Object, c snapshot.Container) bool {
	return knowledge.InjectedImage(c.Image) || c.Image == "" && o.Typed == nil
}

// asksItself tells whether what runs the pods of an object gives the container such a probe where none is written.
// Source: Knative Serving's queue proxy, which asks the port; the probes that KubeRay injects into the first container
// of its pods since 1.1.
func asksItself(o *snapshot.Object, c app, probe string) bool {
	switch o.Group() {
	case "serving.knative.dev":
		return probe == "readinessProbe"
	case "ray.io":
		return len(c.template.Spec.Containers) > 0 && c.Name == c.template.Spec.Containers[0].Name
	}
	return false
}

// scale is how many pods an object keeps at least, and the field that says so.
type scale struct {
	count  int
	object *snapshot.Object // that of the field: the workload, or its autoscaler
	field  *field.Path
	unset  bool // the default decides
}

var replicasPath = field.NewPath("spec", "replicas")

// scaleOf reads the replicas of an object, or the fewest that its autoscaler leaves; ok is false
// for what has no number of replicas, or none that can be known.
func scaleOf(p *rule.Pass, o *snapshot.Object) (s scale, ok bool) {
	set := func(n *int32) scale {
		if n == nil {
			return scale{count: 1, object: o, field: replicasPath, unset: true}
		}
		return scale{count: int(*n), object: o, field: replicasPath}
	}
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		s = set(t.Spec.Replicas)
	case *appsv1.StatefulSet:
		s = set(t.Spec.Replicas)
	case *appsv1.ReplicaSet:
		s = set(t.Spec.Replicas)
	case *corev1.ReplicationController:
		s = set(t.Spec.Replicas)
	case nil:
		if s, ok = foreignScale(o); !ok {
			return scale{}, false
		}
	default:
		return scale{}, false
	}
	by, least := p.AutoscalerOf(o)
	if by == nil || s.count == 0 && !s.unset { // zero replicas switch a HorizontalPodAutoscaler off
		return s, true
	}
	name := "minReplicas"
	if by.GroupKind() == snapshot.ScaledObjectKind {
		name = "minReplicaCount"
	}
	path := field.NewPath("spec", name)
	_, present := rule.ValueAt(by, path)
	return scale{count: least, object: by, field: path, unset: !present}, true
}

// foreignScale reads the replicas of a kind that is not Kubernetes' own, where it has the shape of
// a Deployment.
func foreignScale(o *snapshot.Object) (scale, bool) {
	if len(o.Templates) != 1 || o.Templates[0].Path == nil || o.Templates[0].Path.String() != "spec.template" {
		return scale{}, false
	}
	spec, _ := o.Content["spec"].(map[string]any)
	s := scale{object: o, field: replicasPath}
	switch n := spec["replicas"].(type) {
	case int64:
		s.count = int(n)
	case float64:
		s.count = int(n)
	default:
		if o.Group() != "argoproj.io" || o.Kind != "Rollout" { // its default is 1, as a Deployment's
			return scale{}, false
		}
		s.count, s.unset = 1, true
	}
	return s, true
}

// last is the name of the field at the end of a path.
func last(path *field.Path) string {
	text := path.String()
	return text[strings.LastIndexByte(text, '.')+1:]
}

// names words a few objects: "service/web", "service/web and 2 more".
func names(list []*snapshot.Object) string {
	if len(list) == 1 {
		return list[0].String()
	}
	return fmt.Sprintf("%s and %d more", list[0], len(list)-1)
}

// does words what objects do: "service/web sends", "service/web and 2 more send".
func does(list []*snapshot.Object, one, several string) string {
	if len(list) == 1 {
		return names(list) + " " + one
	}
	return names(list) + " " + several
}

// jvm tells what in a container says that it starts a Java virtual machine, or "".
func jvm(c snapshot.Container) string {
	for _, e := range c.Env {
		switch e.Name {
		case "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "JAVA_OPTS", "CATALINA_OPTS", "ES_JAVA_OPTS", "KAFKA_HEAP_OPTS":
			return "env " + e.Name
		}
		if strings.Contains(e.Value, "-Xmx") || strings.Contains(e.Value, "-XX:") {
			return "env " + e.Name + " with options of a JVM"
		}
	}
	words := append(append([]string{}, c.Command...), c.Args...)
	for i, w := range words {
		switch {
		case i == 0 && (w == "java" || strings.HasSuffix(w, "/java")):
			return "command " + w
		case strings.HasPrefix(w, "-Xmx") || strings.HasPrefix(w, "-XX:"):
			return "argument " + w
		case strings.Contains(w, "java -") || strings.Contains(w, "-Xmx"):
			return "a command that calls java"
		}
	}
	if knowledge.JVMImage(c.Image) {
		return "image " + c.Image
	}
	return ""
}

// sum words how a probe's budget comes about: "5s + 2 x 10s = 25s".
func sum(t knowledge.Timing) string {
	least, _ := t.Budget()
	return fmt.Sprintf("%s + %d x %s = %s", rule.Seconds(t.InitialDelay), t.Failures-1, rule.Seconds(t.Period), rule.Seconds(least))
}

// Numbers of the startup probe that fixes propose, as Kubernetes' own documentation has them.
const (
	startupPeriodSeconds = 10
	startupFailures      = 30
)

// startupFix gives a container a startup probe that asks what its liveness probe asks.
func startupFix(p *rule.Pass, c snapshot.Container) rule.Fix {
	probe := rule.Plain(corev1.Probe{ProbeHandler: c.LivenessProbe.ProbeHandler, TimeoutSeconds: c.LivenessProbe.TimeoutSeconds, PeriodSeconds: startupPeriodSeconds, FailureThreshold: startupFailures})
	patch := p.Put(c.Path.Child("startupProbe"), probe)
	return rule.Fix{
		Title:         "give it time to start with a startupProbe; liveness stays as strict as it is",
		Caution:       fmt.Sprintf("%d x %ds allows %s; measure the start and lower it", startupFailures, startupPeriodSeconds, rule.Seconds(startupFailures*startupPeriodSeconds*time.Second)),
		Applicability: rule.NeedsThought,
		Patch:         patch,
		Command:       p.Live(patch),
	}
}

// flow words labels as YAML on one line; JSON is YAML, and quotes what needs it.
func flow(labels map[string]string) string {
	text, err := json.Marshal(labels)
	if err != nil {
		return "{}"
	}
	return string(text)
}

// liveNumber is the command that patches the object of a Pass on its cluster with a number that somebody has to
// fill in; nil for one of a file.
func liveNumber(p *rule.Pass, patch *rule.Patch, placeholder string) []string {
	if p.Files {
		return nil
	}
	return p.ChangeCommand(p.Object.Ref, patch, placeholder)
}
