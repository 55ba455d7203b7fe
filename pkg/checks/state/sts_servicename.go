package state

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// STSServiceName finds StatefulSets whose pods have no names in DNS, although they ask for some.
var STSServiceName = rule.Check{
	ID: "sts-servicename", Title: "serviceName gives the pods no names in DNS", Doc: rule.ReadDoc(docs, "sts_servicename.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Kinds(snapshot.StatefulSetKind),
	Applies: func(p *rule.Pass) bool {
		sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
		return ok && sts.Spec.ServiceName != ""
	},
	Run: func(p *rule.Pass) {
		sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
		if !ok {
			return
		}
		name, path := sts.Spec.ServiceName, field.NewPath("spec", "serviceName")
		severity := rule.Medium
		if m, ok := mostPods(p, p.Object); !ok || m.pods <= 1 { // nobody has a neighbour to find
			severity = rule.Info
		}
		o, _ := p.Lookup(snapshot.ServiceKind, p.Object.Namespace, name)
		if o == nil {
			ref := snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: p.Object.Namespace, Name: name}
			a := p.Absent(path, ref)
			if a == nil {
				return
			}
			f := a.Finding("%s %s: the pods have no names in DNS (%s-0.%s)", ref, a.Where, p.Object.Name, name)
			f.Severity = severity
			p.Report(f).WithFix(rule.Fix{
				Title: "create the headless Service", Applicability: fillIn(sts), Caution: "serviceName itself cannot be changed on a StatefulSet that exists",
				YAML: headless(name, sts),
			})
			return
		}
		svc, ok := o.Typed.(*corev1.Service)
		if !ok {
			return
		}
		f := rule.Finding{Field: path, Value: name, Severity: severity}
		switch {
		case svc.Spec.Type == corev1.ServiceTypeExternalName:
			f.Message = fmt.Sprintf("%s is an ExternalName: the pods have no names in DNS (%s-0.%s)", o, p.Object.Name, name)
			f.Label = "is another name for " + svc.Spec.ExternalName
		case svc.Spec.ClusterIP != corev1.ClusterIPNone:
			f.Message = fmt.Sprintf("%s is not headless: only a headless Service gives the pods names in DNS (%s-0.%s)", o, p.Object.Name, name)
			f.Label = "has a cluster IP"
		case othersSelected(p, svc, sts):
			f.Message = fmt.Sprintf("%s selects other pods (%s) than those of the template: they have no names in DNS (%s-0.%s)", o, labels.Set(svc.Spec.Selector), p.Object.Name, name)
			f.Label = "does not select these pods"
		default:
			return
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "give the StatefulSet a headless Service of its own", Applicability: fillIn(sts),
			Caution: "clusterIP of a Service and serviceName of a StatefulSet cannot be changed: delete the StatefulSet with --cascade=orphan, which leaves its pods, and apply it with the new name",
			YAML:    headless(name+"-headless", sts),
		})
	},
	Peers: map[string][]string{"kube-score": {"statefulset-has-servicename"}},
}

// othersSelected tells whether a Service selects pods, and none of the template. One that selects nothing at all is
// another check's to report.
func othersSelected(p *rule.Pass, svc *corev1.Service, sts *appsv1.StatefulSet) bool {
	if len(svc.Spec.Selector) == 0 || len(p.Object.Templates) == 0 {
		return false
	}
	for _, s := range p.ServicesOf(p.Object, p.Object.Templates[0]) {
		if s.Name == sts.Spec.ServiceName {
			return false
		}
	}
	selector := labels.SelectorFromSet(svc.Spec.Selector)
	return len(p.SelectedTemplates(p.Object.Namespace, selector)) > 0 || p.SelectsPod(p.Object.Namespace, selector)
}

// headless is a Service that gives the pods of a StatefulSet their names.
func headless(name string, sts *appsv1.StatefulSet) string {
	text := fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata:\n  name: %s\nspec:\n  clusterIP: None\n  selector:\n", name)
	if sts.Spec.Selector != nil {
		set := labels.Set(sts.Spec.Selector.MatchLabels)
		for _, k := range sortedKeys(set) {
			text += fmt.Sprintf("    %s: %q\n", k, set[k])
		}
	}
	port := "<PORT>"
	if n := firstPort(sts); n > 0 {
		port = fmt.Sprint(n)
	}
	return text + "  ports:\n  - port: " + port + "\n"
}

// firstPort is the first port that a container of the StatefulSet declares, or 0.
func firstPort(sts *appsv1.StatefulSet) int32 {
	for _, c := range sts.Spec.Template.Spec.Containers {
		if len(c.Ports) > 0 {
			return c.Ports[0].ContainerPort
		}
	}
	return 0
}

func fillIn(sts *appsv1.StatefulSet) rule.Applicability {
	if firstPort(sts) == 0 {
		return rule.Placeholders
	}
	return rule.NeedsThought
}
