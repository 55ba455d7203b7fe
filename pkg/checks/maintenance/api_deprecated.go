package maintenance

import (
	"fmt"
	"sort"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// APIDeprecated finds manifests in a version of the API that is gone, or is going.
var APIDeprecated = rule.Check{
	ID: "api-deprecated", Title: "apiVersion that is gone, or is going", Doc: rule.ReadDoc(docs, "api_deprecated.md"),
	Dimension: rule.Maintenance, Severity: rule.High, On: rule.Everything,
	// A cluster shows every object in the version that it is asked for, whichever it was written in; what an
	// autoscaler names it shows as it is.
	Applies: func(p *rule.Pass) bool {
		o := p.Object
		if o.Origin == nil || o.Typed != nil {
			return o.Origin != nil || o.GroupKind() == snapshot.HPAKind
		}
		return knowledge.APIVersionOf(o.Written, o.Kind) != nil || definedVersions(p.Snapshot)[o.GroupKind()] != nil
	},
	Run: func(p *rule.Pass) {
		judgeTarget(p)
		if p.Object.Origin == nil {
			return
		}
		at := field.NewPath("apiVersion")
		version := p.Object.Written
		v := knowledge.APIVersionOf(version, p.Object.Kind)
		if v == nil || v.By != "" && definedVersions(p.Snapshot)[p.Object.GroupKind()] != nil { // its definition knows better
			judgeDefined(p, version)
			return
		}
		server, newest := servedBy(p)
		f := rule.Finding{Field: at, Value: version}
		what := fmt.Sprintf("%s of %s", version, p.Object.Kind)
		switch {
		case v.By != "":
			f.Certainty, f.Severity = rule.Likely, rule.Medium // which release the cluster runs nobody knows here
			f.Message = fmt.Sprintf("%s is not served any more by %s and later: kubectl apply fails there", what, v.By)
			f.Label = "gone with " + v.By
		case server > 0 && v.Deprecated > server:
			return
		case server > 0 && v.Removed > 0 && v.Removed <= server:
			f.Message = fmt.Sprintf("the cluster is Kubernetes 1.%d, which does not serve %s: it went with 1.%d, and kubectl apply fails", server, what, v.Removed)
			f.Label = fmt.Sprintf("gone since Kubernetes 1.%d", v.Removed)
		case v.Removed > 0 && v.Removed <= newest:
			f.Message = fmt.Sprintf("Kubernetes does not serve %s any more since 1.%d: kubectl apply fails there", what, v.Removed)
			f.Label = fmt.Sprintf("gone since Kubernetes 1.%d", v.Removed)
			if v.Removed > newest-supported {
				f.Severity = rule.Medium // a cluster that is looked after may be older than that
			}
		case v.Removed == newest+1:
			f.Severity = rule.Medium
			f.Message = fmt.Sprintf("the next Kubernetes, 1.%d, will not serve %s any more", v.Removed, what)
			f.Label = fmt.Sprintf("goes with Kubernetes 1.%d", v.Removed)
		case v.Removed > 0:
			f.Severity = rule.Low
			f.Message = fmt.Sprintf("%s is deprecated since Kubernetes 1.%d, and will not be served from 1.%d on", what, v.Deprecated, v.Removed)
			f.Label = fmt.Sprintf("goes with Kubernetes 1.%d", v.Removed)
		default:
			f.Severity = rule.Info
			f.Message = fmt.Sprintf("%s is deprecated since Kubernetes 1.%d", what, v.Deprecated)
			f.Label = "deprecated"
		}
		p.Report(f).WithFix(rewritten(p, v))
	},
	Peers: map[string][]string{
		"popeye": {"POP-403", "POP-404"}, "kube-score": {"stable-version"}, "kube-linter": {"no-extensions-v1beta"},
		"kubescape": {"psp-deny-allowed-capabilities", "psp-deny-allowprivilegeescalation"},
	},
}

// rewritten is what to write instead. Where the content need not change with the version it is a patch.
func rewritten(p *rule.Pass, v *knowledge.APIVersion) rule.Fix {
	fix := rule.Fix{Title: "write apiVersion: " + v.Instead, Applicability: rule.NeedsThought, Caution: v.Note}
	switch {
	case v.Instead == "":
		fix.Title = "leave it out"
		return fix
	case v.Kind != "":
		fix.Title = fmt.Sprintf("write %s of %s", v.Kind, v.Instead)
		return fix
	}
	same := v.Same
	if v.Required != "" {
		if _, there := rule.ValueAt(p.Object, rule.FieldPath(v.Required)); there {
			fix.Caution = ""
		} else {
			same = false
		}
	}
	if fix.Caution == "" {
		fix.Caution = "clusters older than the new version do not know it"
	}
	if same {
		fix.Patch = p.Put(field.NewPath("apiVersion"), v.Instead)
	}
	return fix
}

// judgeTarget looks at what an autoscaler names. Its controller asks for the group and the kind, whatever the version.
func judgeTarget(p *rule.Pass) {
	hpa, ok := p.Object.Typed.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok {
		return
	}
	to := hpa.Spec.ScaleTargetRef
	v := knowledge.APIVersionOf(to.APIVersion, to.Kind)
	if v == nil || v.Removed == 0 || v.Instead == "" {
		return
	}
	if _, newest := servedBy(p); v.Removed > newest {
		return
	}
	if (snapshot.Ref{APIVersion: v.Version}).Group() == (snapshot.Ref{APIVersion: v.Instead}).Group() {
		return
	}
	at := field.NewPath("spec", "scaleTargetRef", "apiVersion")
	patch := p.Put(at, v.Instead)
	p.Report(rule.Finding{
		Field: at, Value: to.APIVersion, Label: fmt.Sprintf("gone since Kubernetes 1.%d", v.Removed),
		Message: fmt.Sprintf("Kubernetes does not serve %s of %s any more since 1.%d, so nothing is scaled", to.APIVersion, to.Kind, v.Removed),
	}).WithFix(rule.Fix{
		Title: "name " + v.Instead, Applicability: rule.NeedsThought, Patch: patch, Command: p.Live(patch),
		Caution: "it begins to scale then: see that its bounds and metrics are still what is wanted",
	})
}

// servedBy is the minor version of the API server, 0 where nobody knows it, and the newest one that has to be reckoned
// with: that of the server, or else the newest that there is.
func servedBy(p *rule.Pass) (server, newest int) {
	if server = versionsOf(p.Snapshot).server; server > 0 {
		return server, server
	}
	return 0, knowledge.KubernetesMinor
}

// supported is how many minor versions of Kubernetes get fixes at a time. Source: https://kubernetes.io/releases/.
const supported = 3

// definedVersion is a version of a custom resource, as its definition has it.
type definedVersion struct {
	served, deprecated bool
	warning            string
}

type definedKey struct{}

// definedVersions are those of the custom resources whose definitions are there.
func definedVersions(s *snapshot.Snapshot) map[schema.GroupKind]map[string]definedVersion {
	return snapshot.Derived(s, definedKey{}, func() map[schema.GroupKind]map[string]definedVersion {
		all := map[schema.GroupKind]map[string]definedVersion{}
		for _, o := range s.List(snapshot.CRDKind, "") {
			group, _ := o.At("spec", "group")
			kind, _ := o.At("spec", "names", "kind")
			list, _ := o.At("spec", "versions")
			items, _ := list.([]any)
			of := map[string]definedVersion{}
			g, ok := group.(string)
			key := schema.GroupKind{Group: g, Kind: fmt.Sprint(kind)}
			if all[key] != nil { // a second one of it, a base and its overlay: what either serves is served
				of = all[key]
			}
			for _, item := range items {
				m, _ := item.(map[string]any)
				name, _ := m["name"].(string)
				served, _ := m["served"].(bool)
				deprecated, _ := m["deprecated"].(bool)
				warning, _ := m["deprecationWarning"].(string)
				if have, twice := of[name]; !twice || !have.served || have.deprecated {
					of[name] = definedVersion{served, deprecated, warning}
				}
			}
			if ok && len(of) > 0 {
				all[key] = of
			}
		}
		return all
	})
}

// judgeDefined looks at a custom resource whose definition is there too.
func judgeDefined(p *rule.Pass, apiVersion string) {
	versions := definedVersions(p.Snapshot)[p.Object.GroupKind()]
	if versions == nil {
		return
	}
	_, name, _ := strings.Cut(apiVersion, "/")
	v, there := versions[name]
	var served []string
	for other, o := range versions {
		if o.served && !o.deprecated {
			served = append(served, other)
		}
	}
	sort.Strings(served)
	f := rule.Finding{Field: field.NewPath("apiVersion"), Value: apiVersion}
	switch {
	case !there || !v.served:
		f.Label = "not served"
		f.Message = fmt.Sprintf("its definition does not serve %s: kubectl apply fails", apiVersion)
	case v.deprecated:
		f.Severity, f.Label = rule.Low, "deprecated"
		f.Message = fmt.Sprintf("its definition calls %s deprecated", apiVersion)
		if v.warning != "" {
			f.Message += ", " + rule.Quote(v.warning)
		}
	default:
		return
	}
	title := "write a version that the definition serves"
	if len(served) > 0 {
		title += ": " + strings.Join(served, ", ")
	}
	p.Report(f).WithFix(rule.Fix{Title: title, Applicability: rule.NeedsThought, Caution: "fields may differ between versions: see kubectl explain"})
}
