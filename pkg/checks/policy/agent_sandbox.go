package policy

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AgentSandbox finds sandboxes for programs that nobody has read, and that are less closed than the word says.
var AgentSandbox = rule.Check{
	ID: "agent-sandbox", Title: "sandbox that is less closed than it sounds", Doc: rule.ReadDoc(docs, "agent_sandbox.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Kinds(snapshot.SandboxKind, snapshot.SandboxTemplateKind),
	Applies: func(p *rule.Pass) bool { return len(p.Object.Templates) > 0 },
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil || t.Spec.RuntimeClassName != nil && *t.Spec.RuntimeClassName != "" {
				continue
			}
			at := t.SpecPath().Child("runtimeClassName")
			p.Report(rule.Finding{
				Field: at, Certainty: rule.Likely, Label: "the node's default", // which may be such a runtime itself
				Message: "no runtimeClassName: what runs in it shares the kernel of the node with all other pods there",
			}).WithFix(rule.Fix{
				Title: "name a RuntimeClass with a kernel of its own, such as one of gVisor or Kata Containers", Applicability: rule.Placeholders,
				Patch: p.Put(at, "<RUNTIME_CLASS>"), Caution: "the runtime must be installed on the nodes, and not every program runs in it",
			})
		}
		if p.Object.GroupKind() == snapshot.SandboxTemplateKind {
			judgeEgress(p)
		}
	},
	Peers: map[string][]string{"kubescape": {"agent-sandbox-egress-policy", "agent-sandbox-hardened-runtime-class"}},
}

// judgeEgress looks at where the sandboxes of a template may connect to. Where nothing is written, their controller
// lets them into the internet and nowhere else. Source: api/v1beta1 of the project's SandboxTemplate.
func judgeEgress(p *rule.Pass) {
	if v, _ := p.Object.At("spec", "networkPolicyManagement"); v == "Unmanaged" {
		p.Report(rule.Finding{
			Field: field.NewPath("spec", "networkPolicyManagement"), Value: "Unmanaged", Severity: rule.Low, Certainty: rule.Likely, Label: "no NetworkPolicy is made",
			Message: "networkPolicyManagement Unmanaged: unless something else keeps them in, the sandboxes reach everything in the cluster, and the cloud's metadata",
		}).WithFix(rule.Fix{
			Title: "leave it to the controller, or see that another policy selects the sandboxes", Applicability: rule.NeedsThought,
			Caution: "the controller's policy lets nobody but the router in: sidecars that are asked from outside need rules of their own",
		})
		return
	}
	v, _ := p.Object.At("spec", "networkPolicy", "egress")
	rules, _ := v.([]any)
	for i, item := range rules {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		at := field.NewPath("spec", "networkPolicy", "egress").Index(i)
		peers, _ := m["to"].([]any)
		if len(peers) == 0 {
			p.Report(rule.Finding{Field: at.Child("to"), Label: "to anywhere", Message: "an egress rule without to: the sandboxes reach everything in the cluster, and the cloud's metadata"}).WithFix(egressFix())
			continue
		}
		for j, peer := range peers {
			pm, _ := peer.(map[string]any)
			block, _ := pm["ipBlock"].(map[string]any)
			except, _ := block["except"].([]any)
			if cidr := block["cidr"]; (cidr == "0.0.0.0/0" || cidr == "::/0") && len(except) == 0 {
				p.Report(rule.Finding{
					Field: at.Child("to").Index(j).Child("ipBlock", "cidr"), Value: fmt.Sprint(cidr), Label: "to anywhere",
					Message: fmt.Sprintf("an egress rule to %v without except: the sandboxes reach everything in the cluster, and the cloud's metadata", cidr),
				}).WithFix(egressFix())
			}
		}
	}
}

func egressFix() rule.Fix {
	return rule.Fix{
		Title: "name what they need, or except the private networks and 169.254.0.0/16", Applicability: rule.NeedsThought,
		Caution: "names are resolved by the cluster's DNS, which then needs a rule too",
	}
}
