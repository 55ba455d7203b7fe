package policy

import (
	"fmt"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ttlLabel is how Kyverno's cleanup controller is told when to delete an object.
const ttlLabel = "cleanup.kyverno.io/ttl"

// PolicyExceptionForever finds exceptions that will outlive whoever asked for them.
var PolicyExceptionForever = rule.Check{
	ID: "policy-exception-forever", Title: "exception to a policy without an end", Doc: rule.ReadDoc(docs, "policy_exception_forever.md"),
	Dimension: rule.Policy, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.KyvernoExceptionKind, snapshot.KyvernoCELExceptionKind),
	Needs:   cleaners,
	Applies: func(p *rule.Pass) bool { return !p.Files || p.Closed }, // what deletes it may be in the cluster
	Run: func(p *rule.Pass) {
		if ends(p.Object) {
			return
		}
		maybe := ""
		for _, gk := range cleaners {
			for _, o := range p.List(gk, "") {
				everywhere := gk == snapshot.KyvernoClusterCleaning || gk == snapshot.KyvernoDeletingKind
				if !everywhere && o.Namespace != p.Object.Namespace {
					continue
				}
				switch deletes(o, p.Object.Name) {
				case sure:
					return
				case perhaps:
					maybe = o.String()
				}
			}
		}
		if maybe != "" {
			p.Unknown("%s deletes some exceptions, and whether this is one is not judged here", maybe)
			return
		}
		at, value := field.NewPath("metadata", "labels").Key(ttlLabel), "<YYYY-MM-DD>"
		yaml := "metadata:\n  labels:\n    " + ttlLabel + ": " + value + "\n"
		how := "label it with the day on which Kyverno's cleanup controller is to delete it"
		caution := "the cleanup controller needs the right to delete exceptions; what the exception let through is refused from then on"
		if p.Object.GroupKind() == snapshot.KyvernoCELExceptionKind {
			at, value = field.NewPath("spec", "expiresAt"), "<YYYY-MM-DD>T00:00:00Z"
			yaml = "spec:\n  expiresAt: " + value + "\n"
			how, caution = "say in expiresAt until when", "versions of Kyverno before the field was there refuse it, or drop it; what the exception let through is refused from then on"
		}
		f := rule.Finding{Field: at, Label: "no end", Message: "nothing says when it ends" + exempted(p.Object)}
		if t := p.Object.Meta.GetCreationTimestamp(); !t.IsZero() {
			f.Message += fmt.Sprintf("; it is %s old", rule.Human(p.Age(t.Time)))
		}
		patch := p.Put(at, value)
		p.Report(f).WithFix(rule.Fix{Title: how, Applicability: rule.Placeholders, Patch: patch, YAML: yaml, Command: p.Live(patch), Caution: caution})
	},
}

// cleaners are the kinds that delete objects when their time has come.
var cleaners = []schema.GroupKind{
	snapshot.KyvernoCleanupKind, snapshot.KyvernoClusterCleaning, snapshot.KyvernoDeletingKind, snapshot.KyvernoDeletingLocalKind,
}

// ends tells whether an exception itself says until when it is one: by a field, by the label with which Kyverno deletes, or by a
// condition that asks for the time. Source: api/policies.kyverno.io of Kyverno, and the names of its functions of JMESPath.
func ends(o *snapshot.Object) bool {
	if o.Has("spec", "expiresAt") || o.Meta.GetLabels()[ttlLabel] != "" {
		return true
	}
	for _, at := range []string{"conditions", "matchConditions"} {
		if v, ok := o.At("spec", at); ok && asksTime(v, 0) {
			return true
		}
	}
	return false
}

// asksTime tells whether an expression somewhere in v speaks of the time.
func asksTime(v any, depth int) bool {
	const deep = 8
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "time_") || strings.Contains(v, "timestamp(") || strings.Contains(v, "now()")
	case []any:
		for _, item := range v {
			if depth < deep && asksTime(item, depth+1) {
				return true
			}
		}
	case map[string]any:
		for _, item := range v {
			if depth < deep && asksTime(item, depth+1) {
				return true
			}
		}
	}
	return false
}

// certainty is how far it is known that a policy deletes an exception.
type certainty int

const (
	not certainty = iota
	perhaps
	sure
)

// deletes tells whether a policy that cleans up is for an exception of that name.
func deletes(o *snapshot.Object, name string) certainty {
	if v, ok := o.At("spec", "matchConstraints", "resourceRules"); ok {
		if namesResource(v, "policyexceptions") {
			return perhaps
		}
		return not
	}
	found := not
	most := sure
	if o.Has("spec", "exclude") {
		most = perhaps
	}
	for _, way := range []string{"any", "all"} {
		v, _ := o.At("spec", "match", way)
		items, _ := v.([]any)
		for _, item := range items {
			m, _ := item.(map[string]any)
			r, _ := m["resources"].(map[string]any)
			if r == nil || !namesKind(r["kinds"]) {
				continue
			}
			names, _ := r["names"].([]any)
			switch {
			case r["selector"] != nil || r["namespaceSelector"] != nil || r["annotations"] != nil || r["namespaces"] != nil || way == "all" && len(items) > 1:
				found = max(found, perhaps)
			case len(names) == 0 || matchesName(names, name):
				found = max(found, most)
			}
		}
	}
	return found
}

func namesKind(v any) bool {
	kinds, _ := v.([]any)
	for _, item := range kinds {
		if kind, _ := item.(string); kind == "PolicyException" || strings.HasSuffix(kind, "/PolicyException") {
			return true
		}
	}
	return false
}

func namesResource(v any, resource string) bool {
	items, _ := v.([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		list, _ := m["resources"].([]any)
		for _, r := range list {
			if r == resource {
				return true
			}
		}
	}
	return false
}

func matchesName(patterns []any, name string) bool {
	for _, p := range patterns {
		if pattern, ok := p.(string); ok {
			if hit, err := path.Match(pattern, name); err == nil && hit {
				return true
			}
		}
	}
	return false
}

// exempted names the first policy that an exception is from: ", for policy require-labels and 1 more".
func exempted(o *snapshot.Object) string {
	var names []string
	for _, at := range [][2]string{{"exceptions", "policyName"}, {"policyRefs", "name"}} {
		v, _ := o.At("spec", at[0])
		items, _ := v.([]any)
		for _, item := range items {
			m, _ := item.(map[string]any)
			if name, ok := m[at[1]].(string); ok && name != "" {
				names = append(names, name)
			}
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return ", an exception to " + names[0]
	}
	return fmt.Sprintf(", an exception to %s and %d more", names[0], len(names)-1)
}
