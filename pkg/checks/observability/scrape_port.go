package observability

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ScrapePort finds annotations that send Prometheus to a port where nobody is known to listen.
var ScrapePort = rule.Check{
	ID: "scrape-port-mismatch", Title: "scraped on a port that no container has", Doc: rule.ReadDoc(docs, "scrape_port.md"),
	Dimension: rule.Observability, Severity: rule.Medium, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		for _, t := range p.Object.Templates {
			if t.Annotations[scrape] == "true" || len(scraped(p, t)) > 0 {
				return true
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			list := ports(t)
			if t.Annotations[scrape] == "true" {
				judgePort(p, p.Object, annotation(t, scrapePort), t.Annotations[scrapePort], list, nil)
			}
			for _, o := range scraped(p, t) {
				svc, ok := o.Typed.(*corev1.Service)
				if ok {
					judgePort(p, o, field.NewPath("metadata", "annotations").Key(scrapePort), svc.Annotations[scrapePort], list, svc)
				}
			}
		}
	},
}

// Annotations by which Prometheus finds what to scrape, where it is configured as its own example is. On a Service they hold for
// its endpoints: the port is that of the pod.
const (
	scrape     = "prometheus.io/scrape"
	scrapePort = "prometheus.io/port"
)

// scraped are the Services in front of a template whose annotations ask for its metrics.
func scraped(p *rule.Pass, t snapshot.Template) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range p.ServicesOf(p.Object, t) {
		if a := o.Meta.GetAnnotations(); a[scrape] == "true" && a[scrapePort] != "" {
			list = append(list, o)
		}
	}
	return list
}

// judgePort compares the port of an annotation with those that the containers declare. Where they declare none, nobody can say.
func judgePort(p *rule.Pass, o *snapshot.Object, path *field.Path, value string, list []port, svc *corev1.Service) {
	if value == "" || len(list) == 0 {
		return // without one, each declared port is asked
	}
	f := rule.Finding{Object: o.Ref, Field: path, Value: value, Certainty: rule.Likely, Label: "where Prometheus asks"}
	number, err := strconv.Atoi(value)
	for _, have := range list {
		if err == nil && have.number == number {
			return
		}
	}
	if err == nil && ofMesh[number] {
		return
	}
	right, known := metricsPort(list)
	switch {
	case err != nil:
		f.Message = fmt.Sprintf("prometheus.io/port is %q: the annotation takes a number, so that the port's name leads nowhere", value)
		for _, have := range list {
			if have.name == value {
				right, known = have, true
			}
		}
	case svc != nil:
		if target := targetOf(svc, number, list); target > 0 {
			if !known { // else one that has metrics by its name
				right, known = port{number: target}, true
			}
			f.Message = fmt.Sprintf("prometheus.io/port %s is the port of the Service: Prometheus asks the pods, which listen on %d", value, target)
			break
		}
		fallthrough
	default:
		f.Message = fmt.Sprintf("prometheus.io/port %s: the containers declare %s, and no %s", value, words(list), value)
		if !known {
			f.Severity = rule.Low // what listens need not be declared
		}
	}
	fix := rule.Fix{Title: "name the port on which the program serves its metrics", Applicability: rule.NeedsThought, Caution: "a program may listen on a port that it does not declare: ask it before"}
	if !known && len(list) == 1 {
		right, known = list[0], true
	}
	if known {
		fix.Title = fmt.Sprintf("name port %d", right.number)
		fix.Object = o.Ref
		fix.Patch = rule.PutIn(o, path, strconv.Itoa(right.number))
		fix.YAML = fmt.Sprintf("annotations:\n  prometheus.io/port: \"%d\"\n", right.number)
		if !p.Files {
			fix.Command = p.PatchCommand(o.Ref, fix.Patch)
		}
	}
	p.Report(f).WithFix(fix)
}

// ofMesh are ports of containers that a mesh puts into pods, and that no template declares: there it offers its metrics, and
// hands on those of the program. Source: the documentation of Istio, Linkerd, Consul and Kuma.
var ofMesh = map[int]bool{15020: true, 15090: true, 4191: true, 20200: true, 5670: true}

// targetOf is the container's port behind a port of a Service, where they differ; 0 where there is none.
func targetOf(svc *corev1.Service, number int, list []port) int {
	for _, sp := range svc.Spec.Ports {
		if int(sp.Port) != number {
			continue
		}
		if sp.TargetPort.Type == intstr.Int {
			return sp.TargetPort.IntValue()
		}
		for _, have := range list {
			if have.name == sp.TargetPort.StrVal {
				return have.number
			}
		}
	}
	return 0
}

func words(list []port) string {
	var text []string
	for _, p := range list {
		w := strconv.Itoa(p.number)
		if p.name != "" {
			w += " (" + p.name + ")"
		}
		text = append(text, w)
	}
	return strings.Join(text[:min(len(text), 4)], ", ")
}
