package controllers

import (
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// scalable are the kinds of Kubernetes itself that people autoscale.
var scalable = []schema.GroupKind{snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.ReplicaSetKind, snapshot.RCKind}

// unscalable are kinds of Kubernetes itself that have no scale subresource, and why.
var unscalable = map[string]string{
	"DaemonSet": "a DaemonSet runs one pod on each node that fits, and has no number of replicas",
	"Job":       "a Job runs as many pods as its parallelism says, and has no number of replicas",
	"CronJob":   "a CronJob makes Jobs, and has no number of replicas",
	"Pod":       "a pod is one, and has no number of replicas",
}

// HPATargetMissing finds HorizontalPodAutoscalers whose target cannot be found, or never be scaled.
var HPATargetMissing = rule.Cause{
	ID: "hpa-target-missing", Title: "the autoscaler's target does not exist", Doc: rule.ReadDoc(docs, "hpa_target_missing.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.HPAKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		hpa, c := scaler(p, autoscalingv2.AbleToScale, corev1.ConditionFalse)
		if hpa == nil || c.Reason != "FailedGetScale" {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantList(snapshot.DeploymentKind, p.Object.Namespace, ""), snapshot.WantList(snapshot.StatefulSetKind, p.Object.Namespace, "")}
		if to := scaled(p, hpa); strings.Contains(c.Message, "not found") {
			wants = append(wants, snapshot.WantGet(to.GroupKind(), to.Namespace, to.Name))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if hpa, c := scaler(p, autoscalingv2.AbleToScale, corev1.ConditionFalse); hpa != nil && c.Reason == "FailedGetScale" {
			reportTarget(p, hpa, c)
		}
	},
}

func reportTarget(p *rule.Pass, hpa *autoscalingv2.HorizontalPodAutoscaler, c *autoscalingv2.HorizontalPodAutoscalerCondition) {
	to, ref := scaled(p, hpa), field.NewPath("spec", "scaleTargetRef")
	target, _ := p.Lookup(to.GroupKind(), to.Namespace, to.Name)
	f := rule.Finding{
		Certainty: rule.Certain, Evidence: []rule.Evidence{scalerEvidence(p, c)},
		Fix: &rule.Fix{Title: "name what is to be scaled, or delete the autoscaler", Applicability: rule.NeedsThought},
	}
	said := strings.TrimPrefix(c.Message, "the HPA controller was unable to get the target's current scale: ")
	switch {
	case strings.Contains(said, "not found") && target != nil:
		return // it is there by now
	case strings.Contains(said, "not found"):
		f.Field, f.Value = ref.Child("name"), to.Name
		f.Message = fmt.Sprintf("there is no %s for it to scale", to.String())
		f.Label = fmt.Sprintf("no %s of this name", strings.ToLower(to.Kind))
		setting := rule.Setting{Object: p.Object.Ref, Path: f.Field}
		near := knowledge.Nearest(to.Name, p.Names(to.GroupKind(), to.Namespace))
		if near != "" {
			f.Label += fmt.Sprintf("; there is %q", near)
			f.Fix.Title = fmt.Sprintf("scale %s, the nearest that exists", near)
			f.Fix.Patch = setting.ReplaceValue(to.Name, near)
		} else if gk, ok := otherKind(p, to); ok {
			f.Field, f.Value, f.Label = ref.Child("kind"), to.Kind, fmt.Sprintf("%s is a %s", to.Name, gk.Kind)
			f.Fix.Title = fmt.Sprintf("say that it is a %s", gk.Kind)
			f.Fix.Patch = (rule.Setting{Object: p.Object.Ref, Path: f.Field}).ReplaceValue(to.Kind, gk.Kind)
		}
	case strings.Contains(said, "no matches for kind"):
		f.Field, f.Value = ref.Child("kind"), to.Kind
		f.Message = fmt.Sprintf("there is no kind %s in %s for it to scale", to.Kind, orCore(to.APIVersion))
		f.Label = "no such kind"
		var kinds []string
		for _, gk := range scalable {
			kinds = append(kinds, gk.Kind)
		}
		gk, known := snapshot.DeploymentKind, false
		for _, s := range scalable {
			if s.Kind == to.Kind && s.Group != to.Group() {
				gk, known = s, true
			}
		}
		near := knowledge.Nearest(to.Kind, kinds)
		switch {
		case known:
			want := "v1"
			if gk.Group != "" {
				want = gk.Group + "/v1"
			}
			f.Field, f.Value, f.Label = ref.Child("apiVersion"), to.APIVersion, fmt.Sprintf("a %s is in %s", to.Kind, want)
			f.Fix.Title = "say apiVersion " + want
			f.Fix.Patch = rule.PutIn(p.Object, f.Field, want)
		case near != "":
			f.Label += "; there is " + near
			f.Fix.Title = "say kind " + near
			f.Fix.Patch = (rule.Setting{Object: p.Object.Ref, Path: f.Field}).ReplaceValue(to.Kind, near)
		}
	case unscalable[to.Kind] != "" && strings.Contains(said, "could not find the requested resource"):
		f.Field, f.Value = ref.Child("kind"), to.Kind
		f.Label = "this kind has no scale subresource, so no autoscaler can work on it"
		f.Message = fmt.Sprintf("%s can never be autoscaled: %s", to.String(), unscalable[to.Kind])
		f.Fix.Title = "delete the autoscaler, or name the Deployment or StatefulSet that is meant"
		f.Fix.Command = []string{"delete", p.Object.String()}
		f.RuledOut = []string{"a right that the autoscaler lacks: the API has nothing of the kind to read"}
		if gk, ok := otherKind(p, to); ok {
			f.Label += fmt.Sprintf("; there is a %s of this name", gk.Kind)
			f.Fix.Title, f.Fix.Command = fmt.Sprintf("say that it is a %s", gk.Kind), nil
			f.Fix.Patch = (rule.Setting{Object: p.Object.Ref, Path: f.Field}).ReplaceValue(to.Kind, gk.Kind)
		}
	default:
		f.Field, f.Value = ref, to.String()
		f.Label = "its number of replicas could not be read"
		f.Message = fmt.Sprintf("the number of replicas of %s cannot be read: %s", to.String(), rule.Quote(said))
		f.Fix.Title = fmt.Sprintf("see why: %s must have a scale subresource, and the autoscaler the right to read it", to.String())
	}
	if f.Fix.Patch != nil {
		f.Fix.Command = p.PatchCommand(p.Object.Ref, f.Fix.Patch)
		f.Fix.Caution = "from then on the autoscaler decides how many replicas that has"
	}
	p.Report(f)
}

// otherKind is a kind in which there is an object of that name.
func otherKind(p *rule.Pass, to snapshot.Ref) (schema.GroupKind, bool) {
	for _, gk := range scalable[:2] { // they share a group, so kind alone tells them apart
		if o, _ := p.Lookup(gk, to.Namespace, to.Name); o != nil && gk != to.GroupKind() && gk.Group == to.Group() {
			return gk, true
		}
	}
	return schema.GroupKind{}, false
}

func orCore(apiVersion string) string {
	if apiVersion == "" {
		return "the core group"
	}
	return apiVersion
}
