package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LabelInvalid finds labels and annotations that the API server does not take.
var LabelInvalid = rule.Check{
	ID: "label-invalid", Title: "label or annotation that the API server refuses", Doc: rule.ReadDoc(docs, "label_invalid.md"),
	Dimension: rule.Policy, Severity: rule.High, On: rule.Everything,
	Applies: func(p *rule.Pass) bool { return p.Object.Origin != nil && !p.Object.Unfit }, // what is in a cluster was taken
	Run: func(p *rule.Pass) {
		const refused = "kubectl apply is refused"
		judgeKeys(p, field.NewPath("metadata"), p.Object.Meta.GetLabels(), p.Object.Meta.GetAnnotations(), refused)
		inTemplate := refused
		if p.Object.Typed == nil { // of a kind of others nobody looks into the template before pods are made
			inTemplate = "its pods are refused"
		}
		for _, t := range p.Object.Templates {
			if t.Path != nil { // of a Pod they are those above
				judgeKeys(p, t.Path.Child("metadata"), t.Labels, t.Annotations, inTemplate)
			}
		}
	},
	Peers: map[string][]string{"kube-score": {"label-values"}},
}

func judgeKeys(p *rule.Pass, metadata *field.Path, labels, annotations map[string]string, effect string) {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if templated(k, labels[k]) {
			continue
		}
		at := func() *field.Path { return metadata.Child("labels").Key(k) }
		if !knowledge.LabelKey(k) {
			p.Report(rule.Finding{Field: at(), AtKey: true, Label: "no valid key", Message: fmt.Sprintf("%q is no key of a label: %s", k, effect)}).
				WithFix(rule.Fix{Title: "write a key of letters, digits and - _ . that starts and ends with a letter or digit, at most 63, after an optional domain and /", Applicability: rule.NeedsThought, Caution: "whatever selects by the label must ask for the new one"})
		}
		if !knowledge.LabelValue(labels[k]) {
			p.Report(rule.Finding{Field: at(), Value: labels[k], Label: "no valid value", Message: fmt.Sprintf("%s is no value of a label, %s: %s", rule.Quote(labels[k]), fault(labels[k]), effect)}).
				WithFix(rule.Fix{Title: "shorten it to a word of letters, digits and - _ ., or make it an annotation, which may hold any text", Applicability: rule.NeedsThought, Caution: "whatever selects by the label must ask for the new value"})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(annotations)) {
		if !templated(k) && !knowledge.LabelKey(strings.ToLower(k)) { // as the API server asks
			p.Report(rule.Finding{Field: metadata.Child("annotations").Key(k), AtKey: true, Label: "no valid key", Message: fmt.Sprintf("%q is no key of an annotation: %s", k, effect)}).
				WithFix(rule.Fix{Title: "write a key of letters, digits and - _ . that starts and ends with a letter or digit, at most 63, after an optional domain and /", Applicability: rule.NeedsThought, Caution: "whatever reads the annotation must look for the new key"})
		}
	}
}

// templated tells what a tool fills in before the manifest is applied.
func templated(texts ...string) bool {
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, "{{") || strings.Contains(t, "${") })
}

func fault(value string) string {
	if n := len(value); n > validation.LabelValueMaxLength {
		return fmt.Sprintf("which has at most %d letters, not %d", validation.LabelValueMaxLength, n)
	}
	return "which is made of letters, digits and - _ ., with a letter or digit at both ends"
}

// ownerLabels are the keys with which teams commonly say who cares for an object.
var ownerLabels = []string{"owner", "team", "app.kubernetes.io/owner", "app.kubernetes.io/managed-by-team", "owned-by"}

// LabelOwner finds workloads that do not say whose they are.
var LabelOwner = rule.Check{
	ID: "label-owner", Title: "does not say whose it is", Doc: rule.ReadDoc(docs, "label_owner.md"),
	Dimension: rule.Policy, Severity: rule.Low, Off: true, On: rule.Workloads, Applies: someones,
	Run: func(p *rule.Pass) {
		has := func(m map[string]string) bool {
			return slices.ContainsFunc(ownerLabels, func(k string) bool { return m[k] != "" })
		}
		if has(p.Object.Meta.GetLabels()) || has(p.Object.Meta.GetAnnotations()) {
			return
		}
		if ns, _ := p.Lookup(snapshot.NamespaceKind, "", p.Object.Namespace); ns != nil && (has(ns.Meta.GetLabels()) || has(ns.Meta.GetAnnotations())) {
			return
		}
		at := field.NewPath("metadata", "labels").Key("owner")
		p.Report(rule.Finding{Field: at, Label: "no owner", Message: "no label owner or team, here or on its namespace: at night nobody knows whom to wake"}).
			WithFix(rule.Fix{Title: "name the team in a label", Applicability: rule.Placeholders, Patch: p.Put(at, "<TEAM>"), YAML: rule.Nest("<TEAM>", "metadata", "labels", "owner")})
	},
	Peers: map[string][]string{"kube-linter": {"required-label-owner"}},
}

// AnnotationEmail finds workloads that do not say how to reach those who care for them.
var AnnotationEmail = rule.Check{
	ID: "annotation-email", Title: "does not say how to reach its owner", Doc: rule.ReadDoc(docs, "annotation_email.md"),
	Dimension: rule.Policy, Severity: rule.Low, Off: true, On: rule.Workloads, Applies: someones,
	Run: func(p *rule.Pass) {
		for _, v := range p.Object.Meta.GetAnnotations() {
			if at := strings.IndexByte(v, '@'); at > 0 && strings.Contains(v[at:], ".") {
				return
			}
		}
		at := field.NewPath("metadata", "annotations").Key("email")
		p.Report(rule.Finding{Field: at, Label: "no address", Message: "no annotation holds an e-mail address of those who care for it"}).
			WithFix(rule.Fix{Title: "name an address that a team reads, not a person", Applicability: rule.Placeholders, Patch: p.Put(at, "<ADDRESS>"), YAML: rule.Nest("<ADDRESS>", "metadata", "annotations", "email")})
	},
	Peers: map[string][]string{"kube-linter": {"required-annotation-email"}},
}

// The labels that Kubernetes recommends, as far as every tool shows them.
// Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/.
const (
	nameLabel     = "app.kubernetes.io/name"
	instanceLabel = "app.kubernetes.io/instance"
	versionLabel  = "app.kubernetes.io/version"
)

// LabelsCommon finds workloads without the labels that tools agree on.
var LabelsCommon = rule.Check{
	ID: "labels-common", Title: "lacks the recommended labels", Doc: rule.ReadDoc(docs, "labels_common.md"),
	Dimension: rule.Policy, Severity: rule.Info, Off: true, On: rule.Workloads, Applies: someones,
	Run: func(p *rule.Pass) {
		var missing []string
		for _, k := range []string{nameLabel, instanceLabel, versionLabel} {
			if p.Object.Meta.GetLabels()[k] == "" {
				missing = append(missing, k)
			}
		}
		if len(missing) == 0 {
			return
		}
		p.Report(rule.Finding{Field: field.NewPath("metadata", "labels").Key(missing[0]), Label: "missing", Message: "lacks " + strings.Join(missing, ", ")}).
			WithFix(rule.Fix{Title: "add the labels to the object and its pod template, not to its selector", Applicability: rule.NeedsThought, Caution: "a selector cannot be changed, and a change of the template starts a rollout"})
	},
	Peers: map[string][]string{"kubescape": {"k8s-common-labels-usage", "label-usage-for-resources"}},
}

// InstanceLabel finds workloads whose instance label is not their name.
var InstanceLabel = rule.Check{
	ID: "instance-label", Title: "is named otherwise than its instance label", Doc: rule.ReadDoc(docs, "instance_label.md"),
	Dimension: rule.Policy, Severity: rule.Info, Off: true, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool { return p.Object.Meta.GetLabels()[instanceLabel] != "" },
	Run: func(p *rule.Pass) {
		if have := p.Object.Meta.GetLabels()[instanceLabel]; have != p.Object.Name {
			p.Report(rule.Finding{Field: field.NewPath("metadata", "labels").Key(instanceLabel), Value: have, Label: "not its name", Message: fmt.Sprintf("%s is %s, and the name %s", instanceLabel, have, p.Object.Name)}).
				WithFix(rule.Fix{Title: "give both the same value, where one program is one instance", Applicability: rule.NeedsThought, Caution: "charts name the release in this label, which is right for several workloads of one release"})
		}
	},
	Peers: map[string][]string{"polaris": {"metadataAndInstanceMismatched"}},
}

// someones tells what people made, from what the cluster has by itself.
func someones(p *rule.Pass) bool { return !knowledge.SystemNamespace(p.Object.Namespace) }

// DefaultNamespace finds workloads in the namespace that everybody lands in by mistake.
var DefaultNamespace = rule.Check{
	ID: "default-namespace", Title: "runs in the namespace default", Doc: rule.ReadDoc(docs, "default_namespace.md"),
	Dimension: rule.Policy, Severity: rule.Info, On: rule.Workloads,
	// A file that names no namespace leaves it to whoever applies it.
	Applies: func(p *rule.Pass) bool { return !p.Files || p.Object.Placed },
	Run: func(p *rule.Pass) {
		if p.Object.Namespace != "default" {
			return
		}
		p.Report(rule.Finding{
			Field: field.NewPath("metadata", "namespace"), Value: "default", Label: "shared by whatever names no other",
			Message: "in namespace default, where whatever names no other lands: rights, quotas and network policies set for it hold for all of that, and deleting the namespace is not possible",
		}).WithFix(rule.Fix{
			Title: "move it into a namespace of its own", Applicability: rule.NeedsThought,
			Caution: "its Service gets another DNS name, and claims do not move: their data must be copied",
		})
	},
	Peers: map[string][]string{
		"kube-linter": {"use-namespace"}, "clusterlint": {"default-namespace"}, "kubescape": {"pods-in-default-namespace", "configmap-in-default-namespace"},
	},
}
