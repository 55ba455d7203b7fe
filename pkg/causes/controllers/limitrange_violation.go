package controllers

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The words of the LimitRanger admission plugin; several of them may stand in one message.
// Source: kubernetes plugin/pkg/admission/limitranger/admission.go.
var (
	outOfBounds = knowledge.Regexp(`(minimum|maximum) (\S+) usage per (Container|Pod) is (\S+?)(?:\.\s+No (request|limit) is specified|, but (request|limit) is ([^\s,\]]+))`)
	ratioOf     = knowledge.Regexp(`(\S+) max limit to request ratio per (Container|Pod) is ([^\s,]+), but (provided ratio is [\d.]+|no request is specified|no limit is specified)`)
)

// LimitRangeViolation finds controllers whose pods ask for more or less than a LimitRange of the
// namespace lets one container or pod have.
var LimitRangeViolation = rule.Cause{
	ID: "limitrange-violation", Title: "a LimitRange refuses the pods' requests or limits", Doc: rule.ReadDoc(docs, "limitrange_violation.md"),
	Stage: rule.StageNotCreated, On: rule.PodMakers,
	Wants: func(p *rule.Pass) []snapshot.Want {
		r := p.RefusedPods()
		if r == nil || len(boundsIn(r.Message)) == 0 && len(givenIn(p, r.Message)) == 0 {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.LimitRangeKind, p.Object.Namespace, "")}
	},
	Run: func(p *rule.Pass) {
		if r := p.RefusedPods(); r != nil {
			if list := boundsIn(r.Message); len(list) > 0 {
				reportBounds(p, r, list)
			} else if list := givenIn(p, r.Message); len(list) > 0 {
				reportGiven(p, r, list)
			}
		}
	},
}

// bound is one thing that a LimitRange says and the pods do not keep to.
type bound struct {
	kind     string // minimum, maximum, ratio
	resource corev1.ResourceName
	per      corev1.LimitType
	value    string // what the LimitRange says
	of       string // request or limit; of a ratio, what is missing
	seen     string // the value that it refuses; "" where there is none
	words    string
}

func boundsIn(message string) []bound {
	var list []bound
	for _, m := range outOfBounds.FindAllStringSubmatch(message, -1) {
		b := bound{kind: m[1], resource: corev1.ResourceName(m[2]), per: corev1.LimitType(m[3]), value: m[4], of: m[5] + m[6], seen: m[7]}
		unit := "a container"
		if b.per == corev1.LimitTypePod {
			unit = "a whole pod"
		}
		at := "at most"
		if b.kind == "minimum" {
			at = "at least"
		}
		b.words = fmt.Sprintf("%s %s of %s for %s, and its %s is %s", at, b.value, b.resource, unit, b.of, b.seen)
		if b.seen == "" {
			b.words = fmt.Sprintf("%s %s of %s for %s, which names no %s", at, b.value, b.resource, unit, b.of)
		}
		list = append(list, b)
	}
	for _, m := range ratioOf.FindAllStringSubmatch(message, -1) {
		b := bound{kind: "ratio", resource: corev1.ResourceName(m[1]), per: corev1.LimitType(m[2]), value: m[3]}
		if ratio, ok := strings.CutPrefix(m[4], "provided ratio is "); ok {
			b.seen = strings.TrimRight(strings.TrimRight(ratio, "0"), ".")
			b.words = fmt.Sprintf("a limit of at most %s times the request for %s, and it is %s times", b.value, b.resource, b.seen)
		} else {
			b.of = strings.Fields(m[4])[1]
			b.words = fmt.Sprintf("a limit of at most %s times the request for %s, and there is %s", b.value, b.resource, strings.TrimSuffix(m[4], " is specified"))
		}
		list = append(list, b)
	}
	return list
}

// amount is what a container itself names as its request or limit.
func amount(c snapshot.Container, of string, name corev1.ResourceName) (resource.Quantity, bool) {
	list := c.Resources.Requests
	if of == "limit" {
		list = c.Resources.Limits
	}
	q, ok := list[name]
	return q, ok
}

// culprit is the container and list (requests, limits) that a bound speaks of. exact is false where
// the value stands in no container: a default gave it, or several add up to it.
func (b bound) culprit(p *rule.Pass) (c snapshot.Container, list string, exact bool) {
	all := templateContainers(p)
	is := func(q resource.Quantity) bool {
		want, err := resource.ParseQuantity(b.seen)
		return err == nil && q.Cmp(want) == 0
	}
	for _, c := range all {
		q, ok := amount(c, b.of, b.resource)
		limit, hasLimit := amount(c, "limit", b.resource)
		request, hasRequest := amount(c, "request", b.resource)
		switch {
		case b.kind == "ratio" && b.seen != "" && hasLimit && hasRequest:
			if most, err := resource.ParseQuantity(b.value); err == nil && limit.AsApproximateFloat64() > request.AsApproximateFloat64()*most.AsApproximateFloat64() {
				return c, "requests", true
			}
		case b.kind == "ratio" && b.seen != "":
		case b.seen == "" && !ok:
			return c, b.of + "s", true
		case b.seen != "" && ok && is(q):
			return c, b.of + "s", true
		case b.seen != "" && b.of == "request" && !ok && hasLimit && is(limit): // the API takes the limit for the request
			return c, "limits", true
		}
	}
	if len(all) == 0 {
		return snapshot.Container{}, "", false
	}
	return all[len(all)-1], b.of + "s", false
}

// keeper is the LimitRange that says so, where it was read.
func (b bound) keeper(p *rule.Pass) (snapshot.Ref, bool) {
	for _, o := range p.List(snapshot.LimitRangeKind, p.Object.Namespace) {
		lr, ok := o.Typed.(*corev1.LimitRange)
		if !ok {
			continue
		}
		for _, item := range lr.Spec.Limits {
			list := map[string]corev1.ResourceList{"minimum": item.Min, "maximum": item.Max, "ratio": item.MaxLimitRequestRatio}[b.kind]
			if q, ok := list[b.resource]; ok && item.Type == b.per && q.String() == b.value {
				return o.Ref, true
			}
		}
	}
	return snapshot.Ref{}, false
}

func reportBounds(p *rule.Pass, r *rule.Refusal, list []bound) {
	spec := p.PodSpec()
	f := rule.Finding{
		Object: spec.Object, Stage: p.RefusedStage(), Certainty: rule.Certain, Evidence: []rule.Evidence{r.Evidence},
		RuledOut: []string{"a full cluster, a used up quota: the LimitRange looks at each pod alone"},
		Fix: &rule.Fix{
			Title:         "keep within what the LimitRange allows, or have whoever owns it change it",
			Applicability: rule.NeedsThought, Object: spec.Object,
		},
	}
	by := "a LimitRange"
	if ref, ok := list[0].keeper(p); ok {
		by = ref.String()
	}
	var words []string
	set := map[string]map[string]string{} // container: requests, limits
	var values []rule.Value
	var cautions []string
	for _, b := range list {
		words = append(words, b.words)
		c, kind, exact := b.culprit(p)
		if c.Container == nil || kind == "s" {
			continue
		}
		s := p.ContainerSetting(c).Child("resources", kind, string(b.resource))
		label := fmt.Sprintf("%s allows %s", by, strings.Replace(b.words, ", and its", "; its", 1))
		if !exact {
			label = "not written here: a default gives it, or several containers add up to it; " + label
		}
		if f.Field == nil {
			f.Field, f.Label = s.Path, label
			if q, ok := amount(c, strings.TrimSuffix(kind, "s"), b.resource); ok {
				f.Value = q.String()
			}
		} else if s.Path.String() != f.Field.String() {
			f.Marks = append(f.Marks, rule.Mark{Field: s.Path, Label: label})
		}
		value, caution := b.inside(c, kind)
		if caution != "" && !slices.Contains(cautions, caution) {
			cautions = append(cautions, caution)
		}
		if set[c.Name] == nil {
			set[c.Name] = map[string]string{}
		}
		set[c.Name][kind] = strings.TrimPrefix(set[c.Name][kind]+","+string(b.resource)+"="+value, ",")
		values = append(values, rule.Value{Path: s.Path, Value: value})
		if strings.HasPrefix(value, "<") {
			f.Fix.Applicability = rule.Placeholders
		}
		if request, ok := amount(c, "request", b.resource); ok && kind == "limits" && b.kind == "maximum" {
			if most, err := resource.ParseQuantity(b.value); err == nil && request.Cmp(most) > 0 { // a request above its limit is refused as well
				set[c.Name]["requests"] = strings.TrimPrefix(set[c.Name]["requests"]+","+string(b.resource)+"="+value, ",")
				values = append(values, rule.Value{Path: p.ContainerSetting(c).Child("resources", "requests", string(b.resource)).Path, Value: value})
			}
		}
	}
	f.Message = fmt.Sprintf("%s allows %s; %s", by, strings.Join(words, "; and "), exist(r))
	f.Fix.Caution = strings.Join(cautions, "; ")
	if f.Field == nil {
		f.NoField = "the pod template could not be read"
		p.Report(f)
		return
	}
	if len(set) == 1 && len(values) > 0 {
		for name, lists := range set {
			f.Fix.Command = p.SetResources(spec.Object, name, lists["requests"], lists["limits"])
		}
	} else {
		putAll(p, f.Fix, spec, values)
	}
	p.Report(f)
}

// inside is a value that the bound allows: the bound itself, or a placeholder where the number depends on
// other containers.
func (b bound) inside(c snapshot.Container, list string) (value, caution string) {
	switch {
	case b.per == corev1.LimitTypePod:
		return placeholder(lack{c, list, string(b.resource)}, true), fmt.Sprintf("the containers of the pod have %s together", b.value)
	case b.kind == "ratio" && b.seen != "":
		limit, _ := amount(c, "limit", b.resource)
		most, err := resource.ParseQuantity(b.value)
		if err != nil || most.Sign() <= 0 {
			break
		}
		return share(limit, most, b.resource), "a higher request reserves more of a node for each pod"
	case b.kind == "maximum" && b.of == "limit":
		return b.value, fmt.Sprintf("a container that needs more than %s of %s is then killed or slowed", b.value, b.resource)
	case b.kind == "maximum", b.kind == "minimum":
		return b.value, "a request reserves that much of a node for each pod"
	}
	return placeholder(lack{c, list, string(b.resource)}, true), "the number is yours to choose"
}

// share is the smallest request that a limit is at most n times of.
func share(limit, n resource.Quantity, name corev1.ResourceName) string {
	if name == corev1.ResourceCPU {
		return resource.NewMilliQuantity(int64(float64(limit.MilliValue())/n.AsApproximateFloat64()+0.999), resource.DecimalSI).String()
	}
	return resource.NewQuantity(int64(float64(limit.Value())/n.AsApproximateFloat64()+0.999), resource.BinarySI).String()
}
