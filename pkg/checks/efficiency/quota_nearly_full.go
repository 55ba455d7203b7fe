package efficiency

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// QuotaNearlyFull finds ResourceQuotas that leave no room for a rollout.
var QuotaNearlyFull = rule.Check{
	ID: "quota-nearly-full", Title: "ResourceQuota with little or nothing left", Doc: rule.ReadDoc(docs, "quota_nearly_full.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Kinds(snapshot.ResourceQuotaKind),
	Numbers: map[string]rule.Number{"percent": {Value: 90, Least: 1, Most: 100}}, // from which on there is little left
	Applies: func(p *rule.Pass) bool { // a manifest says nothing of what is used
		quota, ok := p.Object.Typed.(*corev1.ResourceQuota)
		return ok && len(quota.Status.Used) > 0
	},
	Run: func(p *rule.Pass) {
		quota, ok := p.Object.Typed.(*corev1.ResourceQuota)
		if !ok {
			return
		}
		var names []string
		for name := range quota.Spec.Hard {
			names = append(names, string(name))
		}
		slices.Sort(names)
		for _, name := range names {
			judgeQuota(p, quota, corev1.ResourceName(name))
		}
	},
}

func judgeQuota(p *rule.Pass, quota *corev1.ResourceQuota, name corev1.ResourceName) {
	hard, ok := quota.Spec.Hard[name]
	used, counted := quota.Status.Used[name]
	if !ok || !counted || hard.Sign() <= 0 { // none is allowed: that is meant
		return
	}
	percent := int(used.AsApproximateFloat64() / hard.AsApproximateFloat64() * 100)
	if percent < p.Number("percent") {
		return
	}
	f := rule.Finding{
		Field: field.NewPath("spec", "hard").Key(string(name)), Value: hard.String(),
		Label:    fmt.Sprintf("%s of it are used", used.String()),
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: fmt.Sprintf("status.used[%s]", name), Text: fmt.Sprintf("%s of %s", used.String(), hard.String())}},
	}
	full := used.Cmp(hard) >= 0
	switch {
	case podQuota(name) && full:
		f.Severity = rule.High
		f.Message = fmt.Sprintf("%s: all of %s is used: a pod that asks for more is refused, so no rollout can start an extra one and nothing scales up", name, hard.String())
	case podQuota(name):
		f.Message = fmt.Sprintf("%s: %s of %s is used (%d%%): a rollout that starts extra pods, or a few more replicas, may be refused", name, used.String(), hard.String(), percent)
	default: // what one counts one by one is often just as many as there should be
		f.Severity = rule.Low
		f.Message = fmt.Sprintf("%s: %s of %s is used (%d%%): what comes next may be refused", name, used.String(), hard.String(), percent)
		if full {
			f.Message = fmt.Sprintf("%s: all %s are used: the next one is refused", name, hard.String())
		}
	}
	p.Report(f).WithFix(rule.Fix{
		Title:         "raise the quota, or lower what the workloads of the namespace request",
		Caution:       "the quota keeps the namespace from taking what others need: ask who set it",
		Applicability: rule.NeedsThought,
	})
}

// podQuota tells the quotas of which each pod takes a part.
func podQuota(name corev1.ResourceName) bool {
	switch name {
	case corev1.ResourcePods, corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage, "count/pods":
		return true
	case corev1.ResourceRequestsStorage:
		return false
	}
	s := string(name)
	return strings.HasPrefix(s, "requests.") || strings.HasPrefix(s, "limits.")
}
