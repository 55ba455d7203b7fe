package policy

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/policy"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PSANotRestricted finds workloads whose pods the strictest Pod Security Standard would refuse.
var PSANotRestricted = rule.Check{
	ID: "psa-not-restricted", Title: "pods that the restricted standard would refuse", Doc: rule.ReadDoc(docs, "psa_not_restricted.md"),
	Dimension: rule.Security, Severity: rule.Low, Off: true, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		ref, owned := p.Object.OwnerRef()
		return !owned || ref.GroupKind() != snapshot.NodeKind // a static pod is admitted by nobody
	},
	Run: func(p *rule.Pass) {
		if p.Object.Unfit {
			p.Unknown("%s could not be read as it is", p.Object)
			return
		}
		for _, t := range p.Object.Templates {
			if t.Spec == nil {
				continue
			}
			if p.Object.Typed == nil && slices.ContainsFunc(t.Containers(), func(c snapshot.Container) bool { return c.Image == "" }) {
				p.Unknown("%s: its operator completes the containers", p.Object)
				continue
			}
			why := refusals(t)
			if len(why) == 0 {
				continue
			}
			p.Report(rule.Finding{
				Field: t.SpecPath(), Label: "what restricted would refuse",
				Message: "restricted would refuse its pods: " + firstOf(why),
			}).WithFix(rule.Fix{
				Title: "give the pod and each container what the standard asks for", Applicability: rule.NeedsThought, YAML: restrictedYAML,
				Caution: "a program that runs as root, or has an image that names no user, does not start with it: try it beside the running one first",
			})
		}
	},
}

const restrictedYAML = `spec:
  securityContext:
    runAsNonRoot: true
    seccompProfile: {type: RuntimeDefault}
  containers:
  - name: <CONTAINER>
    securityContext:
      allowPrivilegeEscalation: false
      capabilities: {drop: [ALL]}
`

// restricted are all controls of the restricted standard: those of baseline that a stricter one of the same thing
// stands for are left out. The order is that in which Kubernetes names them.
var restricted = strictest(policy.DefaultChecks())

func strictest(checks []policy.Check) []policy.CheckPodFn {
	var replaced []policy.CheckID
	for _, c := range checks {
		replaced = append(replaced, c.Versions[len(c.Versions)-1].OverrideCheckIDs...)
	}
	var all []policy.CheckPodFn
	for _, c := range checks {
		if !slices.Contains(replaced, c.ID) {
			all = append(all, c.Versions[len(c.Versions)-1].CheckPod)
		}
	}
	return all
}

// refusals are the reasons for which restricted refuses the pods of a template, in the standard's own words.
func refusals(t snapshot.Template) []string {
	meta := &metav1.ObjectMeta{Labels: t.Labels, Annotations: t.Annotations}
	var why []string
	for _, check := range restricted {
		switch res := check(meta, t.Spec); {
		case res.Allowed:
		case res.ForbiddenDetail == "":
			why = append(why, res.ForbiddenReason)
		default:
			why = append(why, res.ForbiddenReason+" ("+res.ForbiddenDetail+")")
		}
	}
	return why
}

// firstOf names the first two, and counts the others.
func firstOf(list []string) string {
	const most = 2
	return rule.Few(list, most)
}
