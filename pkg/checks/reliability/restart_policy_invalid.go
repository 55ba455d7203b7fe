package reliability

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RestartPolicyInvalid finds restart policies that do not go with their kind: the API refuses them.
var RestartPolicyInvalid = rule.Check{
	ID: "restart-policy-invalid", Title: "a restartPolicy that the kind does not allow", Doc: rule.ReadDoc(docs, "restart_policy_invalid.md"),
	Dimension: rule.Reliability, Severity: rule.High,
	On: rule.Kinds(snapshot.PodKind, snapshot.DeploymentKind, snapshot.ReplicaSetKind, snapshot.RCKind, snapshot.StatefulSetKind,
		snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind),
	// What was read from a cluster has passed the API.
	Applies: func(p *rule.Pass) bool {
		return p.Object.Origin != nil && p.Object.Typed != nil && len(p.Object.Templates) > 0
	},
	Run: func(p *rule.Pass) {
		t := p.Object.Templates[0]
		has := t.Spec.RestartPolicy
		allowed, why := policiesOf(p.Object)
		if slices.Contains(allowed, has) || has == "" && slices.Contains(allowed, corev1.RestartPolicyAlways) {
			return
		}
		words := make([]string, len(allowed))
		meant := allowed[0]
		for i, a := range allowed {
			words[i] = string(a)
			if strings.EqualFold(string(a), string(has)) {
				meant = a
			}
		}
		at := t.SpecPath().Child("restartPolicy")
		f := rule.Finding{
			Field: at, Value: string(has), Label: "must be " + strings.Join(words, " or "),
			Message: fmt.Sprintf("restartPolicy %s: %s must have %s, and the API refuses all else", has, why, strings.Join(words, " or ")),
		}
		fix := rule.Fix{Title: "write " + string(meant), Applicability: rule.NeedsThought, Patch: p.Put(at, string(meant))}
		switch {
		case has == "":
			f.Message = fmt.Sprintf("restartPolicy is not set, and Always by default: %s must have %s, and the API refuses all else", why, strings.Join(words, " or "))
		case len(allowed) == 1 && meant == corev1.RestartPolicyAlways && !strings.EqualFold(string(has), string(meant)):
			fix.Title = "leave it out: Always is the default"
			fix.Caution = "what is to run once and end belongs into a Job"
			fix.Patch = p.Drop(at)
		}
		if meant != corev1.RestartPolicyAlways && fix.Caution == "" {
			fix.Caution = "Never starts a new pod after a failure and keeps the failed one, with its log; OnFailure restarts the container in the same pod"
		}
		p.Report(f).WithFix(fix)
	},
	Peers: map[string][]string{"kube-score": {"cronjob-restartpolicy"}, "kube-linter": {"restart-policy"}},
}

// policiesOf are the restart policies that the API takes from a kind, the likelier first, and whose they are.
// Source: validation of apps and batch in kubernetes.
func policiesOf(o *snapshot.Object) (allowed []corev1.RestartPolicy, why string) {
	spec, _ := jobSpec(o)
	switch {
	case spec != nil && spec.PodFailurePolicy != nil:
		return []corev1.RestartPolicy{corev1.RestartPolicyNever}, "a Job with a podFailurePolicy"
	case spec != nil:
		return []corev1.RestartPolicy{corev1.RestartPolicyNever, corev1.RestartPolicyOnFailure}, "a pod of a Job"
	case o.GroupKind() == snapshot.PodKind:
		return []corev1.RestartPolicy{corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever}, "a Pod"
	}
	return []corev1.RestartPolicy{corev1.RestartPolicyAlways}, "a pod of a " + o.Kind
}
