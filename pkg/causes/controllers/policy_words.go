package controllers

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// spoken is the field of the pod template of which a policy speaks.
type spoken struct {
	path *field.Path
	key  string // "the label team": what the policy itself names, "" for nothing
	how  string // how that is known
}

// How a field is found.
const (
	byPath       = "the policy speaks of this field"
	byExpression = "the policy's expression looks at this field"
	byConcept    = "this is what the policy's words are about"
)

// Source: kyverno pkg/webhooks/utils/block.go, GetBlockedMessages; gatekeeper pkg/webhook/policy.go, where
// older versions write "denied by".
var (
	kyvernoSays    = knowledge.Regexp(`due to the following policies\s+([\w.-]+):\s+([\w.-]+):`)
	gatekeeperSays = knowledge.Regexp(`^\s*\[(?:denied by )?([\w.-]+)\]`)
)

// policyIn is the name that a policy engine gives in its denial to the policy that was broken, "" where it
// gives none.
func policyIn(words string) string {
	if m := kyvernoSays.FindStringSubmatch(words); m != nil {
		return "policy " + m[1] + ", rule " + m[2]
	}
	if m := gatekeeperSays.FindStringSubmatch(words); m != nil {
		return "constraint " + m[1]
	}
	return ""
}

// A field of a pod as policies name it: spec.containers[0].image, with slashes, or below metadata.
var (
	podField  = knowledge.Regexp(`\bspec(?:[./][a-zA-Z]+(?:\[\d+\]|/\d+)?)+`)
	metaField = knowledge.Regexp(`\bmetadata[./](labels|annotations)\b`)
	slashes   = knowledge.Regexp(`/([a-zA-Z])`)
	numbers   = knowledge.Regexp(`/(\d+)`)
)

// speaksOf is the field of the pods of which a denial speaks; nil where that cannot be told. What the
// policy itself looks at comes before its words.
func speaksOf(p *rule.Pass, spec rule.Setting, d *denial) *spoken {
	o := holder(p, spec)
	if o == nil || len(p.Object.Templates) == 0 {
		return nil
	}
	t := p.Object.Templates[0]
	template := rule.FieldPath(strings.TrimSuffix(spec.Path.String(), ".spec"))
	e, failed := strings.CutPrefix(strings.TrimSpace(d.words), failedExpression)
	if !failed {
		if path := pathIn(o, spec, template, d.words); path != nil {
			return &spoken{path: path, how: byPath}
		}
		e = expressionOf(p, d)
	}
	if e != "" {
		if s := looksAt(e, template, t); s != nil {
			return s
		}
	}
	if failed {
		return nil
	}
	return concept(d.words, template, t)
}

// failedExpression begins the denial of a policy that has no message of its own.
// Source: k8s.io/apiserver pkg/admission/plugin/policy/validating/validator.go.
const failedExpression = "failed expression: "

// pathIn is a path that stands in a message, as far as the template has it.
func pathIn(o *snapshot.Object, spec rule.Setting, template *field.Path, message string) *field.Path {
	for _, text := range podField.FindAllString(message, 4) {
		steps := source.ParsePath(slashes.ReplaceAllString(numbers.ReplaceAllString(text, "[$1]"), ".$1"))
		if len(steps) < 2 {
			continue
		}
		path, known := spec.Path, 0
		for i, s := range steps[1:] {
			var next *field.Path
			if s.Index >= 0 {
				next = path.Index(s.Index)
			} else {
				next = path.Child(s.Key)
			}
			_, there := rule.ValueAt(o, next)
			if there {
				known = i + 1
			} else if s.Index >= 0 || i > known { // an item that is not there, or what is below a field that is not
				break
			}
			path = next
		}
		if known > 0 {
			return path
		}
	}
	if m := metaField.FindStringSubmatch(message); m != nil {
		return template.Child("metadata", m[1])
	}
	return nil
}

// expressionOf is the expression of a ValidatingAdmissionPolicy that was not true; "" where it was not
// read, or where several could be it.
func expressionOf(p *rule.Pass, d *denial) string {
	o := deniedBy(p, d)
	if o == nil || d.policy == "" {
		return ""
	}
	policy, ok := o.Typed.(*admissionv1.ValidatingAdmissionPolicy)
	if !ok {
		return ""
	}
	found := ""
	for _, v := range policy.Spec.Validations {
		if v.Message != "" && strings.TrimSpace(v.Message) == strings.TrimSpace(d.words) || len(policy.Spec.Validations) == 1 {
			if found != "" {
				return ""
			}
			found = v.Expression
		}
	}
	return found
}

var (
	labelInCEL = knowledge.Regexp(`['"]([^'"]+)['"] in object\.metadata\.(labels|annotations)\b`)
	labelOfCEL = knowledge.Regexp(`object\.metadata\.(labels|annotations)(?:\[['"]([^'"]+)['"]\]|\.([A-Za-z_]\w*))`)
	metaOfCEL  = knowledge.Regexp(`object\.metadata\.(labels|annotations)\b`)
	eachInCEL  = knowledge.Regexp(`object\.spec\.(containers|initContainers)\.(?:all|exists)\(\s*(\w+)\s*,`)
	fieldInCEL = knowledge.Regexp(`object\.spec((?:\.[a-zA-Z]+(?:\[\d+\])?)+)`)
	isCall     = map[string]bool{"all": true, "exists": true, "exists_one": true, "map": true, "filter": true, "size": true, "matches": true, "startsWith": true, "endsWith": true, "contains": true, "orValue": true}
)

// looksAt is the field of a pod that a CEL expression looks at; the deepest, where it looks at one by steps.
func looksAt(expression string, template *field.Path, t snapshot.Template) *spoken {
	if m := labelInCEL.FindStringSubmatch(expression); m != nil {
		return &spoken{template.Child("metadata", m[2]).Key(m[1]), "the " + strings.TrimSuffix(m[2], "s") + " " + m[1], byExpression}
	}
	if m := labelOfCEL.FindStringSubmatch(expression); m != nil {
		return &spoken{template.Child("metadata", m[1]).Key(m[2] + m[3]), "the " + strings.TrimSuffix(m[1], "s") + " " + m[2] + m[3], byExpression}
	}
	if m := metaOfCEL.FindStringSubmatch(expression); m != nil {
		return &spoken{path: template.Child("metadata", m[1]), how: byExpression}
	}
	if m := eachInCEL.FindStringSubmatch(expression); m != nil {
		each := knowledge.Regexp(`\b` + regexp.QuoteMeta(m[2]) + `((?:\.[a-zA-Z]+)+)`)
		below := deepest(each.FindAllStringSubmatch(expression, -1))
		in := knowledge.Regexp(`['"]([\w.-]+)['"] in ` + regexp.QuoteMeta(m[2]) + `\.([a-zA-Z.]+)`)
		if m := in.FindStringSubmatch(expression); m != nil && strings.Join(below, ".") == m[2] {
			below = append(below, m[1])
		}
		path := template.Child("spec", m[1])
		if n := countIn(t, m[1]); n == 1 {
			path = path.Index(0)
		}
		if below == nil || countIn(t, m[1]) != 1 {
			return &spoken{path: path, how: byExpression}
		}
		return &spoken{path: path.Child(below[0], below[1:]...), how: byExpression}
	}
	if below := deepest(fieldInCEL.FindAllStringSubmatch(expression, -1)); below != nil {
		return &spoken{path: rule.FieldPath(template.Child("spec").String() + "." + strings.Join(below, ".")), how: byExpression}
	}
	return nil
}

// deepest are the steps of the path that goes farthest; nil where paths go different ways.
func deepest(paths [][]string) []string {
	var best []string
	for _, m := range paths {
		steps := strings.Split(strings.Trim(m[1], "."), ".")
		if i := slices.IndexFunc(steps, func(s string) bool { return isCall[s] }); i >= 0 {
			steps = steps[:i]
		}
		n := min(len(steps), len(best))
		if !slices.Equal(steps[:n], best[:n]) {
			return nil
		}
		if len(steps) > len(best) {
			best = steps
		}
	}
	return best
}

// countIn is how many containers of a list the template has.
func countIn(t snapshot.Template, list string) int {
	if list == "initContainers" {
		return len(t.Spec.InitContainers)
	}
	return len(t.Spec.Containers)
}

// concepts are what policies are mostly about, by the words that they say it with, the narrower first.
// What begins with "*" is of a container.
var concepts = []struct {
	words *knowledge.Pattern
	path  string
}{
	{knowledge.Regexp(`privilege ?escalation`), "*securityContext.allowPrivilegeEscalation"},
	{knowledge.Regexp(`read-? ?only ?root ?file ?system`), "*securityContext.readOnlyRootFilesystem"},
	{knowledge.Regexp(`runasnonroot|run(?:ning)? as (?:non-?root|root)|as root is not|root user`), "*securityContext.runAsNonRoot"},
	{knowledge.Regexp(`\bcapabilit(?:y|ies)\b`), "*securityContext.capabilities"},
	{knowledge.Regexp(`\bseccomp`), "*securityContext.seccompProfile"},
	{knowledge.Regexp(`\bprivileged\b`), "*securityContext.privileged"},
	{knowledge.Regexp(`\bhost ?network`), "hostNetwork"},
	{knowledge.Regexp(`\bhost ?pid`), "hostPID"},
	{knowledge.Regexp(`\bhost ?ipc`), "hostIPC"},
	{knowledge.Regexp(`\bhost ?ports?\b`), "*ports"},
	{knowledge.Regexp(`\bhost ?path`), "volumes"},
	{knowledge.Regexp(`\bliveness ?probe`), "*livenessProbe"},
	{knowledge.Regexp(`\breadiness ?probe`), "*readinessProbe"},
	{knowledge.Regexp(`\bmemory limits?\b`), "*resources.limits.memory"},
	{knowledge.Regexp(`\bcpu limits?\b`), "*resources.limits.cpu"},
	{knowledge.Regexp(`\bmemory requests?\b`), "*resources.requests.memory"},
	{knowledge.Regexp(`\bcpu requests?\b`), "*resources.requests.cpu"},
	{knowledge.Regexp(`\bresource limits?\b`), "*resources.limits"},
	{knowledge.Regexp(`\bresource requests?\b`), "*resources.requests"},
	{knowledge.Regexp(`\bpriority ?class`), "priorityClassName"},
	{knowledge.Regexp(`\bautomount`), "automountServiceAccountToken"},
	{knowledge.Regexp(`\bimage ?pull ?policy`), "*imagePullPolicy"},
	{knowledge.Regexp(`\bannotations?\b`), "metadata.annotations"},
	{knowledge.Regexp(`\blabels?\b`), "metadata.labels"},
	{knowledge.Regexp(`\bimage\b|\bimage (?:tag|repo|registr)|\bregistr(?:y|ies)\b`), "*image"},
}

var containerSays = knowledge.Regexp("(?i)\\bcontainers? [<\"'`\\[]*([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)")

// concept is the field that a policy's words are about; nil where they are about none that is known, or
// about several.
func concept(words string, template *field.Path, t snapshot.Template) *spoken {
	low := strings.ToLower(words)
	for _, c := range concepts {
		if !c.words.MatchString(low) {
			continue
		}
		below, ofContainer := strings.CutPrefix(c.path, "*")
		steps := strings.Split(below, ".")
		switch {
		case strings.HasPrefix(below, "metadata."):
			return &spoken{path: template.Child(steps[0], steps[1:]...), how: byConcept}
		case !ofContainer:
			return &spoken{path: template.Child("spec", steps...), how: byConcept}
		}
		list := t.Containers()
		if len(list) != 1 {
			m := containerSays.FindStringSubmatch(words)
			list = slices.DeleteFunc(slices.Clone(list), func(c snapshot.Container) bool { return m == nil || !strings.EqualFold(c.Name, m[1]) })
		}
		if len(list) != 1 {
			return &spoken{path: template.Child("spec", "containers"), how: byConcept}
		}
		at := template.Child("spec", "containers")
		if list[0].Init || list[0].Beside {
			at = template.Child("spec", "initContainers")
		}
		text := list[0].Path.String()
		n, err := strconv.Atoi(strings.TrimSuffix(text[strings.LastIndexByte(text, '[')+1:], "]"))
		if err != nil {
			return nil
		}
		return &spoken{path: at.Index(n).Child(steps[0], steps[1:]...), how: byConcept}
	}
	return nil
}

// carry is the fix for a label or annotation that the policy itself names and the template does not have.
func carry(p *rule.Pass, f *rule.Finding, s *spoken) {
	o, _ := p.Lookup(f.Object.GroupKind(), f.Object.Namespace, f.Object.Name)
	if o == nil {
		return
	}
	if _, has := rule.ValueAt(o, s.path); has {
		return
	}
	f.Label = "the policy wants " + s.key + " here"
	f.Fix.Title = fmt.Sprintf("give the pods %s, with a value that the policy takes; or have whoever owns the policy make an exception", s.key)
	f.Fix.Applicability = rule.Placeholders
	f.Fix.Patch = rule.PutIn(o, s.path, "<VALUE>")
	f.Fix.Command = p.PatchCommand(o.Ref, f.Fix.Patch)
}
