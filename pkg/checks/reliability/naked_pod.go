package reliability

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// NakedPod finds pods that are to run for ever and that nothing makes again.
var NakedPod = rule.Check{
	ID: "naked-pod", Title: "Pod that nothing makes again", Doc: rule.ReadDoc(docs, "naked_pod.md"),
	Dimension: rule.Reliability, Severity: rule.Low, On: rule.Pods,
	Applies: func(p *rule.Pass) bool {
		pod := p.Object.Pod()
		return pod != nil && len(p.Object.Templates) > 0 && endless(p.Object, p.Object.Templates[0]) && !knowledge.SystemNamespace(p.Object.Namespace) && !placed(pod)
	},
	Run: func(p *rule.Pass) {
		if len(p.Object.Meta.GetOwnerReferences()) > 0 {
			return
		}
		f := rule.Finding{
			Field: field.NewPath("kind"), Value: "Pod", Label: "nothing makes it again",
			Message: "no controller stands behind it: when its node goes, or somebody drains it, nothing makes the pod again",
		}
		if services := depending(p, servicesInFront(p)); len(services) > 0 {
			f.Severity = rule.Medium
			f.Message += ", and " + does(services, "has", "have") + " nobody to answer"
		}
		p.Report(f).WithFix(rule.Fix{
			Title:         "make a Deployment of it: what is its spec becomes spec.template.spec",
			Caution:       "a pod that keeps data needs a StatefulSet; one that is there for an hour to look at something can be left, and deleted",
			Applicability: rule.NeedsThought,
			YAML:          deploymentOf(p.Object.Name, p.Object.Meta.GetLabels()),
		})
	},
	Peers: map[string][]string{"popeye": {"POP-208"}, "clusterlint": {"bare-pods"}, "kubescape": {"naked-pods"}},
}

// placed tells whether something else than a controller takes care of a pod: the kubelet of a static one, a
// tool that runs it as a hook, an operator that says so on its pods.
func placed(pod *corev1.Pod) bool {
	for _, key := range []string{corev1.MirrorPodAnnotationKey, "helm.sh/hook", "argocd.argoproj.io/hook"} {
		if _, ok := pod.Annotations[key]; ok {
			return true
		}
	}
	by := pod.Labels["app.kubernetes.io/managed-by"]
	return by != "" && !strings.EqualFold(by, "helm") && !strings.EqualFold(by, "kustomize")
}

// deploymentOf is the start of a Deployment for pods of these labels.
func deploymentOf(name string, labels map[string]string) string {
	set := fmt.Sprintf("{app: %s}", name)
	if len(labels) > 0 {
		set = flow(labels)
	}
	return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\nspec:\n  replicas: 2\n  selector:\n    matchLabels: %s\n  template:\n    metadata:\n      labels: %s\n    spec: <SPEC_OF_THE_POD>\n", name, set, set)
}
