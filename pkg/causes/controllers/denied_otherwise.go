package controllers

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What a policy says that could not even be asked.
// Source: k8s.io/apiserver pkg/admission/plugin/policy/generic/policy_dispatcher.go.
const (
	unconfigured = "failed to configure "
	noParams     = "no params found for policy binding"
)

// stage is when in the life of its workload this struck.
func (r *refusedThing) stage(p *rule.Pass) rule.Stage {
	if r.of == aBinding {
		return rule.StageNotScheduled
	}
	return p.RefusedStage()
}

// podSpoken is the field of the pod template of which a denial speaks; nil where it speaks of something else.
func podSpoken(p *rule.Pass, spec rule.Setting, d *denial) *spoken {
	switch {
	case strings.Contains(d.words, unconfigured):
		return nil
	case d.of == aSet:
		return setSpoken(p, spec, d)
	case d.of != aPod:
		return nil
	}
	return speaksOf(p, spec, d)
}

// setSpoken is the label of the pod template of which a denial of a ReplicaSet speaks: a ReplicaSet has the
// labels of its template. Of its other fields nothing is said.
func setSpoken(p *rule.Pass, spec rule.Setting, d *denial) *spoken {
	e, failed := strings.CutPrefix(strings.TrimSpace(d.words), failedExpression)
	if !failed {
		e = expressionOf(p, d)
	}
	if e == "" || len(p.Object.Templates) == 0 {
		return nil
	}
	s := looksAt(e, rule.FieldPath(strings.TrimSuffix(spec.Path.String(), ".spec")), p.Object.Templates[0])
	if s == nil || !strings.Contains(s.path.String(), ".metadata.labels") {
		return nil
	}
	return s
}

// deniedClaim points to the claim template of which a denial speaks. Templates of claims never change, so
// that the StatefulSet has to be made anew.
func deniedClaim(p *rule.Pass, f *rule.Finding, d *denial) {
	at, ok := rule.ClaimTemplate(p.Object, d.template)
	if !ok {
		return
	}
	f.Object, f.Field, f.NoField, f.Value = at.Object, at.Path, "", d.template
	f.Label = "the claims that it stands for are refused"
	f.RuledOut = append(f.RuledOut, "the pod itself: its claim comes first, and no pod is created without it")
	file := "mend spec.volumeClaimTemplates in the file"
	f.Fix.Title = "change the claim template as the policy asks, or have whoever owns the policy make an exception: a claim template cannot be changed, so make the StatefulSet anew around its pods"
	f.Fix.Caution = "a policy is somebody's decision: see what it guards before you go round it. Pods and claims that are there stay as they are, and the new StatefulSet takes them over; mend the manifest as well, or its next apply is refused"
	if s := claimSpoken(p, at, d); s != nil {
		f.Field, f.Value, f.Label = s.path, "", s.how
		file = fmt.Sprintf("mend %s in the file", s.path)
		v, there := rule.ValueAt(p.Object, s.path)
		if there {
			f.Value = scalar(v)
		}
		if !there && s.path.String() == at.Child("spec", "storageClassName").Path.String() {
			f.Fix.Applicability = rule.Placeholders
			f.Fix.Patch = rule.PutIn(p.Object, s.path, "<STORAGE_CLASS>")
			words := append(p.PatchCommand(p.Object.Ref, f.Fix.Patch), "--dry-run=client", "-o", "yaml")
			f.Fix.Lines = []string{p.Line(words...) + " | " + p.Line("replace", "--force", "--cascade=orphan", "-f", "-")}
			return
		}
	}
	f.Fix.Lines = []string{p.Line("get", p.Object.String(), "-o", "yaml") + " > statefulset.yaml", file, p.Line("replace", "--force", "--cascade=orphan", "-f", "statefulset.yaml")}
}

// claimSpoken is the field of a claim template of which a policy speaks; nil where that cannot be told.
func claimSpoken(p *rule.Pass, at rule.Setting, d *denial) *spoken {
	e, failed := strings.CutPrefix(strings.TrimSpace(d.words), failedExpression)
	if !failed {
		e = expressionOf(p, d)
	}
	if e == "" {
		return nil
	}
	return looksAt(e, at.Path, snapshot.Template{Spec: &corev1.PodSpec{}})
}

// reportParamless says that a policy has a parameter that is not there, and refuses all without it.
func reportParamless(p *rule.Pass, d *denial) {
	ref := snapshot.Ref{APIVersion: admissionGroup + "/v1", Kind: snapshot.AdmissionBindingKind.Kind, Name: d.binding}
	spec := p.PodSpec()
	f := rule.Finding{
		Object: spec.Object, Stage: d.stage(p), Certainty: rule.Certain, Evidence: []rule.Evidence{d.Evidence},
		NoField: fmt.Sprintf("%s names the parameter, and could not be read; nothing in the pods helps", clip(ref.String())),
		Message: fmt.Sprintf("%s refuses %s, as it would any: the parameter that %s names is not there; %s", "validatingadmissionpolicy/"+clip(d.policy), d.of.the(), clip(ref.String()), d.left()),
		Fix: &rule.Fix{
			Title:         "have whoever owns the policy create its parameter: no change of the pods helps",
			Caution:       "a policy is somebody's decision: what the parameter says decides what is admitted",
			Applicability: rule.NeedsThought,
		},
		RuledOut: []string{"the pods: the policy has not looked at them"},
	}
	o, _ := p.Lookup(snapshot.AdmissionBindingKind, "", d.binding)
	if o == nil {
		p.Report(f)
		return
	}
	binding, ok := o.Typed.(*admissionv1.ValidatingAdmissionPolicyBinding)
	if !ok || binding.Spec.ParamRef == nil {
		p.Report(f)
		return
	}
	to := binding.Spec.ParamRef
	at := field.NewPath("spec", "paramRef")
	f.Object, f.NoField, f.Field, f.Value = o.Ref, "", at.Child("name"), to.Name
	f.Label = "there is no such object, and parameterNotFoundAction Deny then refuses everything"
	f.Fix.Object = o.Ref
	kind := &admissionv1.ParamKind{Kind: "parameter"}
	if owner := deniedBy(p, d); owner != nil {
		if policy, ok := owner.Typed.(*admissionv1.ValidatingAdmissionPolicy); ok && policy.Spec.ParamKind != nil {
			kind = policy.Spec.ParamKind
		}
	}
	if to.Name == "" {
		f.Field, f.Value = at.Child("selector"), ""
		f.Fix.Title = fmt.Sprintf("have whoever owns the policy create a %s with the labels that the binding asks for: no change of the pods helps", kind.Kind)
		p.Report(f)
		return
	}
	param := strings.ToLower(kind.Kind) + "/" + to.Name
	where := ""
	if to.Namespace != "" {
		where = " in namespace " + to.Namespace
	}
	f.Message = fmt.Sprintf("%s refuses %s, as it would any: %s wants %s%s as its parameter, and that is not there; %s", "validatingadmissionpolicy/"+d.policy, d.of.the(), o.String(), param, where, d.left())
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "spec.paramRef", Text: fmt.Sprintf("%s: paramRef %s%s, parameterNotFoundAction Deny", o.String(), param, where)})
	f.Fix.Title = fmt.Sprintf("have whoever owns the policy create %s%s with what it reads there, or mend the name: no change of the pods helps", param, where)
	f.Fix.Lines = []string{rule.Kubectl(p.Context, "", "get", "validatingadmissionpolicy/"+d.policy, "-o", "yaml")}
	p.Report(f)
}
